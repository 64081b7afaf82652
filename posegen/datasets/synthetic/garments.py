"""Garments cut from the body's surface and pushed off it, or hung around it.

A *shell* (shirts, trousers, shoes) is the piece of the body's surface where a field is
positive, moved outwards: so it moves with the body. A *tube* (skirts, dresses, coats)
hangs from the trunk around both legs. Fields are in metres, positive inside.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from posegen.datasets.synthetic.body import SIDES, Body, arm_line, leg_line
from posegen.datasets.synthetic.layers import trunk_axis
from posegen.datasets.synthetic.surface import (
    Surface,
    cut_surface,
    moved,
    relax,
    smoothing_matrix,
    smoothstep,
    tube_triangles,
    vertex_normals,
)

_FAR = 1.0


@dataclass(frozen=True)
class TopShape:
    """The cut of a top.

    Attributes:
        sleeve: end on the arm's coordinate; below 0.1 sleeveless, 1 elbow, 2 wrist.
        hem: metres below the hip joints (negative above).
        neck: 'crew', 'scoop', 'v', 'boat' or 'turtle'.
        ease: metres between skin and cloth.
        drape: 0 follows the body, 1 hangs straight down from chest and back.
        opening: half width in metres of a gap down the front, None for closed.
    """

    sleeve: float
    hem: float
    neck: str
    ease: float = 0.006
    drape: float = 0.5
    opening: float | None = None


@dataclass(frozen=True)
class LegShape:
    """The cut of trousers.

    Attributes:
        length: end on the leg's coordinate; 0.7 shorts, 1 knee, 2 ankle.
        ease: metres between skin and cloth at the thigh.
        flare: metres added to the radius towards the hem.
        rise: metres of the waistband above the hip joints.
    """

    length: float
    ease: float = 0.006
    flare: float = 0.0
    rise: float = 0.13


@dataclass(frozen=True)
class SkirtShape:
    """A tube from the waist: ``length`` on the leg's coordinate, ``flare`` per metre."""

    length: float
    flare: float = 0.15
    rise: float = 0.13
    ease: float = 0.012


def hip_height(body: Body) -> float:
    """z of the hip joints."""
    return float(body.heads['upperleg01.L'][2])


def top_field(body: Body, shape: TopShape) -> np.ndarray:
    """(V,) metres inside a top's cut."""
    points = body.points
    field = np.minimum(_neck_field(body, shape.neck), _sleeve_field(body, shape.sleeve))
    arms = body.region('arm.L') + body.region('arm.R')
    hem = points[:, 2] - (hip_height(body) - shape.hem)
    field = np.minimum(field, np.where(arms > 0.5, _FAR, hem))
    if shape.opening is not None:
        centre, _ = trunk_axis(body)
        front = points[:, 1] < centre[1]
        gap = np.abs(points[:, 0]) - shape.opening
        field = np.where(front, np.minimum(field, gap), field)
    return field


def _sleeve_field(body: Body, end: float) -> np.ndarray:
    field = np.full(len(body.points), _FAR)
    for side in SIDES:
        share = body.region(f'arm.{side}')
        if end < 0.1:
            field = np.minimum(field, (0.32 - share) * 0.12)
            continue
        line = arm_line(body.heads, side)
        t = body.arms[side]
        upper, lower = np.linalg.norm(np.diff(line, axis=0), axis=1)
        reach = np.where(t < 1, t * upper, upper + (t - 1) * lower)
        stop = end * upper if end < 1 else upper + (end - 1) * lower
        field = np.where(share > 0.3, np.minimum(field, stop - reach), field)
    return field


def _neck_field(body: Body, kind: str) -> np.ndarray:
    """Outside the neck's opening."""
    points, base = body.points, body.heads['neck01']
    rise = points[:, 2] - base[2]
    if kind == 'turtle':
        return 0.075 - rise
    throat = body.heads['neck03'] - base
    lean = np.clip(rise / throat[2], 0, 1) * throat[1]
    x, y = points[:, 0], points[:, 1] - base[1] - lean
    front = y < 0
    width = {'crew': 0.07, 'scoop': 0.095, 'v': 0.072, 'boat': 0.105}[kind]
    depth = {'crew': 1.0, 'scoop': 0.72, 'v': 1.0, 'boat': 1.35}[kind]
    ring = np.hypot(x, y * np.where(front, depth, 1.15)) - width
    ring = np.where(rise < np.where(front, -0.14, -0.045), _FAR, ring)
    head = np.where(body.region('head') > 0.5, -0.01, _FAR)
    field = np.minimum(np.minimum(ring, 0.035 - rise), head)
    if kind == 'v':
        vee = 1.7 * np.abs(x) - 0.16 - rise
        field = np.where(front, np.minimum(field, np.maximum(vee, -0.05)), field)
    return field


def trousers_field(body: Body, shape: LegShape) -> np.ndarray:
    """(V,) metres inside trousers or shorts."""
    waist = hip_height(body) + shape.rise - body.points[:, 2]
    arms = body.region('arm.L') + body.region('arm.R')
    field = np.where(arms > 0.3, -0.01, waist)
    for side in SIDES:
        upper, lower = np.linalg.norm(
            np.diff(leg_line(body.heads, side), axis=0), axis=1
        )
        t = body.legs[side]
        reach = np.where(t < 1, t * upper, upper + (t - 1) * lower)
        end = shape.length
        stop = end * upper if end < 1 else upper + (end - 1) * lower
        leg = body.region(f'leg.{side}') > 0.3
        field = np.where(leg, np.minimum(field, stop - reach), field)
    return field


def shoe_field(body: Body, height: float) -> np.ndarray:
    """(V,) metres inside shoes that end ``height`` metres over the ankle joints."""
    field = np.full(len(body.points), -_FAR)
    for side in SIDES:
        leg = body.region(f'leg.{side}') > 0.5
        ankle = body.heads[f'foot.{side}']
        field = np.where(leg, ankle[2] + height - body.points[:, 2], field)
    return field


def shell(
    body: Body,
    field: np.ndarray,
    ease: np.ndarray | float,
    rounds: int = 4,
    sink: float = 0.0,
) -> Surface:
    """Cut a shell from the body and move it off the skin.

    Args:
        body: whose it is.
        field: (V,) from one of the field functions.
        ease: metres off the skin, a number or (V,).
        rounds: how often the cloth is smoothed, so that it spans hollows.
        sink: metres that smoothing may bring the cloth nearer than ``ease``.
    """
    whole = Surface(body.points, body.model.weights, body.model.triangles)
    field = np.where(body.model.eyes > 0.5, -1.0, field)
    piece, cut = cut_surface(whole, field)
    normals = cut.carry(body.normals)
    ease = cut.carry(np.broadcast_to(ease, len(field)).astype(np.float64))[:, None]
    matrix = smoothing_matrix(piece.triangles, len(piece.points))
    smooth = relax(piece.points + normals * ease, matrix, rounds)
    lift = ((smooth - piece.points) * normals).sum(1, keepdims=True)
    near_hem = cut.carry(field)[:, None] < 0.035
    smooth = np.where(near_hem, piece.points + normals * lift, smooth)
    least = np.where(near_hem, ease, ease - sink)
    return moved(piece, smooth + normals * np.maximum(least - lift, 0))


def drape_trunk(
    body: Body, surface: Surface, amount: float, taper: float = 0.12
) -> Surface:
    """Let cloth hang from the widest place above it instead of clinging.

    Args:
        body: whose it is.
        surface: a shell.
        amount: 0 leaves it, 1 hangs straight.
        taper: metres of radius that may be lost per metre downwards.
    """
    if amount <= 0:
        return surface
    points = surface.points
    centre, _ = trunk_axis(body)
    offset = points[:, :2] - centre
    radius = np.hypot(*offset.T)
    arm = _arm_share(body, surface.weights)
    chest = body.heads['upperarm01.L'][2] - 0.05
    profile = _radius_profile(points, offset, radius, arm < 0.2, chest, taper)
    wanted = profile(points)
    blend = amount * (1 - smoothstep(0.05, 0.4, arm))
    blend = blend * (1 - smoothstep(chest - 0.06, chest, points[:, 2]))
    grown = radius + blend * np.maximum(wanted - radius, 0)
    scale = (grown / np.maximum(radius, 1e-9))[:, None]
    hung = np.concatenate([centre + offset * scale, points[:, 2:]], 1)
    return moved(surface, hung)


def _arm_share(body: Body, weights: np.ndarray) -> np.ndarray:
    bones = body.model.bones
    chosen = [bone.startswith(('upperarm', 'lowerarm', 'wrist')) for bone in bones]
    return weights[:, chosen].sum(1)


def _radius_profile(
    points: np.ndarray,
    offset: np.ndarray,
    radius: np.ndarray,
    chosen: np.ndarray,
    top: float,
    taper: float,
) -> object:
    """Radius by angle and height that never shrinks by more than taper downwards."""
    bins, rings = 48, 40
    low = points[:, 2].min()
    step = (top - low) / rings
    chosen = chosen & (points[:, 2] < top)
    column = _angle_bin(offset, bins)
    ring = np.clip(((top - points[:, 2]) / step).astype(int), 0, rings - 1)
    table = np.zeros((rings, bins))
    np.maximum.at(table, (ring[chosen], column[chosen]), radius[chosen])
    table = np.maximum(table, _neighbours(table) * (table == 0))
    for i in range(1, rings):
        table[i] = np.maximum(table[i], table[i - 1] - taper * step)
    for _ in range(3):
        table = (2 * table + np.roll(table, 1, 1) + np.roll(table, -1, 1)) / 4

    def lookup(query: np.ndarray) -> np.ndarray:
        shift = query[:, :2] - (points[0, :2] - offset[0])
        rows = np.clip(((top - query[:, 2]) / step).astype(int), 0, rings - 1)
        return table[rows, _angle_bin(shift, bins)]

    return lookup


def _angle_bin(offset: np.ndarray, bins: int) -> np.ndarray:
    angle = np.arctan2(offset[:, 0], -offset[:, 1]) / (2 * np.pi)
    return (angle * bins).astype(int) % bins


def _neighbours(table: np.ndarray) -> np.ndarray:
    return np.maximum(np.roll(table, 1, 1), np.roll(table, -1, 1))


def widen_legs(body: Body, surface: Surface, shape: LegShape) -> Surface:
    """Straight and flared trouser legs: move the cloth off the leg's axis."""
    points = surface.points.copy()
    for side in SIDES:
        line = leg_line(body.heads, side)
        sign = 1.0 if side == 'L' else -1.0
        mine = points[:, 0] * sign > 0
        t = np.clip((line[0, 2] - points[:, 2]) / (line[0, 2] - line[2, 2]), 0, 1)
        axis = line[0] + t[:, None] * (line[2] - line[0])
        offset = points[:, :2] - axis[:, :2]
        radius = np.maximum(np.hypot(*offset.T), 1e-9)
        more = shape.flare * smoothstep(0.12, 1.0, t)
        grown = points[:, :2] + offset * ((more / radius) * mine)[:, None]
        grown[:, 0] = np.where(
            mine, sign * np.maximum(grown[:, 0] * sign, 0.003), grown[:, 0]
        )
        points[:, :2] = grown
    return moved(surface, points)


def skirt_tube(body: Body, shape: SkirtShape, around: int = 64) -> Surface:
    """A skirt: a tube that hangs from the waist around both legs.

    Its weights are smoothed over the nearest body surface, more so further down, so
    that the cloth spans the legs.
    """
    hip = hip_height(body)
    line = leg_line(body.heads, 'L')
    t = shape.length
    end = (
        line[0] + t * (line[1] - line[0])
        if t < 1
        else (line[1] + (t - 1) * (line[2] - line[1]))
    )
    heights = np.linspace(hip + shape.rise, end[2], 36)
    points = _tube_points(body, shape, heights, around)
    weights = _tube_weights(body, points)
    triangles = tube_triangles(len(heights), around)
    return Surface(points.reshape(-1, 3), weights, triangles)


def _tube_points(
    body: Body, shape: SkirtShape, heights: np.ndarray, around: int
) -> np.ndarray:
    centre, _ = trunk_axis(body)
    arms = body.region('arm.L') + body.region('arm.R')
    chosen = (arms < 0.05) & (body.points[:, 2] < heights[0] + 0.05)
    cloud = body.points[chosen]
    angles = np.arange(around) / around * 2 * np.pi
    directions = np.stack([np.sin(angles), -np.cos(angles)], 1)
    step = heights[0] - heights[1]
    rings, radius = [], np.zeros(around)
    for index, z in enumerate(heights):
        near = cloud[np.abs(cloud[:, 2] - z) < max(0.02, step)]
        support = ((near[:, :2] - centre) @ directions.T).max(0) + shape.ease
        hull = _support_radius(support, angles)
        below = radius + shape.flare * step if index else 0
        radius = np.maximum(hull, below)
        rings.append(radius)
    table = np.stack(rings)
    table = (np.roll(table, 1, 1) + 2 * table + np.roll(table, -1, 1)) / 4
    flat = centre + table[..., None] * directions
    z = np.broadcast_to(heights[:, None, None], (*table.shape, 1))
    return np.concatenate([flat, z], 2)


def _support_radius(support: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Radius by angle of the convex shape with given support by angle."""
    cosine = np.cos(angles[:, None] - angles[None])
    reach = np.where(cosine > 0.15, support[None] / np.maximum(cosine, 1e-6), np.inf)
    return reach.min(1)


def _tube_weights(body: Body, points: np.ndarray) -> np.ndarray:
    from scipy.spatial import cKDTree

    rings, count = points.shape[:2]
    arms = body.region('arm.L') + body.region('arm.R')
    feet = body.model.feet
    chosen = np.flatnonzero((arms < 0.02) & (feet < 0.5))
    _, nearest = cKDTree(body.points[chosen]).query(points.reshape(-1, 3), k=6)
    weights = body.model.weights[chosen][nearest].mean(1).reshape(rings, count, -1)
    depth = np.linspace(0, 1, rings)[:, None, None]
    wide = weights
    for _ in range(60):
        wide = (np.roll(wide, 1, 1) + 2 * wide + np.roll(wide, -1, 1)) / 4
    for _ in range(2):
        wide[1:-1] = (wide[:-2] + 2 * wide[1:-1] + wide[2:]) / 4
    blend = smoothstep(0.05, 0.5, depth)
    weights = weights + blend * (wide - weights)
    return weights.reshape(rings * count, -1).astype(np.float32)


def fold(
    surface: Surface, rng: np.random.Generator, height: float, wave: float = 0.07
) -> Surface:
    """Raise soft folds on a cloth along its normals.

    Args:
        surface: the cloth.
        rng: source of the folds' places.
        height: largest height in metres.
        wave: typical distance of folds in metres.
    """
    directions = rng.standard_normal((14, 3)) * (1.0, 1.0, 0.55)
    directions *= 2 * np.pi / wave / np.linalg.norm(directions, axis=1, keepdims=True)
    directions *= rng.uniform(0.4, 1.2, (14, 1))
    phases = rng.uniform(0, 2 * np.pi, 14)
    waves = np.sin(surface.points @ directions.T + phases).sum(1) / np.sqrt(14)
    normals = vertex_normals(surface.points, surface.triangles)
    lift = height * (0.5 + 0.5 * np.tanh(waves))
    return moved(surface, surface.points + normals * lift[:, None])
