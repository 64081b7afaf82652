"""Hair: caps of short hair grown from the scalp, and longer hair that hangs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from posegen.datasets.synthetic.body import Body
from posegen.datasets.synthetic.garments import shell
from posegen.datasets.synthetic.surface import (
    Surface,
    moved,
    relax,
    smoothing_matrix,
    smoothstep,
    subdivide,
    sweep,
    tube_triangles,
    vertex_normals,
)


@dataclass(frozen=True)
class HairShape:
    """A haircut.

    Attributes:
        thickness: metres over the scalp at the crown.
        fringe: metres that the hairline comes down the forehead.
        length: metres that it hangs below the ears, None for cuts that end on the
            scalp.
        sides: short cuts: share of the thickness that is left over the ears.
        wave: metres of waviness.
        parting: degrees from the middle where the hair parts, to the person's left.
        bun: radius in metres of a bun at the back, 0 for none.
        tail: length in metres of a ponytail, 0 for none.
    """

    thickness: float
    fringe: float = 0.0
    length: float | None = None
    sides: float = 0.7
    wave: float = 0.0
    parting: float = 0.0
    bun: float = 0.0
    tail: float = 0.0


def head_centre(body: Body) -> np.ndarray:
    """(3,) middle of the skull, at the ears' height."""
    ears = body.model.joints[16:18] @ body.points
    eyes = (body.heads['eye.L'] + body.heads['eye.R']) / 2
    centre = ears.mean(0)
    return np.array([0.0, centre[1] - 0.005, max(centre[2], eyes[2] - 0.02)])


def forehead(body: Body, fringe: float) -> float:
    """z of the hairline over the brow."""
    eyes, crown = body.heads['eye.L'][2], body.points[:, 2].max()
    return float(eyes + 0.52 * (crown - eyes) - fringe)


def hairline_field(body: Body, fringe: float, swept: bool = False) -> np.ndarray:
    """(V,) metres inside the scalp's hair.

    Args:
        body: whose it is.
        fringe: metres that the hairline comes down the forehead.
        swept: the hair is tied back, so the hairline leaves temples and neck free.
    """
    centre, points = head_centre(body), body.points
    offset = points - centre
    angle = np.degrees(np.abs(np.arctan2(offset[:, 0], -offset[:, 1])))
    brow, ear = forehead(body, fringe), centre[2]
    knots = [0, 25, 45, 60, 74, 86, 100, 112, 130, 180]
    line = [brow, brow - 0.002, brow - 0.012, brow - 0.03, ear + 0.030, ear + 0.004]
    line += [ear + 0.022, ear - 0.03, ear - 0.052, ear - 0.066]
    if swept:
        line[4:6] = [ear + 0.045, ear + 0.03]
    field = points[:, 2] - np.interp(angle, knots, line)
    field = np.where(body.model.masks['ears'] > 0.3, -0.01, field)
    return np.where(body.region('head') > 0.5, field, -0.05)


def hair_cap(
    body: Body, shape: HairShape, rng: np.random.Generator, swept: bool = False
) -> Surface:
    """The hair on the scalp, thicker at the crown than over the ears."""
    field = hairline_field(body, shape.fringe, swept)
    rise = body.points[:, 2] - head_centre(body)[2]
    top = smoothstep(0.02, 0.09, rise)
    thick = shape.thickness * (shape.sides + (1 - shape.sides) * top)
    thick = thick * (0.12 + 0.88 * smoothstep(0.0, 0.05, field))
    cap = shell(body, field, np.maximum(thick, 0.002), rounds=3)
    cap = subdivide(cap)
    matrix = smoothing_matrix(cap.triangles, len(cap.points))
    soft = np.where(cap.edge[:, None] > 0.004, relax(cap.points, matrix, 2), cap.points)
    return _tousle(moved(cap, soft), rng, 0.10 * shape.thickness + 0.3 * shape.wave)


def _tousle(surface: Surface, rng: np.random.Generator, height: float) -> Surface:
    normals = vertex_normals(surface.points, surface.triangles)
    waves = rng.standard_normal((12, 3)) * 60
    bumps = np.sin(surface.points @ waves.T + rng.uniform(0, 6.3, 12)).sum(1) / 3.5
    bumps = bumps * smoothstep(0.0, 0.03, surface.edge)
    return moved(surface, surface.points + height * normals * bumps[:, None])


def long_hair(body: Body, shape: HairShape, rng: np.random.Generator) -> Surface:
    """Hair that follows the skull from the crown, then hangs: bobs and long hair.

    Columns run around the head; each follows the skull from the crown down to its own
    end: the fringe before the forehead, the full length at the sides and the back.
    """
    assert shape.length is not None
    centre = head_centre(body)
    angles = np.radians(np.linspace(0, 360, 72, endpoint=False))
    ends = _ends(body, shape, np.degrees(angles), rng)
    arc, drop = 16, 16
    level = np.arccos(np.clip((ends - centre[2]) / 0.125, 0, 1))
    polar = level * np.linspace(0.02, 1, arc)[:, None]
    directions = np.stack(
        [
            np.sin(polar) * np.sin(angles),
            -np.sin(polar) * np.cos(angles),
            np.cos(polar) + 0 * angles,
        ],
        -1,
    )
    points = centre + _skull_radius(body, centre, directions)[..., None] * directions
    away = points - centre
    lift = shape.thickness * _parting(shape, angles, polar)
    points = centre + away * (1 + lift / np.linalg.norm(away, axis=-1))[..., None]
    down = (
        np.minimum(ends - points[-1, :, 2], 0) * np.linspace(0, 1, drop + 1)[1:, None]
    )
    hanging = np.repeat(points[-1][None], drop, 0)
    hanging[..., 2] += down
    hanging = _clear_back(body, centre, hanging)
    points = np.concatenate([points, hanging])
    points = _waves(points, centre, angles, shape, rng)
    triangles = tube_triangles(len(points), len(angles))
    flat = points.reshape(-1, 3)
    return Surface(flat, _hanging_weights(body, flat), triangles)


def _ends(
    body: Body, shape: HairShape, degrees: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """z where each column of hair ends."""
    centre = head_centre(body)
    turn = np.minimum(degrees, 360 - degrees)
    long = centre[2] - shape.length
    brow = forehead(body, shape.fringe)
    edge = 58 + rng.uniform(-4, 4)
    face = np.interp(turn, [0, 30, edge - 6], [brow, brow - 0.004, brow - 0.03])
    ends = np.where(turn < edge, face, long)
    ragged = 0.012 * rng.standard_normal(len(degrees)) * (shape.length > 0.1)
    return ends + np.where(turn < edge, 0, ragged)


def _skull_radius(body: Body, centre: np.ndarray, directions: np.ndarray) -> np.ndarray:
    head = (body.region('head') > 0.5) & (body.model.masks['ears'] < 0.2)
    offset = body.points[head & (body.model.eyes < 0.1)] - centre
    radius = np.linalg.norm(offset, axis=1)
    _, nearest = cKDTree(offset / radius[:, None]).query(directions, k=5)
    return radius[nearest].mean(-1)


def _parting(shape: HairShape, angles: np.ndarray, polar: np.ndarray) -> np.ndarray:
    """Thickness factor: low along the parting, full elsewhere, thin at the roots."""
    side = np.angle(np.exp(1j * (angles - np.radians(shape.parting))))
    valley = np.exp(-((side / 0.12) ** 2)) * smoothstep(1.2, 0.5, polar)
    return (1 - 0.7 * valley) * (0.55 + 0.45 * smoothstep(0.0, 0.5, polar))


def _clear_back(body: Body, centre: np.ndarray, hanging: np.ndarray) -> np.ndarray:
    """Keep hanging hair off the neck, the shoulders' back and the chest."""
    near = (body.region('trunk') > 0.3) & (np.abs(body.points[:, 0]) < 0.14)
    cloud = body.points[near & (body.points[:, 2] > centre[2] - 0.6)]
    tree = cKDTree(cloud[:, [0, 2]])
    behind = hanging[..., 1] > centre[1] + 0.03
    query = hanging[..., [0, 2]].reshape(-1, 2)
    distance, nearest = tree.query(query, k=12)
    back = np.where(distance < 0.035, cloud[nearest, 1], -np.inf).max(1)
    back = back.reshape(hanging.shape[:2]) + 0.034
    pushed = np.where(behind, np.maximum(hanging[..., 1], back), hanging[..., 1])
    for _ in range(4):
        pushed[1:-1] = (pushed[:-2] + 2 * pushed[1:-1] + pushed[2:]) / 4
    return np.concatenate([hanging[..., :1], pushed[..., None], hanging[..., 2:]], -1)


def _waves(
    points: np.ndarray,
    centre: np.ndarray,
    angles: np.ndarray,
    shape: HairShape,
    rng: np.random.Generator,
) -> np.ndarray:
    """Strands that swing in and out, more so further down."""
    away = points[..., :2] - centre[:2]
    radius = np.maximum(np.linalg.norm(away, axis=-1), 1e-6)
    fall = np.linspace(0, 1, len(points))[:, None]
    swing = np.sin(28 * fall + 3 * np.sin(3 * angles + rng.uniform(0, 6)))
    locks = np.sin(17 * angles + rng.uniform(0, 6)) + np.sin(11 * angles)
    change = fall * (shape.wave * swing + 0.0025 * locks)
    grown = away * (1 + change / radius)[..., None] + centre[:2]
    return np.concatenate([grown, points[..., 2:]], -1)


def _hanging_weights(body: Body, points: np.ndarray) -> np.ndarray:
    """From the head to the upper spine with falling height."""
    neck = body.heads['neck01'][2]
    share = smoothstep(neck - 0.08, body.heads['head'][2] - 0.02, points[:, 2])[:, None]
    count = len(points)
    return (body.rigid(count, 'head') * share).astype(np.float32) + (
        body.rigid(count, 'spine01') * (1 - share)
    ).astype(np.float32)


def ponytail(body: Body, shape: HairShape, rng: np.random.Generator) -> Surface:
    """A tail from the back of the head."""
    root = head_centre(body) + (0, 0.095, 0.05 + rng.uniform(-0.03, 0.03))
    t = np.linspace(0, 1, 16)[:, None]
    bow = 0.05 * np.sin(np.pi * np.minimum(t * 1.4, 1))
    path = root + np.concatenate([0 * t, bow + 0.02 * t, -shape.tail * t**1.3], 1)
    swell = np.sin(np.pi * np.clip(0.12 + 0.8 * t[:, 0], 0, 1)) ** 0.6
    radii = (0.012 + 0.022 * swell) * (1 - 0.35 * t[:, 0])
    radii[-1] = 0.004
    return sweep(path, radii, _hanging_weights(body, path), around=12)


def ball(body: Body, centre: np.ndarray, radii: np.ndarray, bone: str) -> Surface:
    """An ellipsoid that is fixed to one bone: a bun, a hood, a pompon."""
    rings, columns = 11, 18
    polar = np.linspace(0.02, np.pi - 0.02, rings)[:, None]
    turn = np.arange(columns) / columns * 2 * np.pi
    around = [np.sin(polar) * np.sin(turn), -np.sin(polar) * np.cos(turn)]
    directions = np.stack([*around, np.cos(polar) + 0 * turn], -1)
    points = centre + directions.reshape(-1, 3) * radii
    return Surface(
        points, body.rigid(len(points), bone), tube_triangles(rings, columns)
    )
