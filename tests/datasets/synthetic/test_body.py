from __future__ import annotations

import sys

import numpy as np
import pytest

from posegen.datasets.synthetic.body import (
    REGIONS,
    along,
    arm_line,
    limb_metres,
    limb_point,
)
from posegen.datasets.synthetic.dependencies import require
from posegen.utils.errors import DependencyError


@pytest.mark.parametrize('t', [0.0, 0.4, 1.0, 1.5, 2.0])
def test_limb_coordinates_round_trip(t):
    line = np.array([[0, 0, 2.0], [0, 0, 1.0], [0, -0.3, 0.6]])
    point = limb_point(line, t)
    assert along(point[None], line)[0] == pytest.approx(t)
    walked = limb_metres(line, t)
    straight = np.linalg.norm(point - line[0])
    assert walked >= straight - 1e-12


def test_every_vertex_belongs_to_the_regions_in_parts_that_sum_to_one(body):
    total = sum(body.region(name) for name in REGIONS)
    np.testing.assert_allclose(total, 1, atol=1e-5)
    np.testing.assert_allclose(body.model.weights.sum(1), 1, atol=1e-5)


def test_the_body_stands_upright_and_looks_to_minus_y(body):
    joints = body.model.joints @ body.points
    assert 1.4 < body.height < 2.1
    nose, neck, right_wrist, left_wrist = joints[[0, 1, 4, 7]]
    assert nose[2] > neck[2]
    assert nose[1] < joints[16, 1]
    assert left_wrist[0] > 0 > right_wrist[0]


def test_arm_coordinates_grow_towards_the_hand(body):
    for side in ('L', 'R'):
        line = arm_line(body.heads, side)
        np.testing.assert_allclose(along(line, line), [0, 1, 2], atol=1e-9)
        hand = (body.model.hands > 0.9) & (body.region(f'arm.{side}') > 0.9)
        assert (body.arms[side][hand] > 1.7).all()


def test_a_missing_package_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, 'anny', None)
    with pytest.raises(DependencyError, match=r"'anny'.*posegen\[synthetic\]"):
        require('anny')


def test_joints_follow_the_skinned_vertices_that_define_them(body):
    from posegen.datasets.synthetic.body import posed_joints
    from posegen.datasets.synthetic.poses import Arm, Leg, Pose, rotations
    from posegen.datasets.synthetic.skeleton import bone_transforms, skin

    legs = (Leg(swing=30, knee=40), Leg(spread=10))
    pose = Pose('walking', (Arm(lift=80), Arm(elbow=90)), legs, head_turn=30)
    transforms = bone_transforms(body, rotations(body, pose, yaw=70))
    skinned = skin(body.points, body.model.weights, transforms)
    joints = posed_joints(body, transforms)
    np.testing.assert_allclose(joints, body.model.joints @ skinned, atol=1e-5)
