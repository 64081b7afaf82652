"""Poses with joint limits: standing, walking, arms raised, seated-like, and more.

A pose is described by anatomical angles (:class:`Limb`, :class:`Pose`), never by bone
rotations, so that it means the same on every body; :func:`rotations` turns it into
bone rotations for one body. Angles are degrees.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from posegen.datasets.synthetic.body import SIDES, Body, arm_line, leg_line
from posegen.datasets.synthetic.skeleton import (
    aim_rotation,
    axis_rotation,
    bone_transforms,
    skin,
)

#: Smallest and largest value of every angle; the sampler clips to these.
JOINT_LIMITS = {
    'lift': (4.0, 165.0),
    'azimuth': (-35.0, 100.0),
    'arm_twist': (-50.0, 75.0),
    'elbow': (4.0, 135.0),
    'forearm_twist': (-40.0, 60.0),
    'swing': (-30.0, 95.0),
    'spread': (-4.0, 25.0),
    'leg_twist': (-12.0, 18.0),
    'knee': (0.0, 110.0),
    'foot': (-20.0, 20.0),
    'spine_bend': (-10.0, 30.0),
    'spine_lean': (-12.0, 12.0),
    'spine_twist': (-25.0, 25.0),
    'head_nod': (-18.0, 25.0),
    'head_turn': (-45.0, 45.0),
    'head_tilt': (-15.0, 15.0),
}

#: How often each kind of pose is drawn.
KINDS = {
    'standing': 0.40,
    'walking': 0.22,
    'gesturing': 0.13,
    'hands_on_hips': 0.08,
    'arms_raised': 0.10,
    'seated': 0.07,
}


@dataclass(frozen=True)
class Arm:
    """One arm.

    Attributes:
        lift: upper arm from hanging straight down.
        azimuth: the way it is lifted; 0 sideways, 90 forwards.
        arm_twist: about its own axis, inwards.
        elbow: flexion.
        forearm_twist: palm turned inwards.
    """

    lift: float = 12.0
    azimuth: float = 10.0
    arm_twist: float = 0.0
    elbow: float = 15.0
    forearm_twist: float = 0.0


@dataclass(frozen=True)
class Leg:
    """One leg: thigh swing forwards, spread sideways, twist outwards, knee, foot."""

    swing: float = 0.0
    spread: float = -1.0
    leg_twist: float = 4.0
    knee: float = 2.0
    foot: float = 0.0


@dataclass(frozen=True)
class Pose:
    """A whole pose.

    Attributes:
        kind: key of :data:`KINDS`.
        arms, legs: left, right.
        spine_bend, spine_lean, spine_twist: forwards, to the left, to the left.
        head_nod, head_turn, head_tilt: down, to the left, to the left.
    """

    kind: str
    arms: tuple[Arm, Arm]
    legs: tuple[Leg, Leg]
    spine_bend: float = 0.0
    spine_lean: float = 0.0
    spine_twist: float = 0.0
    head_nod: float = 0.0
    head_turn: float = 0.0
    head_tilt: float = 0.0


_Part = TypeVar('_Part', Arm, Leg, Pose)
_Limbs = tuple[Sequence[Arm], Sequence[Leg]]


def limit(part: _Part) -> _Part:
    """Clip every angle of an arm, leg or pose to :data:`JOINT_LIMITS`."""
    angles = {
        name: float(np.clip(getattr(part, name), *JOINT_LIMITS[name]))
        for name in part.__dataclass_fields__
        if name in JOINT_LIMITS
    }
    return replace(part, **angles)


def sample_pose(rng: np.random.Generator, kinds: Sequence[str] = tuple(KINDS)) -> Pose:
    """Draw a pose within the joint limits.

    Args:
        rng: source of randomness.
        kinds: keys of :data:`KINDS` to draw from, by their frequency.
    """
    kind = draw_kind(rng, kinds)
    arms, legs = _LIMBS[kind](rng)
    trunk = {
        'spine_bend': rng.normal(2, 4) + (8 if kind == 'seated' else 0),
        'spine_lean': rng.normal(0, 3),
        'spine_twist': rng.normal(0, 6),
        'head_nod': rng.normal(2, 6),
        'head_turn': rng.normal(0, 14),
        'head_tilt': rng.normal(0, 4),
    }
    arms = tuple(limit(arm) for arm in arms)
    legs = tuple(limit(leg) for leg in legs)
    return limit(Pose(kind, arms, legs, **trunk))


def draw_kind(rng: np.random.Generator, kinds: Sequence[str]) -> str:
    """One of ``kinds``, by their frequency in :data:`KINDS`."""
    odds = np.array([KINDS[kind] for kind in kinds])
    return str(rng.choice(list(kinds), p=odds / odds.sum()))


def _hanging_arm(rng: np.random.Generator) -> Arm:
    return Arm(
        lift=rng.uniform(4, 18),
        azimuth=rng.uniform(-10, 55),
        arm_twist=rng.normal(5, 12),
        elbow=abs(rng.normal(16, 14)),
        forearm_twist=rng.normal(5, 15),
    )


def _bent_arm(rng: np.random.Generator) -> Arm:
    return Arm(
        lift=rng.uniform(12, 50),
        azimuth=rng.uniform(0, 80),
        arm_twist=rng.uniform(-20, 45),
        elbow=rng.uniform(40, 120),
        forearm_twist=rng.normal(5, 20),
    )


def _hip_arm(rng: np.random.Generator) -> Arm:
    return Arm(
        lift=rng.uniform(38, 50),
        azimuth=rng.uniform(-22, -4),
        arm_twist=rng.uniform(48, 66),
        elbow=rng.uniform(78, 98),
        forearm_twist=rng.normal(0, 8),
    )


def _raised_arm(rng: np.random.Generator) -> Arm:
    return Arm(
        lift=rng.uniform(65, 155),
        azimuth=rng.uniform(0, 60),
        arm_twist=rng.normal(0, 15),
        elbow=abs(rng.normal(25, 30)),
        forearm_twist=rng.normal(0, 15),
    )


def _standing_legs(rng: np.random.Generator) -> tuple[Leg, Leg]:
    relaxed = Leg(
        swing=rng.uniform(0, 14),
        spread=rng.uniform(-1, 7),
        leg_twist=rng.uniform(0, 14),
        knee=rng.uniform(4, 22),
    )
    firm = Leg(
        swing=rng.normal(0, 2), spread=rng.uniform(-3, 3), knee=rng.uniform(0, 4)
    )
    legs = (relaxed, firm) if rng.random() < 0.5 else (firm, relaxed)
    wide = Leg(spread=rng.uniform(-2, 11), knee=rng.uniform(0, 4))
    return legs if rng.random() < 0.65 else (wide, replace(wide, leg_twist=6.0))


def _standing(rng: np.random.Generator) -> _Limbs:
    arms = [_hanging_arm(rng), _hanging_arm(rng)]
    if rng.random() < 0.2:
        arms[rng.integers(2)] = _bent_arm(rng)
    return arms, _standing_legs(rng)


def _walking(rng: np.random.Generator) -> _Limbs:
    stride = rng.uniform(10, 26)
    front = Leg(swing=stride, spread=-1.5, knee=rng.uniform(2, 16), foot=-6.0)
    back = Leg(swing=-0.7 * stride, spread=-1.5, knee=rng.uniform(8, 45), foot=12.0)
    arms = [_hanging_arm(rng), _hanging_arm(rng)]
    forward = int(rng.integers(2))
    reach = rng.uniform(12, 32)
    arms[forward] = replace(arms[forward], lift=reach, azimuth=rng.uniform(65, 85))
    arms[1 - forward] = replace(arms[1 - forward], lift=14.0, azimuth=-30.0)
    legs = (back, front) if forward == 0 else (front, back)
    return arms, legs


def _gesturing(rng: np.random.Generator) -> _Limbs:
    arms = [_bent_arm(rng), _bent_arm(rng)]
    if rng.random() < 0.5:
        arms[rng.integers(2)] = _hanging_arm(rng)
    return arms, _standing_legs(rng)


def _hands_on_hips(rng: np.random.Generator) -> _Limbs:
    arms = [_hip_arm(rng), _hip_arm(rng)]
    if rng.random() < 0.5:
        arms[rng.integers(2)] = _hanging_arm(rng)
    return arms, _standing_legs(rng)


def _arms_raised(rng: np.random.Generator) -> _Limbs:
    arms = [_raised_arm(rng), _raised_arm(rng)]
    if rng.random() < 0.5:
        arms[rng.integers(2)] = _hanging_arm(rng)
    return arms, _standing_legs(rng)


def _seated(rng: np.random.Generator) -> _Limbs:
    swing, knee, spread = rng.uniform(62, 90), rng.uniform(65, 100), rng.uniform(2, 12)
    legs = tuple(
        Leg(swing + rng.normal(0, 4), spread, 4.0, knee + rng.normal(0, 5))
        for _ in SIDES
    )
    arms = tuple(
        Arm(rng.uniform(15, 40), rng.uniform(60, 90), 20.0, rng.uniform(30, 75))
        for _ in SIDES
    )
    return arms, legs


_LIMBS = {
    'standing': _standing,
    'walking': _walking,
    'gesturing': _gesturing,
    'hands_on_hips': _hands_on_hips,
    'arms_raised': _arms_raised,
    'seated': _seated,
}


def rotations(body: Body, pose: Pose, yaw: float = 0.0) -> dict[str, np.ndarray]:
    """Bone rotations of a pose on a body.

    Args:
        body: the person in rest pose.
        pose: anatomical angles.
        yaw: degrees that the whole person turns to their left.

    Returns:
        bone name -> (3, 3), as :func:`.skeleton.bone_transforms` takes them.
    """
    turns = {'root': axis_rotation((0, 0, 1), np.radians(yaw))}
    turns.update(_trunk(pose))
    for index, side in enumerate(SIDES):
        turns.update(_arm(body, pose.arms[index], side))
        turns.update(_leg(body, pose.legs[index], side))
    return turns


def _euler(bend: float, lean: float, twist: float) -> np.ndarray:
    """Bend forwards, lean to the left, twist to the left, in degrees."""
    forwards = axis_rotation((1, 0, 0), np.radians(bend))
    sideways = axis_rotation((0, 1, 0), np.radians(lean))
    return axis_rotation((0, 0, 1), np.radians(twist)) @ sideways @ forwards


def _trunk(pose: Pose) -> dict[str, np.ndarray]:
    spine = ('spine05', 'spine04', 'spine03', 'spine02', 'spine01')
    angles = np.array([pose.spine_bend, pose.spine_lean, pose.spine_twist])
    turns = {bone: _euler(*angles / len(spine)) for bone in spine}
    neck = ('neck01', 'neck02', 'neck03', 'head')
    angles = np.array([pose.head_nod, pose.head_tilt, pose.head_turn])
    turns.update({bone: _euler(*angles / len(neck)) for bone in neck})
    return turns


def _arm(body: Body, arm: Arm, side: str) -> dict[str, np.ndarray]:
    sign = 1.0 if side == 'L' else -1.0
    shoulder, elbow, wrist = arm_line(body.heads, side)
    upper, fore = elbow - shoulder, wrist - elbow
    lift, azimuth = np.radians([arm.lift, arm.azimuth])
    sideways, forwards = np.cos(azimuth) * sign, -np.sin(azimuth)
    goal = np.array([np.sin(lift) * sideways, np.sin(lift) * forwards, -np.cos(lift)])
    twist = axis_rotation(upper, np.radians(sign * arm.arm_twist))
    hinge = np.cross(upper, fore)
    bent = np.degrees(np.arctan2(np.linalg.norm(hinge), upper @ fore))
    raise_share = np.clip((arm.lift - 45) / 120, 0, 1) * np.radians(22)
    clavicle = axis_rotation((0, 1, 0), -sign * raise_share)
    pronation = axis_rotation(fore, np.radians(sign * arm.forearm_twist / 2))
    return {
        f'clavicle.{side}': clavicle,
        f'upperarm01.{side}': clavicle.T @ aim_rotation(upper, goal) @ twist,
        f'lowerarm01.{side}': axis_rotation(hinge, np.radians(arm.elbow - bent)),
        f'lowerarm02.{side}': pronation,
        f'wrist.{side}': pronation,
    }


def _leg(body: Body, leg: Leg, side: str) -> dict[str, np.ndarray]:
    sign = 1.0 if side == 'L' else -1.0
    hip, knee, ankle = leg_line(body.heads, side)
    spread = axis_rotation((0, 1, 0), -sign * np.radians(leg.spread))
    swing = axis_rotation((1, 0, 0), -np.radians(leg.swing))
    goal = swing @ spread @ np.array([0.0, 0.0, -1.0])
    twist = axis_rotation((0, 0, 1), sign * np.radians(leg.leg_twist))
    thigh = aim_rotation(knee - hip, goal) @ twist
    straight = aim_rotation(ankle - knee, knee - hip)
    flexion = axis_rotation((1, 0, 0), np.radians(leg.knee))
    level = np.radians(leg.foot - 0.35 * (leg.knee - leg.swing))
    return {
        f'upperleg01.{side}': thigh,
        f'lowerleg01.{side}': flexion @ straight,
        f'foot.{side}': axis_rotation((1, 0, 0), np.clip(level, -0.5, 0.4)),
    }


class CollisionCheck:
    """Tells whether hands or forearms are inside the rest of the body.

    Args:
        body: the person.
        clearance: metres that garments take between skin and hand.
    """

    _STEP = 5

    def __init__(self, body: Body, clearance: float) -> None:
        model = body.model
        arms = model.regions['arm.L'] + model.regions['arm.R']
        blocking = np.flatnonzero((arms < 0.2) & (model.eyes < 0.5))[:: self._STEP]
        moving = {}
        for side in SIDES:
            limb = (model.regions[f'arm.{side}'] > 0.9) & (body.arms[side] > 1.35)
            moving[side] = np.flatnonzero(limb)[:: 2 * self._STEP]
        self._body, self._clearance = body, clearance
        self._blocking, self._moving = blocking, np.concatenate(list(moving.values()))

    def __call__(self, pose: Pose) -> bool:
        """True if the pose runs an arm into the trunk, the head or a leg."""
        from scipy.spatial import cKDTree

        transforms = bone_transforms(self._body, rotations(self._body, pose))
        block, move = self._blocking, self._moving
        points = self._skin(block, transforms)
        tips = self._skin(block, transforms, lift=1e-3)
        normals = (tips - points) / 1e-3
        hands = self._skin(move, transforms)
        distance, nearest = cKDTree(points).query(hands)
        height = ((hands - points[nearest]) * normals[nearest]).sum(1)
        inside = (height < self._clearance) & (distance < 0.2)
        return bool(inside.mean() > 0.02)

    def _skin(
        self, chosen: np.ndarray, transforms: np.ndarray, lift: float = 0.0
    ) -> np.ndarray:
        body = self._body
        points = body.points[chosen] + lift * body.normals[chosen]
        return skin(points, body.model.weights[chosen], transforms)


def sample_free_pose(
    rng: np.random.Generator,
    check: CollisionCheck,
    kinds: Sequence[str] = tuple(KINDS),
    tries: int = 24,
) -> Pose:
    """Draw poses of one kind until one has no arm inside the body.

    The last resort after ``tries`` draws is the legs of the last one with arms held
    away from the body.
    """
    kind = draw_kind(rng, kinds)
    for _ in range(tries):
        pose = sample_pose(rng, [kind])
        if not check(pose):
            return pose
    away = Arm(lift=28.0, azimuth=10.0, elbow=20.0)
    return replace(pose, arms=(away, away))
