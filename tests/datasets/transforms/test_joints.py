"""Worse joints."""

from __future__ import annotations

import numpy as np
import pytest

from posegen.datasets.draws import Draw
from posegen.datasets.transforms import DropJoints, JointNoise
from posegen.utils.errors import ConfigError
from tests.datasets.transforms.helpers import copy_of, make_results, resized

SIDES = ('source', 'target')


@pytest.mark.parametrize('transform', [DropJoints, JointNoise])
@pytest.mark.parametrize('sides', ['source', ('target',), SIDES])
def test_only_the_chosen_sides_change(transform, sides):
    results = resized(index=Draw(0, 0, 0))
    before = copy_of(results)
    after = transform(**{list(vars(transform()))[0]: 0.9}, sides=sides)(dict(results))
    for side in SIDES:
        changed = (after[f'{side}_keypoints'] != before[f'{side}_keypoints']).any()
        assert changed == (side in sides)
        np.testing.assert_array_equal(after[f'{side}_image'], before[f'{side}_image'])
        key = f'{side}_keypoints'
        np.testing.assert_array_equal(results[key], before[key])


def test_dropped_joints_are_missing_and_others_as_they_were():
    shares = []
    for place in range(300):
        results = resized(index=Draw(0, 0, place))
        before = results['target_keypoints'].copy()
        after = DropJoints(prob=0.3)(results)['target_keypoints']
        dropped = (after != before).any(1)
        assert (after[dropped] == 0).all()
        np.testing.assert_array_equal(after[~dropped], before[~dropped])
        shares.append(dropped[before[:, 2] > 0].mean())
    assert 0.27 < np.mean(shares) < 0.33


@pytest.mark.parametrize('prob, left', [(0, 12), (1, 0)])
def test_none_or_all(prob, left):
    keypoints = DropJoints(prob)(make_results())['source_keypoints']
    assert (keypoints[:, 2] > 0).sum() == left


def test_noise_has_its_sigma_and_missing_joints_stay():
    moves = []
    for place in range(200):
        results = resized(index=Draw(0, 0, place))
        before = results['source_keypoints'].copy()
        after = JointNoise(sigma=2.0)(results)['source_keypoints']
        present = before[:, 2] > 0
        np.testing.assert_array_equal(after[~present], 0)
        np.testing.assert_array_equal(after[:, 2], before[:, 2])
        assert after.dtype == np.float32
        moves.append((after - before)[present, :2])
    assert np.std(moves) == pytest.approx(2.0, rel=0.05)
    assert abs(np.mean(moves)) < 0.1


def test_sigma_is_in_pixels_of_the_network():
    with pytest.raises(ConfigError, match='JointNoise must come after ResizePair or'):
        JointNoise()(make_results())


@pytest.mark.parametrize('transform', [DropJoints, JointNoise])
def test_wrong_arguments(transform):
    with pytest.raises(ConfigError, match=r"sides must be some of .* got \('left',\)"):
        transform(sides='left')
    with pytest.raises(ConfigError, match='sides must be some of'):
        transform(sides=())
    with pytest.raises(ConfigError, match='must be a number .* got -1'):
        transform(-1)
