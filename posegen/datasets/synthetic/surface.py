"""Skinned triangle surfaces and the few operations that garments are made of."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

#: Interpolation stays this far from an edge's ends, so that no sliver has zero area.
_EDGE_MARGIN = 0.02


@dataclass(frozen=True)
class Surface:
    """A triangle mesh in rest pose that follows the skeleton.

    Attributes:
        points: (V, 3) float64 positions in rest pose, metres, z up, the person looks
            to -y and their left is +x.
        weights: (V, B) float32 skinning weights, rows sum to 1.
        triangles: (F, 3) int32 vertex indices, counter-clockwise from outside.
        edge: (V,) metres from the nearest hem, or None where there is none.
    """

    points: np.ndarray
    weights: np.ndarray
    triangles: np.ndarray
    edge: np.ndarray | None = None


@dataclass(frozen=True)
class Cut:
    """How each vertex of a cut mesh comes from the mesh it was cut from.

    Attributes:
        first, second: (V',) int indices of the two parents.
        share: (V',) float64 weight of ``second``.
        triangles: (F', 3) int32.
    """

    first: np.ndarray
    second: np.ndarray
    share: np.ndarray
    triangles: np.ndarray

    def carry(self, values: np.ndarray) -> np.ndarray:
        """Interpolate (V,) or (V, k) vertex values onto the cut mesh."""
        share = self.share.reshape(-1, *[1] * (values.ndim - 1))
        mixed = values[self.first] * (1 - share) + values[self.second] * share
        return mixed.astype(values.dtype)


def cut_mesh(triangles: np.ndarray, field: np.ndarray) -> Cut:
    """Keep the part of a mesh where a vertex field is positive, cutting triangles.

    Args:
        triangles: (F, 3) int.
        field: (V,) float, linear over each triangle; the cut follows its zero line.

    Returns:
        The cut; vertices that nothing uses are dropped.
    """
    inside = field[triangles] > 0
    count = inside.sum(1)
    whole = triangles[count == 3]
    one, odd = triangles[count == 1], inside[count == 1].argmax(1)
    a, b, c = _roll(one, odd).T
    two, out = triangles[count == 2], (~inside[count == 2]).argmax(1)
    r, p, q = _roll(two, out).T
    size = len(field)
    edges = np.stack(
        [np.concatenate([a, a, q, p]), np.concatenate([b, c, r, r])]
    ).astype(np.int64)
    keys, index = np.unique(edges[0] * size + edges[1], return_inverse=True)
    ab, ac, qr, pr = np.split(
        index.reshape(-1) + size, np.cumsum([len(a), len(a), len(q)])
    )
    pieces = [
        whole,
        np.stack([a, ab, ac], 1),
        np.stack([p, q, qr], 1),
        np.stack([p, qr, pr], 1),
    ]
    first = np.concatenate([np.arange(size), keys // size])
    second = np.concatenate([np.arange(size), keys % size])
    drop = field[first] - field[second]
    share = np.where(drop == 0, 0, field[first] / np.where(drop == 0, 1, drop))
    share[size:] = np.clip(share[size:], _EDGE_MARGIN, 1 - _EDGE_MARGIN)
    used, triangles = np.unique(np.concatenate(pieces), return_inverse=True)
    return Cut(
        first[used],
        second[used],
        share[used],
        triangles.reshape(-1, 3).astype(np.int32),
    )


def _roll(triangles: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Rotate each triangle's corners so that corner ``first`` comes first."""
    order = (first[:, None] + np.arange(3)) % 3
    return np.take_along_axis(triangles, order, axis=1)


def cut_surface(surface: Surface, field: np.ndarray) -> tuple[Surface, Cut]:
    """:func:`cut_mesh` for points and weights together."""
    cut = cut_mesh(surface.triangles, field)
    piece = Surface(
        cut.carry(surface.points),
        cut.carry(surface.weights),
        cut.triangles,
        cut.carry(field),
    )
    return piece, cut


def join(surfaces: list[Surface]) -> Surface:
    """Several surfaces as one, without edges."""
    starts = np.cumsum([0] + [len(surface.points) for surface in surfaces])
    return Surface(
        np.concatenate([surface.points for surface in surfaces]),
        np.concatenate([surface.weights for surface in surfaces]),
        np.concatenate([s.triangles + start for s, start in zip(surfaces, starts)]),
    )


def corner_matrix(triangles: np.ndarray, vertices: int) -> sparse.csr_matrix:
    """(V, F) incidence that sums what faces give to their corners."""
    faces = np.repeat(np.arange(len(triangles)), 3)
    ones = np.ones(len(faces))
    shape = (vertices, len(triangles))
    return sparse.csr_matrix((ones, (triangles.ravel(), faces)), shape=shape)


def face_cross(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(F, 3) face normals, as long as twice the area."""
    a, b, c = (points[triangles[:, i]] for i in range(3))
    return np.cross(b - a, c - a)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Scale (..., 3) vectors to length 1; zero stays zero."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.maximum(length, 1e-12)


def vertex_normals(
    points: np.ndarray, triangles: np.ndarray, corners: sparse.csr_matrix | None = None
) -> np.ndarray:
    """(V, 3) area-weighted unit normals."""
    corners = corner_matrix(triangles, len(points)) if corners is None else corners
    return unit(corners @ face_cross(points, triangles))


def smoothing_matrix(triangles: np.ndarray, vertices: int) -> sparse.csr_matrix:
    """(V, V) matrix that replaces each vertex by the mean of its neighbours."""
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]]])
    edges = np.concatenate([edges, triangles[:, [2, 0]]])
    rows, columns = np.concatenate([edges, edges[:, ::-1]]).T
    ones = np.ones(len(rows))
    matrix = sparse.csr_matrix((ones, (rows, columns)), shape=(vertices, vertices))
    matrix.data[:] = 1.0
    degree = np.maximum(np.asarray(matrix.sum(1)).ravel(), 1)
    return sparse.diags(1 / degree) @ matrix


def relax(values: np.ndarray, matrix: sparse.csr_matrix, rounds: int) -> np.ndarray:
    """Smooth (V, k) vertex values, half way to the neighbours' mean per round."""
    for _ in range(rounds):
        values = 0.5 * (values + matrix @ values)
    return values


def subdivide(surface: Surface) -> Surface:
    """Split every triangle into four at its edges' middles."""
    triangles = surface.triangles.astype(np.int64)
    count = len(surface.points)
    pairs = np.sort(triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    keys, middle = np.unique(pairs @ (count, 1), return_inverse=True)
    first, second = keys // count, keys % count
    ab, bc, ca = (middle.reshape(-1, 3) + count).T
    a, b, c = triangles.T
    pieces = [(a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca)]
    faces = np.concatenate([np.stack(piece, 1) for piece in pieces])

    def grow(values: np.ndarray) -> np.ndarray:
        between = (values[first] + values[second]) / 2
        return np.concatenate([values, between]).astype(values.dtype)

    edge = None if surface.edge is None else grow(surface.edge)
    points, weights = grow(surface.points), grow(surface.weights)
    return Surface(points, weights, faces.astype(np.int32), edge)


def tube_triangles(rings: int, around: int, closed: bool = True) -> np.ndarray:
    """Triangles of a tube of ``rings`` x ``around`` vertices.

    Vertex (i, j) has index ``i * around + j``; rings go downwards, j runs from the
    front over the person's left, so that faces look outwards.

    Args:
        rings: vertices along the tube.
        around: vertices around it.
        closed: joins the last column to the first; else the tube is a strip.
    """
    columns = around if closed else around - 1
    i, j = np.meshgrid(np.arange(rings - 1), np.arange(columns), indexing='ij')
    a, b = i * around + j, i * around + (j + 1) % around
    c, d = a + around, b + around
    faces = np.stack([a, c, b, b, c, d], -1).reshape(-1, 3)
    return faces.astype(np.int32)


def sweep(
    path: np.ndarray, radii: np.ndarray, weights: np.ndarray, around: int = 8
) -> Surface:
    """A round tube along a path: a ponytail, the rim of glasses, a scarf.

    Args:
        path: (N, 3) points; the first and last may coincide.
        radii: (N,) metres.
        weights: (N, B) skinning weights along the path.
        around: vertices around the tube.
    """
    tangent = unit(np.gradient(path, axis=0))
    if np.allclose(path[0], path[-1]):
        tangent[0] = tangent[-1] = unit(tangent[0] + tangent[-1])
    helper = np.where(np.abs(tangent[:, :1]) < 0.9, [[1.0, 0, 0]], [[0, 1.0, 0]])
    across = unit(np.cross(tangent, helper))
    above = np.cross(tangent, across)
    turn = np.arange(around) / around * 2 * np.pi
    spoke = (
        np.cos(turn)[None, :, None] * across[:, None]
        + np.sin(turn)[None, :, None] * above[:, None]
    )
    points = path[:, None] + radii[:, None, None] * spoke
    return Surface(
        points.reshape(-1, 3),
        np.repeat(weights, around, 0).astype(np.float32),
        np.ascontiguousarray(tube_triangles(len(path), around)[:, ::-1]),
    )


def moved(surface: Surface, points: np.ndarray) -> Surface:
    """The same surface with other rest positions."""
    return replace(surface, points=points)


def smoothstep(low: float, high: float, x: np.ndarray) -> np.ndarray:
    """0 below ``low``, 1 above ``high``, smooth between."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)
