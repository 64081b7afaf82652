from __future__ import annotations

import numpy as np
import pytest

from posegen.datasets.synthetic.surface import (
    Surface,
    cut_mesh,
    face_cross,
    join,
    relax,
    smoothing_matrix,
    subdivide,
    sweep,
    tube_triangles,
    vertex_normals,
)


def _sheet(n: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """A flat grid over the unit square, facing +z."""
    t = np.linspace(0, 1, n)
    y, x = np.meshgrid(t, t, indexing='ij')
    points = np.stack([x.ravel(), y.ravel(), 0 * x.ravel()], 1)
    i, j = np.meshgrid(np.arange(n - 1), np.arange(n - 1), indexing='ij')
    a = (i * n + j).ravel()
    quads = np.stack([a, a + 1, a + n, a + 1, a + n + 1, a + n], 1)
    return points, quads.reshape(-1, 3).astype(np.int32)


def _area(points: np.ndarray, triangles: np.ndarray) -> float:
    return float(np.linalg.norm(face_cross(points, triangles), axis=1).sum() / 2)


def _tube(rings: int = 6, around: int = 12) -> np.ndarray:
    turn = np.arange(around) / around * 2 * np.pi
    z = np.linspace(1, 0, rings)[:, None]
    x, y = np.sin(turn) + 0 * z, -np.cos(turn) + 0 * z
    return np.stack([x, y, z + 0 * turn], -1).reshape(-1, 3)


@pytest.mark.parametrize('level', [0.11, 0.4, 0.77])
def test_cut_follows_the_fields_zero_line(level):
    points, triangles = _sheet()
    cut = cut_mesh(triangles, level - points[:, 0])
    kept = cut.carry(points)
    assert kept[:, 0].max() == pytest.approx(level, abs=0.01)
    assert _area(kept, cut.triangles) == pytest.approx(level, abs=0.01)
    assert (face_cross(kept, cut.triangles)[:, 2] > 0).all()


def test_cut_keeps_or_drops_everything_when_no_edge_is_crossed():
    points, triangles = _sheet()
    whole = cut_mesh(triangles, np.ones(len(points)))
    np.testing.assert_array_equal(whole.carry(points), points)
    assert len(cut_mesh(triangles, -np.ones(len(points))).triangles) == 0


def test_closed_tube_faces_look_outwards():
    points = _tube()
    triangles = tube_triangles(6, 12)
    middles = points[triangles].mean(1) * (1, 1, 0)
    assert ((face_cross(points, triangles) * middles).sum(1) > 0).all()
    assert len(tube_triangles(6, 12, closed=False)) == 2 * 5 * 11


def test_swept_tube_faces_look_outwards():
    path = np.stack([0 * np.arange(5.0), 0 * np.arange(5.0), np.arange(5.0)], 1)
    tube = sweep(path, np.full(5, 0.2), np.ones((5, 1)))
    middles = tube.points[tube.triangles].mean(1) * (1, 1, 0)
    assert ((face_cross(tube.points, tube.triangles) * middles).sum(1) > 0).all()


def test_subdivision_keeps_shape_and_orientation():
    points, triangles = _sheet()
    sheet = Surface(points, np.ones((len(points), 1), np.float32), triangles)
    fine = subdivide(sheet)
    assert len(fine.triangles) == 4 * len(triangles)
    assert _area(fine.points, fine.triangles) == pytest.approx(1)
    assert (face_cross(fine.points, fine.triangles)[:, 2] > 0).all()


def test_join_shifts_indices():
    points, triangles = _sheet(3)
    sheet = Surface(points, np.ones((len(points), 1), np.float32), triangles)
    both = join([sheet, sheet])
    np.testing.assert_array_equal(both.triangles[len(triangles) :], triangles + 9)


def test_vertex_normals_of_a_tube_point_outwards():
    points = _tube()
    normals = vertex_normals(points, tube_triangles(6, 12))
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1)
    assert ((normals * points * (1, 1, 0)).sum(1) > 0.9).all()


def test_relaxing_flattens_a_spike():
    points, triangles = _sheet(7)
    points[24, 2] = 1
    flat = relax(points, smoothing_matrix(triangles, len(points)), 4)
    assert 0 < flat[24, 2] < 0.5
