"""Tubes: skirts, dresses and coats hang around both legs; collars stand on the neck.

A hanging tube is skinned with the smoothed weights of the surface under it and, once
posed, pushed off the legs (:func:`push_off_legs`), so that a stride does not come
through the cloth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from posegen.datasets.synthetic.body import SIDES, Body, around, leg_line, limb_point
from posegen.datasets.synthetic.cuts import SkirtShape, hip_height
from posegen.datasets.synthetic.layers import trunk_axis
from posegen.datasets.synthetic.surface import (
    Surface,
    smoothstep,
    tube_triangles,
    unit,
)

#: Every hanging tube is a grid of this many vertices down and around.
TUBE_RINGS, TUBE_COLUMNS = 34, 56


@dataclass(frozen=True)
class Hanging:
    """Which vertices of a figure are a tube that must keep off the legs.

    Attributes:
        start: first vertex of the tube, in row order of (rings, columns).
        ease: metres between leg and cloth.
    """

    start: int
    ease: float


@dataclass(frozen=True)
class LegRoom:
    """The space that posed legs take.

    Attributes:
        joints: (2, 3, 3) hip, knee and ankle of both legs, in rest pose.
        bones: (2, 3) index of the bone that carries each of these joints.
        radii: (2, 2, K) largest radius along thigh and shank.
    """

    joints: np.ndarray
    bones: np.ndarray
    radii: np.ndarray


def skirt_tube(body: Body, shape: SkirtShape, opening: float = 0.0) -> Surface:
    """A skirt: a tube that hangs from the waist around both legs.

    Its weights are smoothed over the nearest body surface, more so further down, so
    that the cloth spans the legs.

    Args:
        body: whose it is.
        shape: the cut.
        opening: half width in metres of a gap down the front (an open coat).
    """
    end = limb_point(leg_line(body.heads, 'L'), shape.length)[2]
    heights = np.linspace(hip_height(body) + shape.rise, end, TUBE_RINGS)
    gap = np.arcsin(min(opening / 0.16, 0.9))
    closed = opening <= 0
    if closed:
        angles = np.arange(TUBE_COLUMNS) / TUBE_COLUMNS * 2 * np.pi
    else:
        angles = np.linspace(gap, 2 * np.pi - gap, TUBE_COLUMNS)
    points = _tube_points(body, shape, heights, angles, closed)
    weights = _tube_weights(body, points)
    triangles = tube_triangles(TUBE_RINGS, TUBE_COLUMNS, closed)
    edge = np.repeat(heights - heights[-1], TUBE_COLUMNS)
    if not closed:
        side = np.minimum(angles - gap, 2 * np.pi - gap - angles) * 0.16
        edge = np.minimum(edge, np.tile(side, TUBE_RINGS))
    return Surface(points.reshape(-1, 3), weights, triangles, edge)


def _tube_points(
    body: Body,
    shape: SkirtShape,
    heights: np.ndarray,
    angles: np.ndarray,
    closed: bool,
) -> np.ndarray:
    """(rings, columns, 3) the hull of the body, widening downwards by the flare."""
    centre, _ = trunk_axis(body)
    arms = body.region('arm.L') + body.region('arm.R')
    chosen = (arms < 0.05) & (body.points[:, 2] < heights[0] + 0.05)
    cloud = body.points[chosen]
    directions = np.stack([np.sin(angles), -np.cos(angles)], 1)
    ring = np.arange(72) / 72 * 2 * np.pi
    normals = np.stack([np.sin(ring), -np.cos(ring)], 1)
    step = heights[0] - heights[1]
    rows, radius = [], np.zeros(len(angles))
    for index, z in enumerate(heights):
        near = cloud[np.abs(cloud[:, 2] - z) < max(0.02, step)]
        support = ((near[:, :2] - centre) @ normals.T).max(0) + shape.ease
        hull = _hull_radius(support, directions @ normals.T)
        below = radius + shape.flare * step if index else 0
        radius = np.maximum(hull, below)
        rows.append(radius)
    table = np.stack(rows)
    if closed:
        table = (np.roll(table, 1, 1) + 2 * table + np.roll(table, -1, 1)) / 4
    flat = centre + table[..., None] * directions
    z = np.broadcast_to(heights[:, None, None], (*table.shape, 1))
    return np.concatenate([flat, z], 2)


def _hull_radius(support: np.ndarray, cosine: np.ndarray) -> np.ndarray:
    """Radius in some directions of the convex shape with given support.

    Args:
        support: (K,) reach of the shape along K unit normals.
        cosine: (N, K) between N directions and these normals.
    """
    reach = np.where(cosine > 0.15, support / np.maximum(cosine, 1e-6), np.inf)
    return reach.min(1)


def _tube_weights(body: Body, points: np.ndarray) -> np.ndarray:
    rings, count = points.shape[:2]
    arms = body.region('arm.L') + body.region('arm.R')
    chosen = np.flatnonzero((arms < 0.02) & (body.model.feet < 0.5))
    _, nearest = cKDTree(body.points[chosen]).query(points.reshape(-1, 3), k=6)
    weights = body.model.weights[chosen][nearest].mean(1).reshape(rings, count, -1)
    wide = weights
    for _ in range(60):
        wide = (np.roll(wide, 1, 1) + 2 * wide + np.roll(wide, -1, 1)) / 4
    for _ in range(2):
        wide[1:-1] = (wide[:-2] + 2 * wide[1:-1] + wide[2:]) / 4
    share = smoothstep(0.05, 0.5, np.linspace(0, 1, rings)[:, None, None])
    weights = weights + share * (wide - weights)
    return weights.reshape(rings * count, -1).astype(np.float32)


def leg_room(body: Body) -> LegRoom:
    """Measure a body's legs for :func:`push_off_legs`."""
    bones = body.model.bones
    joints, indices, radii = [], [], []
    for side in SIDES:
        line = leg_line(body.heads, side)
        mine = body.region(f'leg.{side}') > 0.5
        radius, _ = around(body.points[mine], line)
        t = body.legs[side][mine]
        bins = np.linspace(0, 2, 17)
        chosen = [(t >= low) & (t < low + 0.2) for low in bins[:-1]]
        reach = [np.percentile(radius[c], 90) if c.any() else 0.05 for c in chosen]
        joints.append(line)
        names = ('upperleg01', 'lowerleg01', 'foot')
        indices.append([bones.index(f'{name}.{side}') for name in names])
        radii.append(np.reshape(reach, (2, 8)))
    return LegRoom(np.stack(joints), np.array(indices), np.stack(radii))


def push_off_legs(
    points: np.ndarray, room: LegRoom, transforms: np.ndarray, ease: float
) -> np.ndarray:
    """Move a posed tube (rings, columns, 3) out of the posed legs.

    The displacement is smoothed over the tube, then what is left is pushed again.
    """
    moves = transforms[room.bones]
    joints = np.einsum('sjik,sjk->sji', moves[..., :3], room.joints) + moves[..., 3]
    outward = unit(points - points.mean(1, keepdims=True))
    ramp = smoothstep(0.02, 0.2, np.linspace(0, 1, len(points)))[:, None, None]
    pushed = points
    for _ in range(2):
        shift = _push(pushed, outward, joints, room.radii + ease) * ramp
        for _ in range(3):
            wide = (np.roll(shift, 1, 1) + 2 * shift + np.roll(shift, -1, 1)) / 4
            wide[1:-1] = (wide[:-2] + 2 * wide[1:-1] + wide[2:]) / 4
            shift = np.where(_longer(wide, shift), wide, shift)
        pushed = pushed + shift
    return pushed


def _longer(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    lengths = [np.linalg.norm(v, axis=-1, keepdims=True) for v in (first, second)]
    return lengths[0] > lengths[1]


def _push(
    points: np.ndarray, outward: np.ndarray, joints: np.ndarray, radii: np.ndarray
) -> np.ndarray:
    """Displacement (rings, columns, 3) out of thighs and shanks."""
    shift = np.zeros_like(points)
    for leg in range(2):
        for part in range(2):
            start, end = joints[leg, part], joints[leg, part + 1]
            along = end - start
            t = np.clip((points - start) @ along / (along @ along), 0, 1)
            offset = points - start - t[..., None] * along
            grid = np.linspace(0, 1, radii.shape[2])
            radius = np.interp(t, grid, radii[leg, part])
            depth = radius - np.linalg.norm(offset, axis=-1)
            way = unit(offset / radius[..., None] + 0.8 * outward)
            step = np.maximum(depth, 0)[..., None] * way
            shift = np.where(_longer(step, shift), step, shift)
    return shift


def collar(
    body: Body, lift: float, height: float = 0.032, flap: float = 0.04
) -> Surface:
    """A shirt's collar: it stands around the neck and folds outwards.

    Args:
        body: whose it is.
        lift: metres that the garment stands off the shoulders.
        height: metres that it stands.
        flap: metres that it folds down over the shoulders.
    """
    base = body.heads['neck01']
    angles = np.radians(np.linspace(10, 350, 44))
    front = np.cos(angles) > 0
    x = 0.072 * np.sin(angles)
    y = -0.072 * np.cos(angles) / np.where(front, 1.0, 1.15)
    ground = _ground(body, base[:2])
    rows = []
    for scale, rise in ((1.06, -0.004), (0.97, height), (1.12, height), (1.5, 0.0)):
        lean = 0.012 * np.cos(angles)
        flat = base[:2] + scale * np.stack([x, y], 1)
        level = ground(1.02 * np.stack([x, y], 1) + base[:2])
        z = level + rise - lean * (rise > 0) * 0.8
        if scale == 1.5:
            point = 1 + 0.35 * smoothstep(0.5, 1.0, np.cos(angles))
            flat = base[:2] + (1 + flap / 0.09 * point)[:, None] * np.stack([x, y], 1)
            z = ground(flat) + lift + 0.008
        rows.append(np.concatenate([flat, z[:, None]], 1))
    points = np.stack(rows)
    weights = _neck_weights(body, points.reshape(-1, 3))
    edge = np.repeat([1.0, 1.0, 0.04, 0.0], len(angles))
    triangles = tube_triangles(len(rows), len(angles), closed=False)[:, ::-1]
    triangles = np.ascontiguousarray(triangles)
    return Surface(points.reshape(-1, 3), weights, triangles, edge)


def _ground(body: Body, centre: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Height of shoulders and neck base by (x, y)."""
    base = body.heads['neck01']
    upper = np.abs(body.points[:, 2] - base[2] + 0.03) < 0.10
    away = np.hypot(*(body.points[:, :2] - centre).T) > 0.062
    up = body.normals[:, 2] > 0.15
    cloud = body.points[upper & away & up & (body.region('head') < 0.3)]
    tree = cKDTree(cloud[:, :2])

    def height(query: np.ndarray) -> np.ndarray:
        distance, nearest = tree.query(query, k=4)
        share = 1 / (distance + 0.004)
        return (cloud[nearest, 2] * share).sum(1) / share.sum(1)

    return height


def _neck_weights(body: Body, points: np.ndarray) -> np.ndarray:
    chosen = np.flatnonzero((body.region('head') < 0.3) & (body.model.hands < 0.1))
    _, nearest = cKDTree(body.points[chosen]).query(points, k=8)
    return body.model.weights[chosen][nearest].mean(1)
