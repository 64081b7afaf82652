"""Joints in whatever dialect: those of the plain form, or a PosegenError."""

from __future__ import annotations

import json
import math
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posegen.codecs.formats import LAYOUTS, from_canonical
from posegen.datasets.annotations import write_annotations
from posegen.datasets.keypoint_files import read_keypoint_file
from posegen.utils.errors import DataError, PosegenError

quick = settings(deadline=None, max_examples=40)
SIZE = (256, 128)
NAME = 'a.jpg'
OTHERS = [None, {}, dict(image_id=NAME, bbox=[1, 2, 3, 4]), dict(bbox=[0, 0, 1, 1])]


@st.composite
def records(draw) -> np.ndarray:
    """(18, 3) float32 of a person in the picture; the neck between the shoulders."""
    record = np.full((18, 3), 0.9, np.float32)
    x, y = (
        st.lists(st.integers(4, n - 4), min_size=18, max_size=18) for n in (128, 256)
    )
    record[:, 0], record[:, 1] = draw(x), draw(y)
    record[0], record[10] = [64, 20, 0.9], [60, 240, 0.9]  # not too small to be one
    record[1] = (record[2] + record[5]) / 2
    missing = draw(st.sets(st.integers(3, 17).filter(lambda i: i not in (5, 10))))
    record[list(missing)] = 0
    return record


def numbers(record: np.ndarray, layout: str) -> list[list[float]]:
    """[x, y, score] of the joints in a layout."""
    return from_canonical(record, layout).astype(float).tolist()


def flat(rows: list[list[float]]) -> list[float]:
    return [value for row in rows for value in row]


def person(record: np.ndarray, layout: str, **more) -> dict:
    return dict(pose_keypoints_2d=flat(numbers(record, layout))) | more


def instance(record: np.ndarray, layout: str) -> dict:
    rows = numbers(record, layout)
    return dict(
        keypoints=[row[:2] for row in rows], keypoint_scores=[r[2] for r in rows]
    )


def detection(record: np.ndarray, layout: str, **more) -> dict:
    return dict(keypoints=flat(numbers(record, layout))) | more


def dataset(record: np.ndarray, others: list, **image) -> dict:
    annotations = [*others, detection(record, 'coco', image_id=7)]
    images = [None, dict(id=7, file_name=NAME, **image)]
    return dict(images=images, annotations=annotations)


def shuffled(record: np.ndarray, others: list) -> dict:
    """A data set that names its joints, in an order of its own."""
    joints = list(reversed(LAYOUTS['coco'].joints))
    content = dataset(record, others)
    rows = numbers(record, 'coco')[::-1]
    content['annotations'][-1]['keypoints'] = flat(rows)
    names = [joint.replace('_', ' ').title() for joint in joints]
    return content | dict(categories=[dict(id=2, name='bag'), dict(keypoints=names)])


def landmarks(record: np.ndarray, others: list) -> list[dict]:
    return [
        dict(x=x, y=y, z=0.0, visibility=score)
        for x, y, score in numbers(record, 'mediapipe')
    ]


def fractions(record: np.ndarray) -> np.ndarray:
    points = (record[:, :2].astype(float) + 0.5) / SIZE[::-1]
    joints = np.concatenate([points, record[:, 2:]], 1)
    return np.where(record[:, 2:] > 0, joints, 0)


def enlarged(record: np.ndarray, factor: float) -> np.ndarray:
    points = (record[:, :2].astype(float) + 0.5) * factor - 0.5
    joints = np.concatenate([points, record[:, 2:]], 1)
    return np.where(record[:, 2:] > 0, joints, 0)


DIALECTS = {
    'openpose': lambda r, o: dict(people=[*o, person(r, 'openpose')]),
    'body25': lambda r, o: dict(people=[*o, person(r, 'body25')]),
    'controlnet': lambda r, o: [dict(people=[*o, person(r, 'openpose')])],
    'openpose 1.1': lambda r, o: dict(
        people=[*o, dict(pose_keypoints=flat(numbers(r, 'openpose')))]
    ),
    'rows': lambda r, o: dict(
        people=[*o, dict(pose_keypoints_2d=numbers(r, 'openpose'))]
    ),
    'cmu': lambda r, o: dict(bodies=[*o, dict(joints=flat(numbers(r, 'openpose')))]),
    'coco': dataset,
    'coco names': shuffled,
    'detections': lambda r, o: [*o, detection(r, 'coco', image_id=NAME)],
    'wholebody': lambda r, o: [*o, detection(r, 'wholebody', image_id=NAME)],
    'halpe26': lambda r, o: [*o, detection(r, 'halpe26', image_id=NAME)],
    'halpe136': lambda r, o: [*o, detection(r, 'halpe136', image_id=NAME)],
    'mmpose': lambda r, o: [*o, instance(r, 'coco')],
    'mmpose info': lambda r, o: dict(instance_info=[*o, instance(r, 'wholebody')]),
    'mmpose returned': lambda r, o: dict(predictions=[[*o, instance(r, 'coco')]]),
    'mediapipe': landmarks,
    'mediapipe people': lambda r, o: dict(pose_landmarks=[None, landmarks(r, o)]),
    'mediapipe record': lambda r, o: {
        NAME: dict(landmarks=landmarks(r, o)), 'b.jpg': None
    },
    'mediapipe list': lambda r, o: [
        *[entry for entry in o if not entry or 'bbox' in entry],
        dict(image=NAME, poseLandmarks=[landmarks(r, o)]),
    ],
}  # fmt: skip
FRAMES = {
    'pixels': lambda r: r,
    'fractions': fractions,
}


def read(content: object, **options) -> np.ndarray:
    """(18, 3) of the one picture in a json file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'a.json'
        path.write_text(json.dumps(content))
        options = dict(image_sizes={NAME: SIZE, 'b.jpg': SIZE}) | options
        found = read_keypoint_file(path, **options)
    return found.keypoints[found.names.index(NAME)]


@pytest.mark.parametrize('frame', FRAMES)
@pytest.mark.parametrize('dialect', DIALECTS)
@quick
@given(record=records(), others=st.lists(st.sampled_from(OTHERS), max_size=3))
def test_every_dialect_gives_the_same(dialect, frame, record, others):
    found = read(DIALECTS[dialect](FRAMES[frame](record), others))
    np.testing.assert_allclose(found, record, atol=2e-3)


@pytest.mark.parametrize('dialect', ['openpose', 'coco'])
@quick
@given(record=records(), factor=st.sampled_from([0.5, 0.75, 2, 3.5]))
def test_a_stated_canvas_is_scaled(dialect, record, factor):
    height, width = (round(n * factor) for n in SIZE)
    large = enlarged(record, factor)
    if dialect == 'coco':
        content = dataset(large, [], height=height, width=width)
    else:
        size = dict(canvas_height=height, canvas_width=width)
        content = dict(people=[person(large, 'openpose')]) | size
    np.testing.assert_allclose(read(content), record, atol=2e-3)


@pytest.mark.parametrize('dialect', DIALECTS)
@quick
@given(record=records())
def test_fractions_of_unknown_pictures_are_refused(dialect, record):
    with pytest.raises(DataError, match='fractions of the picture as coordinates'):
        read(DIALECTS[dialect](fractions(record), []), image_sizes=None)


@pytest.mark.parametrize('dialect', DIALECTS)
@quick
@given(record=records())
def test_numbers_around_zero_are_never_pixels(dialect, record):
    around = fractions(record) * [2, 2, 1] - [1, 1, 0]
    around = np.where(record[:, 2:] > 0, around, 0)
    middle = (around[8, :2] + around[11, :2]) / 2
    if dialect.startswith('mediapipe'):  # there, these are meters from the hips
        around[:, :2] -= middle * (around[:, 2:] > 0)
    if record[[8, 11], 2].all() and (around[:, :2] < -0.1).any(1).mean() > 0.5:
        with pytest.raises(DataError, match='meters from the hips'):
            read(DIALECTS[dialect](around, []))


JUNK = [
    *(None, True, '', 'x', [], {}, [[]], -1, 0, 1e39, -1e300, 10**400),
    *(math.nan, math.inf, [None], {'x': None}, 'NaN', 0.5, [1, 2, 3]),
]


def leaves(content: object, path: tuple = ()) -> list[tuple]:
    """Paths of everything inside."""
    inner = content.items() if isinstance(content, dict) else ()
    inner = enumerate(content) if isinstance(content, list) else inner
    paths = [path] if path else []
    for key, value in inner:
        paths += leaves(value, (*path, key))
    return paths


@pytest.mark.parametrize('dialect', DIALECTS)
@settings(deadline=None, max_examples=60)
@given(data=st.data(), record=records())
def test_broken_files_give_joints_or_one_sentence(dialect, data, record):
    content = json.loads(json.dumps(DIALECTS[dialect](record, [])))
    for _ in range(data.draw(st.integers(1, 2))):
        paths = leaves(content)
        if not paths:
            break
        *way, last = data.draw(st.sampled_from(paths))
        place = content
        for key in way:
            place = place[key]
        place[last] = data.draw(st.sampled_from(JUNK))
    try:
        found = read(content)
    except PosegenError as error:
        assert '\n' not in str(error)
        return
    except ValueError as error:
        assert 'is not in list' in str(error)  # another name than that of the picture
        return
    assert np.isfinite(found).all()
    present = found[:, 2] > 0
    assert not found[~present].any()


@pytest.mark.parametrize('frame', FRAMES)
@quick
@given(record=records())
def test_csv_and_text(frame, record):
    joints = FRAMES[frame](record)
    with tempfile.TemporaryDirectory() as folder:
        write_annotations(Path(folder) / 'a.csv', [NAME], joints[None])
        rows = [row[:2] if row[2] > 0 else [-1, -1] for row in joints.tolist()]
        (Path(folder) / 'a.txt').write_text('\n'.join(f'{x} {y}' for x, y in rows))
        expected = np.concatenate([record[:, :2], record[:, 2:] > 0], 1)
        for file in ('a.csv', 'a.txt'):
            found = read_keypoint_file(Path(folder) / file, image_sizes={NAME: SIZE})
            np.testing.assert_allclose(found.keypoints[0], expected, atol=2e-3)
