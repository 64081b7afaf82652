"""Shells: garments that are a piece of the body's surface moved off the skin.

Cut by a field of :mod:`.cuts`, pushed outwards, smoothed so that cloth spans hollows,
hung from chest and back, folded. A shell keeps the skinning weights of the skin under
it, so it moves with the body.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from posegen.datasets.synthetic.body import SIDES, Body, leg_line
from posegen.datasets.synthetic.layers import trunk_axis
from posegen.datasets.synthetic.surface import (
    Surface,
    cut_surface,
    moved,
    relax,
    smoothing_matrix,
    smoothstep,
    vertex_normals,
)


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
    inner = smoothstep(0.0, 0.05, cut.carry(field))[:, None]
    smooth = inner * smooth + (1 - inner) * (piece.points + normals * lift)
    least = ease - sink * inner
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
) -> Callable[[np.ndarray], np.ndarray]:
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


def widen_legs(body: Body, surface: Surface, flare: float) -> Surface:
    """Straight and flared trouser legs: move the cloth off the leg's axis.

    Args:
        body: whose it is.
        surface: trousers.
        flare: metres added to the radius at the ankle.
    """
    points = surface.points.copy()
    for side in SIDES:
        line = leg_line(body.heads, side)
        sign = 1.0 if side == 'L' else -1.0
        mine = points[:, 0] * sign > 0
        t = np.clip((line[0, 2] - points[:, 2]) / (line[0, 2] - line[2, 2]), 0, 1)
        axis = line[0] + t[:, None] * (line[2] - line[0])
        offset = points[:, :2] - axis[:, :2]
        radius = np.maximum(np.hypot(*offset.T), 1e-9)
        more = flare * smoothstep(0.12, 1.0, t)
        grown = points[:, :2] + offset * ((more / radius) * mine)[:, None]
        grown[:, 0] = np.where(
            mine, sign * np.maximum(grown[:, 0] * sign, 0.003), grown[:, 0]
        )
        points[:, :2] = grown
    return moved(surface, points)


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
