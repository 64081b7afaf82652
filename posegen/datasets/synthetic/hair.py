"""Hair: a cap grown from the scalp, and lengths that hang from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from posegen.datasets.synthetic.body import Body
from posegen.datasets.synthetic.garments import shell
from posegen.datasets.synthetic.surface import (
    Surface,
    moved,
    smoothstep,
    tube_triangles,
    vertex_normals,
)


@dataclass(frozen=True)
class HairShape:
    """A haircut.

    Attributes:
        thickness: metres over the scalp at the crown.
        fringe: metres that the hairline comes down the forehead.
        length: metres that it hangs below the ears; 0 for short cuts.
        sides: metres that it comes down over the temples and ears.
        bun: radius in metres of a bun or a ponytail's knot at the back, 0 for none.
        tail: length in metres of a ponytail, 0 for none.
    """

    thickness: float
    fringe: float = 0.0
    length: float = 0.0
    sides: float = 0.0
    bun: float = 0.0
    tail: float = 0.0


def head_centre(body: Body) -> np.ndarray:
    """(3,) middle of the skull, at the ears' height."""
    ears = body.model.joints[16:18] @ body.points
    eyes = (body.heads['eye.L'] + body.heads['eye.R']) / 2
    centre = ears.mean(0)
    return np.array([0.0, centre[1] - 0.005, max(centre[2], eyes[2] - 0.02)])


def hairline_field(body: Body, shape: HairShape) -> np.ndarray:
    """(V,) metres inside the scalp's hair."""
    centre, points = head_centre(body), body.points
    eyes = body.heads['eye.L'][2]
    offset = points - centre
    angle = np.degrees(np.abs(np.arctan2(offset[:, 0], -offset[:, 1])))
    ear, crown = centre[2], points[:, 2].max()
    brow = eyes + 0.52 * (crown - eyes) - shape.fringe
    knots = [0, 30, 52, 68, 88, 105, 125, 180]
    temple = ear + 0.035 - shape.sides
    line = [brow, brow, brow - 0.012, temple + 0.012, temple]
    line += [ear + 0.005 - shape.sides, ear - 0.045, ear - 0.065]
    field = points[:, 2] - np.interp(angle, knots, line)
    ears = body.model.masks['ears'] > 0.3
    bare_ears = ears & (shape.sides < 0.02)
    field = np.where(bare_ears, -0.01, field)
    return np.where(body.region('head') > 0.5, field, -0.05)


def hair_cap(body: Body, shape: HairShape, rng: np.random.Generator) -> Surface:
    """The hair on the scalp, thicker at the crown than at the hairline."""
    field = hairline_field(body, shape)
    swell = 0.25 + 0.75 * smoothstep(0.0, 0.06, field)
    cap = shell(body, field, shape.thickness * swell, rounds=3)
    normals = vertex_normals(cap.points, cap.triangles)
    waves = rng.standard_normal((10, 3)) * 55
    bumps = np.sin(cap.points @ waves.T + rng.uniform(0, 6.3, 10)).mean(1)
    lift = 0.18 * shape.thickness * bumps
    return moved(cap, cap.points + normals * lift[:, None])


def hair_lengths(body: Body, shape: HairShape) -> Surface:
    """Hair that hangs from the cap over the back and the sides of the neck."""
    centre = head_centre(body)
    columns, rings = 40, 18
    angles = np.radians(np.linspace(72, 288, columns))
    directions = np.stack([np.sin(angles), -np.cos(angles)], 1)
    heights = np.linspace(centre[2] + 0.03, centre[2] - shape.length, rings)
    head = body.points[
        (body.region('head') > 0.8) & (np.abs(body.points[:, 2] - heights[0]) < 0.02)
    ]
    start = ((head[:, :2] - centre[:2]) @ directions.T).max(0) + 0.8 * shape.thickness
    trunk = (body.region('trunk') > 0.5) & (np.abs(body.points[:, 0]) < 0.13)
    cloud = body.points[trunk & (body.points[:, 1] > centre[1])]
    back = smoothstep(np.radians(50), np.radians(20), np.abs(angles - np.pi))
    rows = []
    for index, z in enumerate(heights):
        near = cloud[np.abs(cloud[:, 2] - z) < 0.03]
        radius = start * (1 - 0.06 * min(index / 5, 1))
        if len(near):
            clear = ((near[:, :2] - centre[:2]) @ directions.T).max(0) + 0.028
            radius = np.maximum(radius, back * clear)
        flat = centre[:2] + radius[:, None] * directions
        rows.append(np.concatenate([flat, np.full((columns, 1), z)], 1))
    points = np.stack(rows)
    for _ in range(3):
        points[1:-1] = (points[:-2] + 2 * points[1:-1] + points[2:]) / 4
    triangles = _strip_triangles(rings, columns)
    weights = _hanging_weights(body, points.reshape(-1, 3))
    return Surface(points.reshape(-1, 3), weights, triangles)


def _strip_triangles(rings: int, columns: int) -> np.ndarray:
    i, j = np.meshgrid(np.arange(rings - 1), np.arange(columns - 1), indexing='ij')
    a = i * columns + j
    faces = [a, a + columns, a + 1, a + 1, a + columns, a + columns + 1]
    return np.stack(faces, -1).reshape(-1, 3).astype(np.int32)


def _hanging_weights(body: Body, points: np.ndarray) -> np.ndarray:
    """From the head to the upper spine with falling height."""
    bones = body.model.bones
    weights = np.zeros((len(points), len(bones)), np.float32)
    neck = body.heads['neck01'][2]
    share = smoothstep(neck - 0.08, body.heads['head'][2], points[:, 2])
    weights[:, bones.index('head')] = share
    weights[:, bones.index('spine01')] = 1 - share
    return weights


def ball(
    body: Body, centre: np.ndarray, radii: np.ndarray, bone: str = 'head'
) -> Surface:
    """An ellipsoid that is fixed to one bone: a bun, a knot, a button."""
    rings, columns = 9, 14
    polar = np.linspace(0.02, np.pi - 0.02, rings)[:, None]
    turn = np.arange(columns) / columns * 2 * np.pi
    unit = np.stack(
        [
            np.sin(polar) * np.sin(turn),
            -np.sin(polar) * np.cos(turn),
            np.cos(polar) + 0 * turn,
        ],
        -1,
    )
    points = centre + unit.reshape(-1, 3) * radii
    weights = np.zeros((len(points), len(body.model.bones)), np.float32)
    weights[:, body.model.bones.index(bone)] = 1
    return Surface(points, weights, tube_triangles(rings, columns))
