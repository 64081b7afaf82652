"""Worse joints."""

from __future__ import annotations

import numpy as np
import pytest

from posegen.codecs.joints import JOINT_NAMES
from posegen.datasets.draws import Draw
from posegen.datasets.transforms import DropJoints, JointNoise, SwapJoints
from posegen.utils.errors import ConfigError
from tests.datasets.transforms.helpers import copy_of, make_results, resized

SIDES = ('source', 'target')


@pytest.mark.parametrize('transform', [DropJoints, JointNoise, SwapJoints])
@pytest.mark.parametrize('sides', ['source', ('target',), SIDES])
def test_only_the_chosen_sides_change(transform, sides):
    results = resized(index=Draw(0, 0, 0))
    before = copy_of(results)
    after = transform(1.0, sides=sides)(dict(results))
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


@pytest.mark.parametrize('transform', [DropJoints, JointNoise, SwapJoints])
def test_wrong_arguments(transform):
    with pytest.raises(ConfigError, match=r"sides must be some of .* got \('left',\)"):
        transform(sides='left')
    with pytest.raises(ConfigError, match='sides must be some of'):
        transform(sides=())
    with pytest.raises(ConfigError, match='must be a number .* got -1'):
        transform(-1)


@pytest.mark.parametrize(
    'group, names',
    [
        ('arms', ('shoulder', 'elbow', 'wrist')),
        ('legs', ('hip', 'knee', 'ankle')),
        ('all', ('',)),
    ],
)
def test_left_is_taken_for_right(group, names):
    results = resized(index=Draw(0, 0, 0))
    before = results['source_keypoints'].copy()
    after = SwapJoints(1.0, group)(results)['source_keypoints']
    for index, name in enumerate(JOINT_NAMES):
        side, _, joint = name.partition('_')
        other = {'left': f'right_{joint}', 'right': f'left_{joint}'}.get(side, name)
        if not any(part in name for part in names):
            other = name
        np.testing.assert_array_equal(after[index], before[JOINT_NAMES.index(other)])


def test_groups_and_chance_of_a_swap():
    counts = dict.fromkeys(('arms', 'legs', 'both', 'none'), 0)
    for place in range(400):
        results = resized(index=Draw(0, 0, place))
        before = results['target_keypoints'].copy()
        after = SwapJoints(0.6)(results)['target_keypoints']
        arms, legs = ((after != before)[joints].any() for joints in (2, 8))
        kind = 'both' if arms and legs else 'arms' if arms else 'legs'
        counts[kind if arms or legs else 'none'] += 1
    assert 130 < counts.pop('none') < 190
    assert all(50 < count < 110 for count in counts.values())


def test_unknown_groups():
    with pytest.raises(ConfigError, match=r"groups must be some of .* got \('feet',\)"):
        SwapJoints(groups='feet')
