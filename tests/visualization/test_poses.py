"""Pictures of poses."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from posegen.codecs import LEFT_RIGHT_PAIRS, LIMBS
from posegen.visualization import JOINT_COLORS, draw_pose


def _spread_joints() -> np.ndarray:
    """18 joints on a grid, far enough apart not to cover each other."""
    keypoints = np.ones((18, 3), np.float32)
    keypoints[:, 0] = 15 + 30 * (np.arange(18) % 6)
    keypoints[:, 1] = 20 + 40 * (np.arange(18) // 6)
    return keypoints


@pytest.mark.parametrize('kind', [np.asarray, torch.from_numpy])
def test_every_joint_has_its_colour(kind):
    keypoints = _spread_joints()
    picture = draw_pose(kind(keypoints), (128, 192))
    assert picture.shape == (128, 192, 3) and picture.dtype == np.uint8
    for (x, y, _), color in zip(keypoints.astype(int), JOINT_COLORS):
        np.testing.assert_array_equal(picture[y, x], color)


def test_nobody_is_black():
    keypoints = _spread_joints()
    keypoints[:, 2] = 0
    assert draw_pose(keypoints, (64, 32)).max() == 0


def test_missing_joints_and_their_limbs_are_not_drawn():
    keypoints = np.zeros((18, 3))
    keypoints[2] = 10, 32, 0.1  # right shoulder: present however low its score
    keypoints[3] = 50, 32, 0  # right elbow: missing
    picture = draw_pose(keypoints, (64, 64))
    assert tuple(picture[32, 10]) == JOINT_COLORS[2]
    assert picture[:, 16:].max() == 0


def test_a_limb_has_the_darker_colour_of_its_outer_joint():
    assert (2, 3) in LIMBS
    keypoints = np.zeros((18, 3))
    keypoints[2], keypoints[3] = (10, 32, 1), (50, 32, 1)
    middle = draw_pose(keypoints, (64, 64))[32, 30].astype(float)
    assert 0.6 < middle[0] / JOINT_COLORS[3][0] < 0.7
    assert middle[0] > middle[1] > middle[2]


def test_edges_are_smooth_and_positions_not_rounded():
    keypoints = np.zeros((18, 3))
    keypoints[0] = 20.5, 20, 1
    picture = draw_pose(keypoints, (180, 42))[..., 0]
    np.testing.assert_array_equal(picture, picture[:, ::-1])
    assert ((picture > 0) & (picture < 255)).any()


def test_left_and_right_differ():
    assert len(set(JOINT_COLORS)) == len(JOINT_COLORS)
    for left, right in LEFT_RIGHT_PAIRS:
        assert JOINT_COLORS[right][0] > JOINT_COLORS[left][0]  # warm against cold


def test_refuses_other_shapes():
    with pytest.raises(ValueError, match=r'keypoints must be \(18, 3\), got \(17, 3\)'):
        draw_pose(np.zeros((17, 3)), (8, 8))
