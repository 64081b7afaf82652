"""All views of one person and the truth of the pairs between them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from posegen.datasets.synthetic import backgrounds
from posegen.datasets.synthetic.camera import Camera, frame, look
from posegen.datasets.synthetic.figure import Figure, Posed, pose_figure
from posegen.datasets.synthetic.framing import Window
from posegen.datasets.synthetic.people import sample_person
from posegen.datasets.synthetic.poses import (
    KINDS,
    CollisionCheck,
    rotations,
    sample_free_pose,
)
from posegen.datasets.synthetic.render import Light, View, render_view
from posegen.datasets.synthetic.surface import unit
from posegen.datasets.synthetic.truth import visible_joints

#: A picture must show at least this many joints; else the view is drawn anew.
MIN_JOINTS = 8


@dataclass(frozen=True)
class Person:
    """One identity with its views.

    Attributes:
        figure: the dressed person.
        views: its pictures.
        joints: (18, 2) int64 marked joints of each view, -1 missing.
        pairs: ordered (source, target) indices into the views.
        windows: part of the place that each view shows; None where all show the same.
    """

    figure: Figure
    views: list[View]
    joints: list[np.ndarray]
    pairs: list[tuple[int, int]]
    windows: list[Window] | None = None

    def same_place(self, source: int, target: int) -> bool:
        """Whether the target's background is what the source shows at that place."""
        return self.windows is None or self.windows[source].near(self.windows[target])


def make_person(
    rng: np.random.Generator,
    size: tuple[int, int],
    views: int,
    pairs: int,
    background: str = 'plain',
) -> Person:
    """Draw one person in several poses.

    Args:
        rng: source of everything random about this person.
        size: (height, width) of the pictures.
        views: number of pictures.
        pairs: number of ordered pairs, at most ``views * (views - 1)``.
        background: 'plain' (the same wall in all views) or 'street' (a different
            place, light and exposure in every view).
    """
    figure = sample_person(rng)
    check = CollisionCheck(figure.body, clearance=0.025)
    wall = backgrounds.plain_background(rng, size)
    light = sample_light(rng, background)
    yaw, drawn, joints = first_yaw(rng), [], []
    while len(drawn) < views:
        if background == 'street':
            wall = backgrounds.street_background(rng, size)
            light = sample_light(rng, background)
        view = _sample_view(rng, figure, check, yaw, size, light, wall)
        marked = visible_joints(figure, view)
        yaw = next_yaw(rng, yaw)
        if (marked[:, 0] >= 0).sum() >= MIN_JOINTS:
            drawn.append(view)
            joints.append(marked)
    return Person(figure, drawn, joints, sample_pairs(rng, views, pairs))


def _sample_view(
    rng: np.random.Generator,
    figure: Figure,
    check: CollisionCheck,
    yaw: float,
    size: tuple[int, int],
    light: Light,
    wall: np.ndarray,
) -> View:
    pose = sample_free_pose(rng, check, pose_kinds(figure))
    posed = pose_figure(figure, rotations(figure.body, pose, yaw))
    camera = sample_camera(rng, posed, size, upper_allowed=pose.kind != 'seated')
    return render_view(figure, posed, camera, light, wall)


def pose_kinds(figure: Figure) -> list[str]:
    """Kinds of pose that suit the clothes: nobody sits in a hanging skirt or coat."""
    return [kind for kind in KINDS if kind != 'seated' or not figure.hangings]


def sample_light(rng: np.random.Generator, background: str) -> Light:
    """A studio's light from the upper left front, or any light of a street."""
    if background == 'plain':
        towards = np.array([-0.45, -0.75, 0.55]) + rng.normal(0, 0.08, 3)
        return Light(unit(towards), 0.50, 0.58, 0.15, np.ones(3))
    towards = np.array([rng.uniform(-0.9, 0.9), -0.6, rng.uniform(0.3, 1.0)])
    tint = 1 + rng.normal(0, 0.03, 3)
    ambient, diffuse = rng.uniform(0.4, 0.65), rng.uniform(0.25, 0.6)
    return Light(unit(towards), ambient, diffuse, rng.uniform(0.1, 0.35), tint)


def first_yaw(rng: np.random.Generator) -> float:
    """Degrees; mostly seen from the front."""
    if rng.random() < 0.6:
        return float(rng.uniform(-50, 50))
    return float(rng.uniform(-180, 180))


def next_yaw(rng: np.random.Generator, before: float) -> float:
    """The yaw of a further view: often near the one before, else anything."""
    if rng.random() < 0.6:
        return float(before + rng.uniform(-50, 50))
    return first_yaw(rng)


def sample_camera(
    rng: np.random.Generator,
    posed: Posed,
    size: tuple[int, int],
    upper_allowed: bool = True,
) -> Camera:
    """Draw a camera: the whole body at about 86 % of the height, or its upper half.

    Narrow pictures (wider less than 0.7 times their height) show the whole body more
    often, as street photos do.
    """
    upper_odds = 0.4 if size[1] > 0.7 * size[0] else 0.12
    upper = upper_allowed and rng.random() < upper_odds
    camera = look(rng.uniform(4.5, 7.0), np.radians(rng.normal(2, 2)), size)
    shift = rng.normal(0, 0.012, 2)
    fill = float(rng.uniform(0.84, 0.88))
    if not upper:
        return frame(camera, posed.points, (fill, 0.94), shift)
    heights = posed.points[:, 2]
    cut = heights.min() + rng.uniform(0.38, 0.52) * np.ptp(heights)
    above = posed.points[heights > cut]
    close = frame(camera, above, (0.92, 0.96), shift)
    bottom, _ = close.project(np.array([[0.0, 0.0, cut]]))
    drop = size[0] - 0.5 - bottom[0, 1]
    return replace(close, centre=close.centre + (0, drop))


def sample_pairs(
    rng: np.random.Generator, views: int, pairs: int
) -> list[tuple[int, int]]:
    """Distinct ordered pairs of views, in random order."""
    every = [(a, b) for a in range(views) for b in range(views) if a != b]
    chosen = rng.permutation(len(every))[:pairs]
    return [every[index] for index in sorted(chosen)]
