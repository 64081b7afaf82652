"""Poses of the varied look: how people stand before a camera."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from posegen.datasets.synthetic.poses import (
    Arm,
    CollisionCheck,
    Leg,
    Pose,
    limit,
    sample_pose,
)

#: How often each kind of pose is drawn; see :data:`.poses.KINDS` for those there.
KINDS = {
    'standing': 0.20,
    'close': 0.22,
    'walking': 0.16,
    'pocket': 0.08,
    'hands_on_hips': 0.10,
    'gesturing': 0.08,
    'wide': 0.05,
    'arms_raised': 0.05,
    'seated': 0.06,
}
_TRIES = 16


def sample_varied_pose(
    rng: np.random.Generator, check: CollisionCheck, kinds: Sequence[str] = tuple(KINDS)
) -> Pose:
    """Draw poses of one kind until one has no arm inside the body.

    The last resort are arms held away from the body.
    """
    odds = np.array([KINDS[kind] for kind in kinds])
    kind = str(rng.choice(list(kinds), p=odds / odds.sum()))
    for _ in range(_TRIES):
        pose = _draw(rng, kind)
        if not check(pose):
            return pose
    away = Arm(lift=float(rng.uniform(14, 28)), azimuth=10.0, elbow=20.0)
    return replace(pose, arms=(away, away))


def _draw(rng: np.random.Generator, kind: str) -> Pose:
    """One pose, its head turned further at times than the standard look's."""
    base = kind if kind not in _ARMS else str(rng.choice(['standing', 'walking']))
    pose = sample_pose(rng, [base])
    if kind in _ARMS:
        arms = tuple(limit(arm) for arm in _ARMS[kind](rng))
        pose = replace(pose, kind=kind, arms=arms)
    if kind == 'wide':
        spread = float(rng.uniform(8, 22))
        legs = (Leg(spread=spread, knee=float(rng.uniform(0, 15))),) * 2
        pose = replace(pose, legs=legs)
    if rng.random() < 0.35:
        turn, nod = rng.uniform(-45, 45), rng.normal(3, 9)
        pose = replace(pose, head_turn=float(turn), head_nod=float(nod))
    return limit(pose)


def _close_arm(rng: np.random.Generator) -> Arm:
    return Arm(
        lift=rng.uniform(4, 13),
        azimuth=rng.uniform(-15, 40),
        arm_twist=rng.normal(5, 10),
        elbow=rng.uniform(5, 24),
        forearm_twist=rng.normal(8, 12),
    )


def _pocket_arm(rng: np.random.Generator) -> Arm:
    return Arm(
        lift=rng.uniform(16, 30),
        azimuth=rng.uniform(-40, 0),
        arm_twist=rng.uniform(10, 40),
        elbow=rng.uniform(30, 58),
        forearm_twist=rng.normal(10, 10),
    )


def _wide_arm(rng: np.random.Generator) -> Arm:
    return Arm(
        lift=rng.uniform(35, 110),
        azimuth=rng.uniform(-20, 40),
        arm_twist=rng.normal(0, 20),
        elbow=abs(rng.normal(20, 25)),
        forearm_twist=rng.normal(0, 15),
    )


def _close(rng: np.random.Generator) -> tuple[Arm, Arm]:
    return _close_arm(rng), _close_arm(rng)


def _pocket(rng: np.random.Generator) -> tuple[Arm, Arm]:
    arms = [_pocket_arm(rng), _pocket_arm(rng)]
    if rng.random() < 0.6:
        arms[rng.integers(2)] = _close_arm(rng)
    return arms[0], arms[1]


def _wide(rng: np.random.Generator) -> tuple[Arm, Arm]:
    return _wide_arm(rng), _wide_arm(rng)


_ARMS = {'close': _close, 'pocket': _pocket, 'wide': _wide}
