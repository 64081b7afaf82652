"""The cuts of garments: where on the body's surface each one ends.

A cut is a field over the body's vertices, in metres, positive where the garment is;
:func:`.garments.shell` cuts the body's surface along its zero line.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from posegen.datasets.synthetic.body import (
    SIDES,
    Body,
    arm_line,
    leg_line,
    limb_metres,
)
from posegen.datasets.synthetic.layers import trunk_axis

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
    """The cut of a skirt, a tube from the waist.

    Attributes:
        length: end on the leg's coordinate.
        flare: metres added to the radius per metre downwards.
        rise: metres of the waistband above the hip joints.
        ease: metres between body and cloth.
    """

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
    field = np.minimum(neck_field(body, shape.neck), _sleeve_field(body, shape.sleeve))
    arms = body.region('arm.L') + body.region('arm.R')
    hem = points[:, 2] - (hip_height(body) - shape.hem)
    field = np.minimum(field, np.where(arms > 0.5, _FAR, hem))
    if shape.opening is None:
        return field
    centre, _ = trunk_axis(body)
    gap = np.abs(points[:, 0]) - shape.opening
    return np.where(points[:, 1] < centre[1], np.minimum(field, gap), field)


def _sleeve_field(body: Body, end: float) -> np.ndarray:
    field = np.full(len(body.points), _FAR)
    for side in SIDES:
        share = body.region(f'arm.{side}')
        if end < 0.1:
            field = np.minimum(field, (0.32 - share) * 0.12)
            continue
        line = arm_line(body.heads, side)
        left = limb_metres(line, end) - limb_metres(line, body.arms[side])
        field = np.where(share > 0.3, np.minimum(field, left), field)
    return field


#: Neck openings: half width in metres, and how deep they are cut at the front (less
#: is deeper).
_NECKS = {
    'crew': (0.07, 1.0),
    'scoop': (0.095, 0.72),
    'v': (0.072, 1.0),
    'boat': (0.105, 1.35),
}
NECKS = (*_NECKS, 'turtle')


def neck_field(body: Body, kind: str) -> np.ndarray:
    """(V,) metres outside the neck's opening, for one of :data:`NECKS`."""
    points, base = body.points, body.heads['neck01']
    rise = points[:, 2] - base[2]
    throat = body.heads['neck03'] - base
    if kind == 'turtle':
        chin = 0.05 + 0.75 * (points[:, 1] - base[1] - 0.01)
        return np.minimum(np.maximum(chin, 0.035), 0.085) - rise
    lean = np.clip(rise / throat[2], 0, 1) * throat[1]
    x, y = points[:, 0], points[:, 1] - base[1] - lean
    front = y < 0
    width, depth = _NECKS[kind]
    ring = np.hypot(x, y * np.where(front, depth, 1.15)) - width
    lowest = np.where(front, 0.125, 0.045)
    ring = np.maximum(ring, 6 * x**2 - lowest - rise)
    highest = np.interp(points[:, 1] - base[1], [-0.06, 0.03], [-0.045, 0.035])
    head = np.where(body.region('head') > 0.5, -0.01, _FAR)
    field = np.minimum(np.minimum(ring, highest - rise), head)
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
        line = leg_line(body.heads, side)
        left = limb_metres(line, shape.length) - limb_metres(line, body.legs[side])
        leg = body.region(f'leg.{side}') > 0.3
        field = np.where(leg, np.minimum(field, left), field)
    return field


def shaft_field(body: Body, top: float) -> np.ndarray:
    """(V,) metres inside socks or a boot's shaft.

    Args:
        body: whose they are.
        top: upper end on the leg's coordinate; 2 is the ankle, 1 the knee.
    """
    field = np.full(len(body.points), -_FAR)
    for side in SIDES:
        line = leg_line(body.heads, side)
        below = limb_metres(line, body.legs[side]) - limb_metres(line, top)
        leg = body.region(f'leg.{side}') > 0.5
        field = np.where(leg, below, field)
    return field


def hat_field(body: Body, brim: float, tilt: float) -> np.ndarray:
    """(V,) metres inside a hat that starts at z ``brim`` and rises by ``tilt`` fore."""
    points = body.points
    level = brim - tilt * (points[:, 1] - body.heads['head'][1])
    field = points[:, 2] - level
    field = np.where(body.model.masks['ears'] > 0.3, -0.01, field)
    return np.where(body.region('head') > 0.5, field, -_FAR)
