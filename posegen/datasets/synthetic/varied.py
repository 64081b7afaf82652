"""The varied look: people as photos show them, for training towards real pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from posegen.datasets.synthetic.adaptive import render_adaptive
from posegen.datasets.synthetic.camera import Camera
from posegen.datasets.synthetic.camera_effects import (
    Capture,
    sample_capture,
    take_picture,
    vary_capture,
)
from posegen.datasets.synthetic.detections import estimated_joints
from posegen.datasets.synthetic.figure import Figure, pose_figure
from posegen.datasets.synthetic.framing import (
    Window,
    aim,
    next_framing,
    next_window,
    sample_base,
    sample_framing,
    window_of,
)
from posegen.datasets.synthetic.heads import VARIED_HAIR
from posegen.datasets.synthetic.people import sample_person
from posegen.datasets.synthetic.places import Place, sample_place
from posegen.datasets.synthetic.poses import (
    Arm,
    CollisionCheck,
    Leg,
    Pose,
    rotations,
)
from posegen.datasets.synthetic.render import Light, View
from posegen.datasets.synthetic.restyle import restyle
from posegen.datasets.synthetic.scene import (
    Person,
    first_yaw,
    next_yaw,
    sample_pairs,
)
from posegen.datasets.synthetic.shadows import cast_shadow
from posegen.datasets.synthetic.surface import unit
from posegen.datasets.synthetic.truth import visible_joints
from posegen.datasets.synthetic.varied_poses import (
    KINDS,
    sample_varied_pose,
)

#: A picture must show at least this many joints; else the view is drawn anew.
MIN_JOINTS = 6
#: Standard deviation of a plain wall's values, at most.
_PLAIN = 0.02
#: How often a person is seen by few pixels, as by a surveillance camera.
SMALL = 0.2


@dataclass(frozen=True)
class Setting:
    """What the views of a person have in common.

    Attributes:
        base: camera that shows the whole body.
        place: what is behind.
        light: the usual light.
        capture: how the camera renders.
        framing: the usual framing.
        small: seen by few pixels.
    """

    base: Camera
    place: Place
    light: Light
    capture: Capture
    framing: str
    small: bool


def make_varied_person(
    rng: np.random.Generator, size: tuple[int, int], views: int, pairs: int
) -> Person:
    """Draw one person in several poses, in one place, as photos show people.

    Args:
        rng: source of everything random about this person.
        size: (height, width) of the pictures.
        views: number of pictures.
        pairs: number of ordered pairs, at most ``views * (views - 1)``.
    """
    figure = restyle(rng, sample_person(rng, VARIED_HAIR, float(rng.uniform(14, 42))))
    check = CollisionCheck(figure.body, clearance=0.025)
    setting = sample_setting(rng, figure, size)
    yaw, drawn, joints, shown = first_yaw(rng), [], [], []
    windows: dict[str, Window] = {}
    while len(drawn) < views:
        view, window = _sample_view(rng, figure, check, yaw, setting, windows)
        marked = visible_joints(figure, view)
        yaw = next_yaw(rng, yaw)
        if (marked[:, 0] >= 0).sum() >= MIN_JOINTS:
            drawn.append(view)
            joints.append(estimated_joints(rng, marked, size))
            shown.append(window)
    # A plain wall looks the same through every window.
    plain = setting.place.picture.std((0, 1)).max() < _PLAIN
    windows_shown = None if plain else shown
    pairs_drawn = sample_pairs(rng, views, pairs)
    return Person(figure, drawn, joints, pairs_drawn, windows_shown)


def sample_setting(
    rng: np.random.Generator, figure: Figure, size: tuple[int, int]
) -> Setting:
    """Draw camera, place and light for a person."""
    small = bool(rng.random() < SMALL)
    still = Pose('standing', (Arm(), Arm()), (Leg(), Leg()))
    standing = pose_figure(figure, rotations(figure.body, still))
    pitch = float(np.clip(rng.normal(9 if small else 2, 5), -12, 20))
    distance = float(rng.uniform(5, 12) if small else rng.uniform(2.6, 7))
    base = sample_base(rng, standing, size, pitch, distance, small)
    feet = np.array([[0.0, 0.0, standing.points[:, 2].min()]])
    floor = float(base.project(feet)[0][0, 1]) / size[0]
    horizon = base.centre[1] - base.focal * np.tan(np.radians(pitch))
    kind = None
    if small:
        kind = str(rng.choice(['street', 'wall', 'room'], p=[0.75, 0.1, 0.15]))
    place = sample_place(rng, size, floor, float(horizon) / size[0], kind=kind)
    return Setting(
        base=base,
        place=place,
        light=sample_light(rng, place.kind),
        capture=sample_capture(rng, size, small, float(place.picture.mean())),
        framing='full' if small else sample_framing(rng, size),
        small=small,
    )


def sample_light(rng: np.random.Generator, kind: str) -> Light:
    """A light that suits a kind of place: soft in studios, anything elsewhere."""
    if kind == 'studio':
        towards = np.array([rng.uniform(-0.8, 0.8), rng.uniform(-1, -0.5), 0.0])
        share, softness = rng.uniform(0.5, 0.85), rng.uniform(0.2, 0.6)
    else:
        towards = np.array([rng.uniform(-1, 1), rng.uniform(-1, 0.5), 0.0])
        share, softness = rng.uniform(0.45, 0.9), rng.uniform(0.03, 0.5)
    towards[2] = rng.uniform(0.2, 1.2)
    total = rng.uniform(1.15, 1.5)
    warmth, green = rng.normal(0, 0.04), rng.normal(0, 0.01)
    tint = np.array([1 + warmth, 1 + green, 1 - warmth])
    return Light(unit(towards), total * share, total * (1 - share), softness, tint)


def _kinds(figure: Figure) -> list[str]:
    """Kinds of pose that suit the clothes: nobody sits in a hanging skirt or coat."""
    return [kind for kind in KINDS if kind != 'seated' or not figure.hangings]


def _sample_view(
    rng: np.random.Generator,
    figure: Figure,
    check: CollisionCheck,
    yaw: float,
    setting: Setting,
    windows: dict[str, Window],
) -> tuple[View, Window]:
    """A view and what it shows of the place; ``windows`` keeps that of each framing."""
    size, small = setting.base.size, setting.small
    pose = sample_varied_pose(rng, check, _kinds(figure))
    posed = pose_figure(figure, rotations(figure.body, pose, yaw))
    framing = 'full' if small else next_framing(rng, setting.framing, size)
    camera = aim(rng, setting.base, posed, framing, small)
    own = window_of(setting.base, camera)
    window = next_window(rng, windows.get(framing), own, size)
    windows.setdefault(framing, window)
    light = setting.light
    if rng.random() < 0.12:
        light = sample_light(rng, setting.place.kind)
    place = setting.place
    behind = place.window(size, window.zoom, window.shift)
    if place.shadow > 0:
        shadow = place.shadow * cast_shadow(posed, light, camera, place.wall)
        behind = behind * (1 - shadow[..., None])
    capture = vary_capture(rng, setting.capture)

    def finish(picture: np.ndarray) -> np.ndarray:
        return take_picture(rng, picture, capture)

    view = render_adaptive(figure, posed, camera, light, behind, finish)
    return view, window
