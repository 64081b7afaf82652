from __future__ import annotations

import numpy as np
import pytest

from posegen.datasets.synthetic.body import arm_line, leg_line
from posegen.datasets.synthetic.poses import (
    JOINT_LIMITS,
    KINDS,
    Arm,
    CollisionCheck,
    Leg,
    Pose,
    rotations,
    sample_free_pose,
    sample_pose,
)
from posegen.datasets.synthetic.skeleton import bone_transforms


def _posed_line(body, pose: Pose, limb: str, side: str) -> np.ndarray:
    """(3, 3) posed joints of a limb."""
    line, bones = {
        'arm': (arm_line, ('upperarm01', 'lowerarm01', 'wrist')),
        'leg': (leg_line, ('upperleg01', 'lowerleg01', 'foot')),
    }[limb]
    transforms = bone_transforms(body, rotations(body, pose))
    moves = [transforms[body.model.bones.index(f'{b}.{side}')] for b in bones]
    rest = line(body.heads, side)
    return np.stack([m[:, :3] @ p + m[:, 3] for m, p in zip(moves, rest)])


def _bend(line: np.ndarray) -> float:
    first, second = np.diff(line, axis=0)
    cosine = first @ second / np.linalg.norm(first) / np.linalg.norm(second)
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def _pose(arm: Arm = Arm(), leg: Leg = Leg()) -> Pose:  # noqa: B008
    return Pose('standing', (arm, arm), (leg, leg))


@pytest.mark.parametrize('kind', KINDS)
def test_sampled_angles_keep_to_the_joint_limits(kind):
    rng = np.random.default_rng(0)
    for _ in range(60):
        pose = sample_pose(rng, [kind])
        assert pose.kind == kind
        for part in (pose, *pose.arms, *pose.legs):
            for name in set(part.__dataclass_fields__) & set(JOINT_LIMITS):
                low, high = JOINT_LIMITS[name]
                assert low <= getattr(part, name) <= high, name


def test_kinds_are_drawn_by_their_frequency():
    rng = np.random.default_rng(0)
    drawn = [sample_pose(rng).kind for _ in range(400)]
    assert set(drawn) == set(KINDS)
    assert drawn.count('standing') > drawn.count('seated')
    assert sum(KINDS.values()) == pytest.approx(1)


@pytest.mark.parametrize('elbow', [10.0, 60.0, 120.0])
@pytest.mark.parametrize('side', ['L', 'R'])
def test_elbows_bend_by_their_angle_and_forwards(body, elbow, side):
    line = _posed_line(
        body, _pose(arm=Arm(lift=5, azimuth=0, elbow=elbow)), 'arm', side
    )
    assert _bend(line) == pytest.approx(elbow, abs=1e-6)
    assert line[2, 1] < line[1, 1]


@pytest.mark.parametrize('side', ['L', 'R'])
def test_lift_and_azimuth_aim_the_upper_arm(body, side):
    sign = 1 if side == 'L' else -1
    sideways = _posed_line(body, _pose(arm=Arm(lift=90, azimuth=0)), 'arm', side)
    forwards = _posed_line(body, _pose(arm=Arm(lift=90, azimuth=90)), 'arm', side)
    reach = np.linalg.norm(sideways[1] - sideways[0])
    np.testing.assert_allclose(
        sideways[1] - sideways[0], [sign * reach, 0, 0], atol=1e-6
    )
    np.testing.assert_allclose(forwards[1] - forwards[0], [0, -reach, 0], atol=1e-6)


@pytest.mark.parametrize('side', ['L', 'R'])
def test_arm_twist_turns_the_forearm_inwards(body, side):
    sign = 1 if side == 'L' else -1
    arm = Arm(lift=30, azimuth=0, elbow=90)
    straight = _posed_line(body, _pose(arm=arm), 'arm', side)
    arm = Arm(lift=30, azimuth=0, elbow=90, arm_twist=40)
    twisted = _posed_line(body, _pose(arm=arm), 'arm', side)
    assert sign * twisted[2, 0] < sign * straight[2, 0] - 0.05


@pytest.mark.parametrize('side', ['L', 'R'])
def test_knees_bend_backwards_and_thighs_swing_forwards(body, side):
    line = _posed_line(body, _pose(leg=Leg(swing=30, spread=0, knee=50)), 'leg', side)
    assert _bend(line) == pytest.approx(50, abs=0.5)
    assert line[1, 1] < line[0, 1]
    assert line[2, 1] > line[1, 1]


def test_yaw_turns_the_whole_person(body):
    pose = _pose()
    front = bone_transforms(body, rotations(body, pose))
    back = bone_transforms(body, rotations(body, pose, yaw=180))
    root = body.heads['root']
    nose = body.model.joints[0] @ body.points
    seen = [m[0][:, :3] @ nose + m[0][:, 3] - root for m in (front, back)]
    np.testing.assert_allclose(seen[0][:2], -seen[1][:2], atol=1e-9)


def test_a_hand_inside_the_belly_is_a_collision(body):
    check = CollisionCheck(body, clearance=0.02)
    inside = Arm(lift=6, azimuth=0, arm_twist=75, elbow=75)
    away = Arm(lift=35, azimuth=0, elbow=10)
    assert check(_pose(arm=inside))
    assert not check(_pose(arm=away))


def test_free_poses_are_free(body):
    rng = np.random.default_rng(5)
    check = CollisionCheck(body, clearance=0.02)
    for _ in range(6):
        assert not check(sample_free_pose(rng, check))
