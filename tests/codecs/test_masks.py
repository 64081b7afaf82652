"""The person mask against the golden masks of published scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from posegen.codecs import pose_mask
from posegen.datasets import read_annotations

ANCHORS = {
    '0364_c2s1_084546_01.jpg': 2706,
    '0188_c4s6_008910_07.jpg': 2734,
    '0467_c3s1_121533_02.jpg': 2342,
}


def test_masks_are_bit_equal(shared):
    masks = np.load(shared('fixtures/metrics/masks_market1501.npz'))
    file = shared('data/real/market1501/market-annotation-test.csv')
    annotations = read_annotations(file)
    people = {Path(n).stem: k for n, k in zip(annotations.names, annotations.keypoints)}
    assert len(masks.files) == 120
    for stem in masks.files:
        np.testing.assert_array_equal(
            pose_mask(people[stem], (128, 64)), masks[stem], err_msg=stem
        )


def test_published_pixel_counts(shared):
    file = shared('data/annotations/market-annotation-test.csv.gz')
    annotations = read_annotations(file)
    people = dict(zip(annotations.names, annotations.keypoints))
    counts = {name: pose_mask(people[name], (128, 64)).sum() for name in ANCHORS}
    assert counts == ANCHORS


def test_nobody():
    mask = pose_mask(np.zeros((18, 3)), (20, 10))
    assert mask.shape == (20, 10)
    assert mask.dtype == bool
    assert not mask.any()


def test_limb_of_no_length_is_a_disc():
    keypoints = np.zeros((18, 3))
    keypoints[2] = keypoints[3] = 10, 12, 1
    both = pose_mask(keypoints, (24, 20))
    keypoints[3] = 0
    np.testing.assert_array_equal(both, pose_mask(keypoints, (24, 20)))
    assert both[12, 10]


def test_joint_far_outside_leaves_the_mask_empty():
    keypoints = np.zeros((18, 3))
    keypoints[2] = 100, 100, 1
    assert not pose_mask(keypoints, (24, 20)).any()


def test_wrong_shape():
    with pytest.raises(ValueError, match=r'keypoints must be \(18, 3\)'):
        pose_mask(np.zeros((17, 3)), (24, 20))
