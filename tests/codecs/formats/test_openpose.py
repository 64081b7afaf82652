"""OpenPose's json: both models, crowds, missing joints, and broken files."""

from __future__ import annotations

import json

import numpy as np
import pytest

from posegen.codecs import read_openpose_json, write_openpose_json
from posegen.utils.errors import DataError


@pytest.fixture
def keypoints():
    rng = np.random.default_rng(0)
    keypoints = rng.uniform(1, 100, (18, 3)).astype(np.float32)
    keypoints[:, 2] = rng.uniform(0.1, 1, 18)
    keypoints[[4, 9]] = 0
    return keypoints


def test_openpose_json_round_trip(tmp_path, keypoints):
    write_openpose_json(tmp_path / 'a.json', keypoints)
    np.testing.assert_array_equal(read_openpose_json(tmp_path / 'a.json'), keypoints)


def test_openpose_json_takes_the_first_person_and_zeroes_missing_joints(tmp_path):
    first = [7.0, 8.0, 0.0] + [1.0, 2.0, 0.5] * 17
    people = [{'pose_keypoints_2d': first}, {'pose_keypoints_2d': [0] * 54}]
    (tmp_path / 'a.json').write_text(json.dumps({'people': people}))
    keypoints = read_openpose_json(str(tmp_path / 'a.json'))
    assert keypoints[0].tolist() == [0, 0, 0]
    assert keypoints[17].tolist() == [1, 2, 0.5]


@pytest.mark.parametrize(
    'content, message',
    [
        ('{', 'cannot be read as json'),
        ('[]', r"expected OpenPose's people\[0\].pose_keypoints_2d"),
        ('{"people": [{}]}', r"expected OpenPose's people\[0\].pose_keypoints_2d"),
        ('{"people": []}', 'there is no person in it'),
        ('{"people": [{"pose_keypoints_2d": 3}]}', 'is not a list'),
        (
            '{"people": [{"pose_keypoints_2d": [1, 2]}]}',
            'must have 54 numbers .* got 2',
        ),
        (
            json.dumps({'people': [{'pose_keypoints_2d': [1.0] * 45}]}),
            r'must have 54 numbers .* or 75 \(BODY_25\), got 45',
        ),
        (
            json.dumps({'people': [{'pose_keypoints_2d': ['x'] * 54}]}),
            'finite numbers only',
        ),
        (
            json.dumps({'people': [{'pose_keypoints_2d': [float('inf')] * 54}]}),
            'finite numbers only',
        ),
    ],
)
def test_broken_openpose_json(tmp_path, content, message):
    (tmp_path / 'pose.json').write_text(content)
    with pytest.raises(DataError, match=f'pose.json.*{message}'):
        read_openpose_json(tmp_path / 'pose.json')


def test_missing_openpose_json(tmp_path):
    with pytest.raises(DataError, match='none.json does not exist'):
        read_openpose_json(tmp_path / 'none.json')


def test_write_wrong_shape(tmp_path):
    with pytest.raises(ValueError, match=r'keypoints must be \(18, 3\)'):
        write_openpose_json(tmp_path / 'a.json', np.zeros((25, 3)))
