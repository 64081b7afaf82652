"""OpenPose's json: both models, crowds, missing joints, and broken files."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given

from posegen.codecs import read_openpose_json, write_openpose_json
from posegen.codecs.formats import (
    Notes,
    canvas_size,
    openpose_person,
    parse_openpose,
)
from posegen.utils.errors import DataError

from .strategies import quick, records


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
        ('{"people": 3}', r"expected OpenPose's people\[0\].pose_keypoints_2d"),
        ('{"people": [{}, null]}', r'there is no person in it \(2 without joints\)'),
        ('[{"people": []}, {"people": []}]', 'has 2 pictures in a list'),
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


def person(score: float, count: int = 18) -> dict:
    return {'pose_keypoints_2d': [10.0 * score, 7.0, score] * count}


def write(path, people) -> None:
    path.write_text(json.dumps({'version': 1.3, 'people': people}))


def test_the_most_certain_of_a_crowd_is_taken(tmp_path):
    write(tmp_path / 'a.json', [person(0.3), person(0.9), person(0.6)])
    assert (read_openpose_json(tmp_path / 'a.json')[:, 2] == np.float32(0.9)).all()


def test_many_joints_weigh_more_than_one_sure_joint(tmp_path):
    one = {'pose_keypoints_2d': [3.0, 3.0, 1.0] + [0.0] * 51}
    write(tmp_path / 'a.json', [one, person(0.1)])
    assert (read_openpose_json(tmp_path / 'a.json')[:, 2] == np.float32(0.1)).all()


def test_body_25_loses_the_feet_and_the_middle_of_the_hips(tmp_path):
    numbers = [value for i in range(25) for value in (i + 1, 100 + i, 0.5)]
    write(tmp_path / 'a.json', [{'pose_keypoints_2d': numbers}])
    keypoints = read_openpose_json(tmp_path / 'a.json')
    assert keypoints[:, 0].tolist() == [*range(1, 9), *range(10, 20)]
    assert (keypoints[:, 1] == keypoints[:, 0] + 99).all()


@pytest.mark.parametrize('missing', [[0, 0, 0], [-1, -1, 1], [None] * 3, ['NaN'] * 3])
def test_spellings_of_missing(tmp_path, missing):
    numbers = missing + [1.0, 2.0, 0.5] * 17
    text = json.dumps({'people': [{'pose_keypoints_2d': numbers}]})
    (tmp_path / 'a.json').write_text(text.replace('"NaN"', 'NaN'))
    keypoints = read_openpose_json(tmp_path / 'a.json')
    assert keypoints[0].tolist() == [0, 0, 0]
    assert (keypoints[1:] == [1, 2, 0.5]).all()


def test_people_without_a_body_are_passed_over(tmp_path):
    hands = {'pose_keypoints_2d': [], 'hand_left_keypoints_2d': [1.0] * 63}
    write(tmp_path / 'a.json', [hands, {'pose_keypoints_2d': None}, person(0.5)])
    assert (read_openpose_json(tmp_path / 'a.json')[:, 2] == 0.5).all()
    write(tmp_path / 'a.json', [hands])
    with pytest.raises(DataError, match=r'a\.json: there is no person in it'):
        read_openpose_json(tmp_path / 'a.json')


@pytest.mark.parametrize('nothing', [None, {}, {'face_keypoints_2d': [1, 2, 1]}, 3])
def test_entries_without_a_body_are_counted(nothing):
    notes = Notes()
    found = parse_openpose(dict(people=[nothing, person(0.5)]), 'a.json', notes)
    assert (found[:, 2] == 0.5).all() and notes.passed_over == ['a.json: people[0]']


@pytest.mark.parametrize(
    'content',
    [
        dict(people=[dict(pose_keypoints=[7.0, 8.0, 0.5] * 18)]),
        dict(people=[dict(pose_keypoints_2d=[[7.0, 8.0, 0.5]] * 18)]),
        dict(bodies=[dict(joints=[7.0, 8.0, 0.5] * 18)]),
        [dict(people=[dict(pose_keypoints_2d=[7.0, 8.0, 0.5] * 18)])],
    ],
)
def test_dialects(content):
    assert (parse_openpose(content, 'a.json') == [7, 8, 0.5]).all()


def test_the_canvas_that_is_stated():
    stated = dict(people=[], canvas_height=640, canvas_width=320)
    assert canvas_size(stated, 'a.json') == canvas_size([stated], 'a') == (640, 320)
    assert canvas_size(dict(people=[]), 'a') is canvas_size(3, 'a') is None
    with pytest.raises(DataError, match='a: the canvas states a height and width of'):
        canvas_size(dict(canvas_height='x', canvas_width=3), 'a')


def test_controlnets_list_of_one(tmp_path):
    (tmp_path / 'a.json').write_text(json.dumps([{'people': [person(0.5)]}]))
    assert (read_openpose_json(tmp_path / 'a.json')[:, 2] == 0.5).all()


@quick
@given(record=records)
@pytest.mark.parametrize('layout', ['openpose', 'body25'])
def test_round_trip_is_exact(layout, record):
    content = json.loads(json.dumps(openpose_person(record, layout)))
    read = parse_openpose(content, 'a.json')
    if record.any():
        np.testing.assert_array_equal(read, record)
    else:
        assert content['people'] == [] and read is None
