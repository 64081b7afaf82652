"""The canonical joints: names, limbs, sides and parts agree with each other."""

from __future__ import annotations

import pytest

from posegen.codecs import (
    DEFAULT_PARTS,
    JOINT_NAMES,
    LEFT_RIGHT_PAIRS,
    LIMBS,
    NUM_JOINTS,
)
from posegen.datasets import read_annotations


def test_names_are_18_different_ones():
    assert NUM_JOINTS == len(set(JOINT_NAMES)) == 18


def test_limbs_form_one_tree_over_all_joints():
    assert len(LIMBS) == NUM_JOINTS - 1
    reached = {1}
    while new := {b for a, b in LIMBS if a in reached} - reached:
        reached |= new
    assert reached == set(range(NUM_JOINTS))


@pytest.mark.parametrize('left, right', LEFT_RIGHT_PAIRS)
def test_sides_have_the_same_name(left, right):
    assert JOINT_NAMES[left] == JOINT_NAMES[right].replace('right', 'left')
    assert JOINT_NAMES[left].startswith('left')


def test_every_sided_joint_is_paired():
    sided = {i for i, name in enumerate(JOINT_NAMES) if '_' in name}
    assert {joint for pair in LEFT_RIGHT_PAIRS for joint in pair} == sided


def test_parts_cover_all_joints_and_all_limbs():
    assert set().union(*DEFAULT_PARTS.values()) == set(range(NUM_JOINTS))
    for limb in LIMBS:
        assert any(set(limb) <= set(joints) for joints in DEFAULT_PARTS.values()), limb


@pytest.mark.parametrize('right, left', [(14, 15), (16, 17)])
def test_eyes_and_ears_are_right_before_left(shared, right, left):
    """Some published label lists say otherwise; the order of the shoulders decides."""
    file = shared('data/annotations/market-annotation-train.csv.gz')
    keypoints = read_annotations(file).keypoints
    x = keypoints[(keypoints[:, (2, 5, right, left), 2] > 0).all(1), :, 0]
    face, shoulders = x[:, right] - x[:, left], x[:, 2] - x[:, 5]
    decided = (face != 0) & (shoulders != 0)
    assert decided.sum() > 1000
    assert (face * shoulders > 0)[decided].mean() > 0.95
