"""MediaPipe's landmarks in the shapes that people store them in."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from posegen.codecs.formats import Notes, mediapipe_record, read_mediapipe
from posegen.utils.errors import DataError

from .strategies import quick, records

SIZE = (200, 100)


def read(content, size=SIZE, normalized=None) -> dict[str, np.ndarray]:
    found = read_mediapipe(json.loads(json.dumps(content)), 'a.json', lambda: 'own.jpg')
    return {name: item.best(size, normalized, name) for name, item in found.items()}


def landmarks(offset: float = 0.0, visibility: float = 0.5) -> list[dict]:
    return [
        dict(x=offset + i / 100, y=i / 50, z=-1.0, visibility=visibility)
        for i in range(33)
    ]


@quick
@given(record=records, height=st.integers(1, 3000), width=st.integers(1, 3000))
def test_round_trip_keeps_all_but_the_neck(record, height, width):
    # A fraction of exactly -1 means missing.
    assume(not (record[:, :2] + 0.5 == [-width, -height]).any())
    content = mediapipe_record(record, (height, width))
    (found,) = read({'x.jpg': content}, size=None).values()
    others = np.delete(np.arange(18), 1)
    np.testing.assert_allclose(found[others], record[others], atol=2e-3, rtol=1e-6)
    np.testing.assert_array_equal(found[others, 2], record[others, 2])


@quick
@given(points=st.lists(st.integers(0, 255), min_size=36, max_size=36))
def test_whole_pixels_come_back_exactly(points):
    record = np.ones((18, 3), dtype=np.float32)
    record[:, :2] = np.reshape(points, (18, 2))
    (found,) = read({'x.jpg': mediapipe_record(record, (1101, 750))}).values()
    np.testing.assert_array_equal(np.delete(found, 1, 0), np.delete(record, 1, 0))


def test_fractions_are_of_the_picture_not_of_pixel_centres():
    people = landmarks()
    people[0].update(x=0.0, y=0.0)  # the corner of the picture
    people[12].update(x=0.5, y=0.5)  # its middle
    record = read(people)['own.jpg']
    assert record[0].tolist() == [-0.5, -0.5, 0.5]
    assert record[2].tolist() == [49.5, 99.5, 0.5]


@pytest.mark.parametrize(
    'wrap',
    [
        lambda person: person,
        lambda person: [person],
        lambda person: {'pose_landmarks': person},
        lambda person: {'pose_landmarks': [person]},
        lambda person: {'pose_landmarks': {'landmark': person}},
        lambda person: {'landmarks': person},
        lambda person: {'poseLandmarks': [{'landmark': person}]},
        lambda person: [[m['x'], m['y'], m['z'], m['visibility']] for m in person],
        lambda person: {'own.jpg': {'pose_landmarks': [person]}},
        lambda person: {'own.jpg': [person]},
        lambda person: [{'image': 'own.jpg', 'pose_landmarks': [person]}],
    ],
)
def test_shapes_of_the_same(wrap):
    found = read(wrap(landmarks()))
    assert list(found) == ['own.jpg']
    np.testing.assert_array_equal(found['own.jpg'], read(landmarks())['own.jpg'])
    assert found['own.jpg'][14].tolist() == pytest.approx([4.5, 19.5, 0.5])


def test_pixels_are_told_from_fractions():
    pixels = [dict(x=m['x'] * 100, y=m['y'] * 200) for m in landmarks()]
    record = read(pixels, size=None)['own.jpg']
    assert record[14].tolist() == pytest.approx([5, 20, 1])
    scaled = read(pixels, normalized=True)['own.jpg']
    assert scaled[14].tolist() == pytest.approx([499.5, 3999.5, 1])
    said = read({'pose_landmarks': pixels, 'normalized': True})['own.jpg']
    np.testing.assert_array_equal(said, scaled)
    raw = read(landmarks(), normalized=False)['own.jpg']
    assert raw[14].tolist() == pytest.approx([0.05, 0.1, 0.5])


def test_the_most_visible_person_is_taken_and_nobody_is_no_fault():
    people = [landmarks(0.1, 0.2), landmarks(0.3, 0.9), landmarks(0.2, 0.5)]
    assert (read(people)['own.jpg'][:, 2] == np.float32(0.9)).all()
    found = read({'a.jpg': {'pose_landmarks': []}, 'b.jpg': {'pose_landmarks': None}})
    assert not found['a.jpg'].any() and not found['b.jpg'].any()


def test_the_size_in_the_file_goes_first():
    content = {'pose_landmarks': landmarks(), 'height': 20, 'width': 10}
    assert read(content)['own.jpg'][14].tolist() == pytest.approx([0, 1.5, 0.5])


def test_fractions_need_the_size():
    with pytest.raises(DataError, match='own.jpg has fractions .* give its size'):
        read(landmarks(), size=None)


@pytest.mark.parametrize('missing', [dict(visibility=0), dict(x=None), dict(y=-1)])
def test_spellings_of_missing(missing):
    people = landmarks()
    people[0].update(missing)
    record = read(people)['own.jpg']
    assert record[0].tolist() == [0, 0, 0] and (record[1:, 2] == 0.5).all()


WORLD = 'world landmarks, which are meters'


@pytest.mark.parametrize(
    'wrap',
    [
        lambda person: {'pose_world_landmarks': [person]},
        lambda person: {'worldLandmarks': person},
        lambda person: {'own.jpg': {'poseWorldLandmarks': person}},
        lambda person: [{'image': 'a.jpg', 'world_landmarks': person}],
        lambda person: {'pose_landmarks': [person]},
        lambda person: person,
    ],
)
def test_meters_are_refused(wrap):
    people = landmarks(-0.235)  # the middle of the hips, 23 and 24, at 0
    for landmark in people:
        landmark['y'] -= 0.47
    with pytest.raises(DataError, match=WORLD):
        read(wrap(people))


def test_entries_without_landmarks_are_passed_over():
    people = landmarks()
    people[0] = None
    people[1]['visibility'] = None
    notes = Notes()
    content = [None, dict(image='b.jpg'), dict(image='a.jpg', landmarks=[None, people])]
    found = read_mediapipe(content, 'a.json', lambda: 'own.jpg', notes)
    record = found['a.jpg'].best(SIZE, None, 'a')
    assert list(found) == ['a.jpg'] and record[0].tolist() == [0, 0, 0]
    assert (record[2:, 2] == 0.5).all() and len(notes.passed_over) == 3
    assert found['a.jpg'].people[0, 1, 2] == 1  # seen, as where nothing is said


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (landmarks()[:17], 'must have 33 landmarks, got 17'),
        ({'pose_landmarks': [landmarks() * 2]}, 'must have 33 landmarks, got 66'),
        ([dict(x=1)] * 33, 'a landmark must have x and y'),
        ([[1, 2, 3]] * 33, 'a landmark must have x and y, or be a list of x, y, z'),
        ([dict(x='a', y=1)] * 33, 'finite numbers only'),
        ([dict(x=1e999, y=1)] * 33, 'finite numbers only'),
        ('text', 'expected pose_landmarks'),
        ({'a.jpg': 3}, "'a.jpg': expected pose_landmarks"),
    ],
)
def test_broken_files(content, message):
    with pytest.raises(DataError, match=message):
        read(content)
