"""Shoes: lofted around the foot from heel to toe; boots add a shaft."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from posegen.datasets.synthetic.body import SIDES, Body
from posegen.datasets.synthetic.surface import Surface, join, tube_triangles

_STATIONS, _AROUND = 20, 24


@dataclass(frozen=True)
class ShoeShape:
    """A pair of shoes.

    Attributes:
        collar: metres of the collar over the ankle joint (below for low shoes).
        sole: metres of the sole under the foot.
        room: metres between foot and shoe.
        point: 0 round toe, 1 pointed.
    """

    collar: float = 0.0
    sole: float = 0.014
    room: float = 0.008
    point: float = 0.0


def shoe_pair(body: Body, shape: ShoeShape) -> Surface:
    """Both shoes as one surface, rigid with the foot bones."""
    return join([_shoe(body, shape, side) for side in SIDES])


def _shoe(body: Body, shape: ShoeShape, side: str) -> Surface:
    foot = body.points[_foot_vertices(body, side)]
    origin, along, across = _foot_frame(body, foot, side)
    s, u = (foot - origin) @ along, (foot - origin) @ across
    length = s.max()
    floor = foot[:, 2].min()
    top = body.heads[f'foot.{side}'][2] + shape.collar
    stations = length * 0.5 * (1 - np.cos(np.linspace(0, np.pi, _STATIONS)))
    low, high, lift = _outline(s, u, foot[:, 2], stations, top)
    pad = shape.room
    toe = np.clip((stations - 0.62 * length) / (0.38 * length), 0, 1)
    narrow = 1 - shape.point * 0.55 * toe**2
    middle, half = (low + high) / 2, (high - low) / 2 * narrow + pad
    lift = np.minimum(lift, top) + pad
    stations = stations + pad * np.linspace(-1, 1.6, _STATIONS)
    ends = np.sin(np.linspace(0, np.pi, _STATIONS)) ** 0.22
    ends[0] = ends[-1] = 0.05
    rings = _rings(middle, half * ends, floor - shape.sole, lift, ends)
    points = (
        origin
        + stations[:, None, None] * along
        + rings[..., :1] * across
        + (rings[..., 1:] - origin[2]) * np.array([0.0, 0.0, 1.0])
    ).reshape(-1, 3)
    weights = body.rigid(len(points), f'foot.{side}')
    triangles = tube_triangles(_STATIONS, _AROUND)[:, ::-1]
    return Surface(points, weights, np.ascontiguousarray(triangles))


def inside_shoes(body: Body, shape: ShoeShape) -> np.ndarray:
    """(V,) metres by which feet are inside shoes: toes, sole, and up to the collar."""
    field = np.full(len(body.points), -1.0)
    for side in SIDES:
        mine = _foot_vertices(body, side)
        foot = body.points[mine]
        origin, along, _ = _foot_frame(body, foot, side)
        s = (foot - origin) @ along
        toes = s > 0.55 * s.max()
        low = foot[:, 2] < foot[:, 2].min() + 0.03
        under = foot[:, 2] < body.heads[f'foot.{side}'][2] + shape.collar - 0.03
        field[mine] = np.where(toes | low | under, 0.05, field[mine])
    return field


def _foot_vertices(body: Body, side: str) -> np.ndarray:
    sign = 1 if side == 'L' else -1
    return (body.model.feet > 0.5) & (body.points[:, 0] * sign > 0)


def _foot_frame(
    body: Body, foot: np.ndarray, side: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Heel (3,), unit direction to the toes, unit direction to the person's left."""
    sole = foot[foot[:, 2] < foot[:, 2].min() + 0.03]
    toes = sole[sole[:, 1] < np.percentile(sole[:, 1], 8)].mean(0)
    heel = sole[sole[:, 1] > np.percentile(sole[:, 1], 92)].mean(0)
    along = toes - heel
    along[2] = 0
    along /= np.linalg.norm(along)
    back = ((foot - heel) @ along).min()
    return heel + back * along, along, np.array([-along[1], along[0], 0.0])


def _outline(
    s: np.ndarray, u: np.ndarray, z: np.ndarray, stations: np.ndarray, top: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inner and outer reach and height of the foot at each station, smoothed."""
    low, high, lift = (np.zeros(len(stations)) for _ in range(3))
    for index, station in enumerate(stations):
        near = np.abs(s - station) < 0.014
        low[index], high[index] = u[near].min(), u[near].max()
        lift[index] = min(z[near].max(), top)
    smooth = []
    for values in (low, high, lift):
        for _ in range(2):
            padded = np.pad(values, 1, mode='edge')
            values = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
        smooth.append(values)
    return tuple(smooth)


def _rings(
    middle: np.ndarray,
    half: np.ndarray,
    floor: float,
    lift: np.ndarray,
    ends: np.ndarray,
) -> np.ndarray:
    """(stations, around, 2) across and z of flat-bottomed rounded cross sections."""
    turn = np.arange(_AROUND) / _AROUND * 2 * np.pi
    round_ = 0.52
    x = np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** round_
    y = np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** round_
    height = np.where(y > 0, 1.0, 0.35)
    centre = floor + 0.4 * (lift - floor) * ends
    up = (lift - centre) * (0.35 + 0.65 * ends)
    z = centre[:, None] + np.where(
        y > 0, y * height * up[:, None], y * (centre - floor)[:, None]
    )
    taper = 1 - 0.22 * np.clip(y, 0, 1) ** 2
    return np.stack([middle[:, None] + half[:, None] * x * taper, z], 2)
