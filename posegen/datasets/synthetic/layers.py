"""Layers: a surface with a material, part labels and coordinates for its cloth.

Cloth coordinates are fixed to the surface in rest pose. Each triangle belongs to a
panel (trunk, a sleeve, a leg, a skirt); a panel is a tube, with an angle around and a
length along. Angles are carried as cosine and sine, so that there is no seam.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from posegen.datasets.synthetic.body import (
    SIDES,
    Body,
    along,
    arm_line,
    around,
    leg_line,
    limb_metres,
)
from posegen.datasets.synthetic.surface import Surface

#: Part labels of the ground truth.
HEAD, TORSO, LEG = 1, 2, 3

PANELS = ('trunk', 'arm.L', 'arm.R', 'leg.L', 'leg.R')


@dataclass(frozen=True)
class Layer:
    """A dressed or bare piece of a person.

    Attributes:
        name: what it is, for tests and debugging (``'top'``, ``'skin'``, ...).
        surface: geometry in rest pose.
        material: key into the person's materials.
        parts: (F,) uint8 part label of each triangle.
        cloth: (F, 3, 4) float32 at each corner: cosine and sine of the angle around
            the panel, length along it and distance from the nearest hem, in metres.
        girth: (F,) float32 metres around the panel.
        panels: (F,) uint8 index into :data:`PANELS`.
    """

    name: str
    surface: Surface
    material: str
    parts: np.ndarray
    cloth: np.ndarray
    girth: np.ndarray
    panels: np.ndarray


def trunk_axis(body: Body) -> tuple[np.ndarray, float]:
    """Centre (x, y) of the trunk's cross sections and their depth over width."""
    trunk = body.region('trunk') > 0.9
    low, high = np.percentile(body.points[trunk], [3, 97], axis=0)
    centre = (low + high)[:2] / 2
    return np.array([0.0, centre[1]]), float((high[1] - low[1]) / (high[0] - low[0]))


def _trunk_cloth(body: Body, points: np.ndarray) -> tuple[np.ndarray, float]:
    centre, flatness = trunk_axis(body)
    x, y = points[:, 0], -(points[:, 1] - centre[1]) / flatness
    radius = np.maximum(np.hypot(x, y), 1e-9)
    cloth = np.stack([y / radius, x / radius, points[:, 2]], 1)
    return cloth, 2 * np.pi * float(np.mean(radius)) * (1 + flatness) / 2


def _limb_cloth(points: np.ndarray, line: np.ndarray) -> tuple[np.ndarray, float]:
    radius, angle = around(points, line)
    t = along(points, line)
    length = limb_metres(line, t)
    near = (t > 0.2) & (t < 1.8)
    girth = 2 * np.pi * float(np.median(radius[near])) if near.any() else 0.3
    return np.concatenate([angle, -length[:, None]], 1), girth


def panel_of(body: Body, weights: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(F,) uint8 panel that each triangle's skinning weights speak for."""
    shares = region_shares(body, weights)
    names = ('trunk', 'arm.L', 'arm.R', 'leg.L', 'leg.R')
    votes = np.stack([shares[name] for name in names], 1)
    votes[:, 0] += shares['head']
    return votes[triangles].sum(1).argmax(1).astype(np.uint8)


def region_shares(body: Body, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Region name -> (V,) share of arbitrary skinning weights (V, B)."""
    bones = body.model.bones
    kinds = np.array([_bone_region(bone) for bone in bones])
    names = ('trunk', 'head', 'arm.L', 'arm.R', 'leg.L', 'leg.R')
    return {name: weights[:, kinds == name].sum(1) for name in names}


def _bone_region(bone: str) -> str:
    if bone.startswith(('upperarm', 'lowerarm', 'wrist', 'finger', 'metacarpal')):
        return f'arm.{bone[-1]}'
    if bone.startswith(('upperleg', 'lowerleg', 'foot', 'toe')):
        return f'leg.{bone[-1]}'
    return 'head' if bone.startswith(('head', 'eye', 'neck03')) else 'trunk'


def part_of(body: Body, weights: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(F,) uint8 part label (head, torso and arms, leg) of each triangle."""
    shares = region_shares(body, weights)
    votes = np.stack(
        [
            shares['head'],
            shares['trunk'] + shares['arm.L'] + shares['arm.R'],
            shares['leg.L'] + shares['leg.R'],
        ],
        1,
    )
    return (votes[triangles].sum(1).argmax(1) + 1).astype(np.uint8)


def make_layer(
    name: str,
    body: Body,
    surface: Surface,
    material: str,
    part: int | None = None,
    panel: str | None = None,
) -> Layer:
    """Give a surface a material, part labels and cloth coordinates.

    Args:
        name: the layer's name.
        body: whose it is.
        surface: geometry in rest pose.
        material: key into the person's materials.
        part: one label for all, or from the skinning weights.
        panel: one panel for all, or from the skinning weights.
    """
    triangles = surface.triangles
    if panel is None:
        panels = panel_of(body, surface.weights, triangles)
    else:
        panels = np.full(len(triangles), PANELS.index(panel), np.uint8)
    if part is None:
        parts = part_of(body, surface.weights, triangles)
    else:
        parts = np.full(len(triangles), part, np.uint8)
    cloth = np.zeros((len(triangles), 3, 4), np.float32)
    cloth[..., 3] = 1.0 if surface.edge is None else surface.edge[triangles]
    girth = np.zeros(len(triangles), np.float32)
    for index in np.unique(panels):
        chosen = panels == index
        values, length = _panel_cloth(body, surface.points, PANELS[index])
        cloth[chosen, :, :3], girth[chosen] = values[triangles[chosen]], length
    return Layer(name, surface, material, parts, cloth, girth, panels)


def _panel_cloth(
    body: Body, points: np.ndarray, panel: str
) -> tuple[np.ndarray, float]:
    if panel == 'trunk':
        return _trunk_cloth(body, points)
    line = arm_line if panel.startswith('arm') else leg_line
    assert panel[-1] in SIDES
    return _limb_cloth(points, line(body.heads, panel[-1]))
