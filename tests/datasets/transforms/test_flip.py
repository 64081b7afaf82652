"""Mirrored pairs."""

from __future__ import annotations

import numpy as np
import pytest

from posegen.codecs.joints import JOINT_NAMES
from posegen.datasets.draws import Draw
from posegen.datasets.transforms import FlipPair
from posegen.datasets.transforms.flip import flip_truth
from posegen.utils.errors import ConfigError
from tests.datasets.transforms.helpers import (
    SIZE,
    copy_of,
    follow_blobs,
    make_results,
    resized,
)


def make_truth(seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        'flow': rng.normal(0, 3, (2, *SIZE)).astype(np.float32),
        'visibility': rng.random(SIZE) < 0.5,
        'part_labels': rng.integers(0, 4, SIZE, dtype=np.uint8),
    }


def test_twice_is_nothing():
    results = resized(**make_truth())
    before = copy_of(results)
    once = copy_of(FlipPair(prob=1)(results))
    twice = FlipPair(prob=1)(dict(once))
    for key, value in before.items():
        if isinstance(value, np.ndarray):
            assert (once[key] != value).any(), key
            np.testing.assert_allclose(twice[key], value, atol=1e-5)


def test_left_is_right():
    results = resized()
    before = copy_of(results)
    flipped = FlipPair(prob=1)(results)
    for side in ('source', 'target'):
        key = f'{side}_keypoints'
        for index, name in enumerate(JOINT_NAMES):
            for a, b in (('left', 'right'), ('right', 'left')):
                if name.startswith(a):
                    name = name.replace(a, b)
                    break
            x, y, score = before[key][JOINT_NAMES.index(name)]
            expected = (SIZE[1] - 1 - x, y, score) if score else (0, 0, 0)
            np.testing.assert_allclose(flipped[key][index], expected, rtol=1e-6)
        np.testing.assert_array_equal(
            flipped[f'{side}_image'], before[f'{side}_image'][:, ::-1]
        )


def test_a_spot_moves_with_its_joint():
    for spot, joint in follow_blobs(FlipPair(prob=1), SIZE, resized_by='ResizePair'):
        np.testing.assert_allclose(spot, joint, atol=0.1)


def test_the_flow_leads_to_the_same_point_of_the_person():
    truth = make_truth()
    flipped = flip_truth(truth)
    last = SIZE[1] - 1
    for row, column in ((0, 0), (7, 20), (39, 31)):
        there = np.array([column, row]) + truth['flow'][:, row, column]
        moved = np.array([last - column, row]) + flipped['flow'][:, row, last - column]
        np.testing.assert_allclose(moved, [last - there[0], there[1]], atol=1e-5)
        for key in ('visibility', 'part_labels'):
            assert flipped[key][row, last - column] == truth[key][row, column]
        assert flipped['part_labels'].dtype == np.uint8


def test_both_or_none_and_half_of_all():
    flips = 0
    for place in range(400):
        results = resized(index=Draw(0, 0, place))
        before = copy_of(results)
        after = FlipPair()(results)
        kept = {(after[k] == before[k]).all() for k in before if k.endswith('_image')}
        assert len(kept) == 1
        flips += not kept.pop()
    assert 160 < flips < 240


def test_joints_must_be_in_the_frame_of_the_image():
    with pytest.raises(ConfigError, match='FlipPair must come after ResizePair or Aff'):
        FlipPair()(make_results())


def test_wrong_chance():
    with pytest.raises(ConfigError, match='prob must be a number'):
        FlipPair(prob='often')
