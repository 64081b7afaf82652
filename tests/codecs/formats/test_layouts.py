"""Joint orders: against the published lists, sides, the neck, spellings of missing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from posegen.codecs.formats import LAYOUTS, from_canonical, is_present, to_canonical
from posegen.codecs.joints import JOINT_NAMES

from .strategies import quick, records

NECK = JOINT_NAMES.index('neck')
# Places of the 18 joints, written out by hand from each format's own page; -1: no neck.
PLACES = {
    'openpose': range(18),
    'body25': [0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18],
    'coco': [0, -1, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3],
    'wholebody': [0, -1, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3],
    'mediapipe': [0, -1, 12, 14, 16, 11, 13, 15, 24, 26, 28, 23, 25, 27, 5, 2, 8, 7],
}
SIZES = dict(openpose=18, body25=25, coco=17, wholebody=133, mediapipe=33)


@pytest.mark.parametrize('layout', PLACES)
def test_every_joint_comes_from_its_published_place(layout):
    size = SIZES[layout]
    joints = np.stack([100.0 + np.arange(size), np.arange(size), np.ones(size)], -1)
    record = to_canonical(joints, layout)
    for name, place, joint in zip(JOINT_NAMES, PLACES[layout], record.tolist()):
        if place >= 0:
            assert joint == [100 + place, place, 1], name


@pytest.mark.parametrize('layout', PLACES)
def test_layouts_are_complete(layout):
    joints = LAYOUTS[layout].joints
    assert len(joints) == len(set(joints)) == SIZES[layout]
    assert set(JOINT_NAMES) - set(joints) <= {'neck'}
    assert LAYOUTS[layout].source


@pytest.mark.parametrize('layout', PLACES)
def test_right_is_the_persons_own(layout):
    # Somebody who faces the camera: what is right lies on the left of the picture.
    joints = np.zeros((SIZES[layout], 3))
    for index, name in enumerate(LAYOUTS[layout].joints):
        joints[index] = 100 + 50 * ('left' in name) - 50 * ('right' in name), 9, 1
    record = to_canonical(joints, layout)
    assert record[[2, 3, 4, 8, 9, 10, 14, 16], 0].tolist() == [50] * 8
    assert record[[5, 6, 7, 11, 12, 13, 15, 17], 0].tolist() == [150] * 8
    assert record[[0, 1], 0].tolist() == [100, 100]


@pytest.mark.parametrize('layout', ['coco', 'wholebody', 'mediapipe'])
def test_the_neck_is_between_the_shoulders(layout):
    record = np.zeros((18, 3), dtype=np.float32)
    record[2] = 10, 40, 0.75
    record[5] = 31, 44, 0.5
    read = to_canonical(from_canonical(record, layout), layout)
    assert read[NECK].tolist() == [20.5, 42, 0.5]
    for shoulder in (2, 5):
        one = record.copy()
        one[shoulder] = 0
        assert not to_canonical(from_canonical(one, layout), layout)[NECK].any()


@pytest.mark.parametrize('layout', ['openpose', 'body25'])
def test_a_missing_neck_stays_missing_where_the_format_has_one(layout):
    record = np.ones((18, 3), dtype=np.float32)
    record[NECK] = 0
    assert not to_canonical(from_canonical(record, layout), layout)[NECK].any()


@quick
@given(record=records)
@pytest.mark.parametrize('layout', PLACES)
def test_round_trip(layout, record):
    joints = from_canonical(record, layout)
    assert joints.shape == (SIZES[layout], 3)
    assert joints.dtype == np.float32
    read = to_canonical(joints, layout)
    kept = [i for i in range(18) if i != NECK or PLACES[layout][NECK] >= 0]
    np.testing.assert_array_equal(read[kept], record[kept])
    # Nothing is invented: what the canonical record has not is missing.
    others = np.setdiff1d(np.arange(SIZES[layout]), PLACES[layout])
    assert not joints[others].any()


@quick
@given(record=records)
@pytest.mark.parametrize('layout', PLACES)
def test_batches_are_single_records(layout, record):
    batch = np.stack([record, np.zeros_like(record), record[::-1]])[None]
    joints = from_canonical(batch, layout)
    read = to_canonical(joints, layout)
    assert read.shape == (1, 3, 18, 3)
    for one, joint, back in zip(batch[0], joints[0], read[0]):
        np.testing.assert_array_equal(joint, from_canonical(one, layout))
        np.testing.assert_array_equal(back, to_canonical(joint, layout))


@quick
@given(record=records)
@pytest.mark.parametrize('layout', PLACES)
def test_a_mirrored_person_has_the_sides_swapped(layout, record):
    names = LAYOUTS[layout].joints
    other = [
        names.index(swapped) if (swapped := _swap(name)) in names else index
        for index, name in enumerate(names)
    ]
    ours = [JOINT_NAMES.index(_swap(name)) for name in JOINT_NAMES]
    mirrored = to_canonical(from_canonical(record, layout)[other], layout)
    expected = to_canonical(from_canonical(record, layout), layout)[ours]
    np.testing.assert_array_equal(mirrored, expected)


def _swap(name: str) -> str:
    marks = {'left': 'right', 'right': 'left'}
    return '_'.join(marks.get(part, part) for part in name.split('_'))


@pytest.mark.parametrize(
    'joint',
    [
        (-1, -1, 1),
        (-1, 5, 1),
        (5, -1, 0.5),
        (0, 0, 0),
        (7, 8, 0),
        (7, 8, -1),
        (np.nan, 8, 1),
        (7, np.nan, 1),
        (7, 8, np.nan),
        (np.nan, np.nan, np.nan),
        (np.inf, 3, 0),
        (7, 8, 1e-60),  # nothing in float32
    ],
)
@pytest.mark.parametrize('layout', PLACES)
def test_spellings_of_missing(layout, joint):
    joints = np.ones((SIZES[layout], 3))
    joints[0] = joint
    record = to_canonical(joints, layout)
    assert record[0].tolist() == [0, 0, 0]
    assert (record[1:] == 1).all()


@pytest.mark.parametrize(
    'joint', [(-1, -1), (-1, 5), (5, -1), (0, 0), (np.nan, np.nan), (3, np.nan)]
)
def test_spellings_of_missing_without_scores(joint):
    points = np.full((17, 2), 9.0)
    points[0] = joint
    record = to_canonical(points, 'coco')
    assert record[0].tolist() == [0, 0, 0]
    assert (record[2:] == [9, 9, 1]).all()


@pytest.mark.parametrize('joint', [(-2, -0.5, 1), (0, 0, 0.5), (0, 8, 2), (5, 0, 1)])
def test_what_is_no_spelling_of_missing(joint):
    assert is_present(np.array(joint[:2]), np.array(joint[2]))


def test_a_joint_at_minus_one_is_written_as_missing():
    record = np.ones((18, 3), dtype=np.float32)
    record[3, 0] = -1
    joints = from_canonical(record, 'openpose')
    assert joints[3].tolist() == [0, 0, 0]


@pytest.mark.parametrize('convert', [to_canonical, from_canonical])
def test_wrong_arguments(convert):
    with pytest.raises(ValueError, match=r'must be .* got \(16, 3\)'):
        convert(np.zeros((16, 3)), 'coco')
    with pytest.raises(ValueError, match=r'must be .* got \(3,\)'):
        convert(np.zeros(3), 'coco')
    with pytest.raises(ValueError, match="layout must be one of .*, got 'halpe'"):
        convert(np.zeros((18, 3)), 'halpe')
    with pytest.raises(ValueError, match='must have finite coordinates'):
        convert(np.full((18, 3), np.inf), 'openpose')
