"""COCO's json in the shapes that people have it in, and what is said of broken ones."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given

from posegen.codecs.formats import (
    LAYOUTS,
    Notes,
    coco_dataset,
    from_canonical,
    read_coco,
)
from posegen.utils.errors import DataError

from .strategies import quick, records


def read(content, **kwargs) -> dict[str, np.ndarray]:
    kwargs = dict(name_of=lambda n: f'{n:04}.jpg', own_name=lambda: 'own.jpg') | kwargs
    return read_coco(json.loads(json.dumps(content)), 'a.json', **kwargs)


def person(x: float, score: float = 2, count: int = 17) -> list[float]:
    return [x, 5, score] * count


def dataset(*annotations: dict, **extra) -> dict:
    images = [dict(id=7, file_name='a.jpg'), dict(id=3, file_name='b/c d.png')]
    return dict(images=images, annotations=list(annotations)) | extra


@quick
@given(record=records)
@pytest.mark.parametrize('wholebody', [False, True])
def test_round_trip_keeps_all_but_the_neck(wholebody, record):
    content = coco_dataset(
        {'a.jpg': record, 'b.jpg': np.zeros((18, 3))}, {'a.jpg': (128, 64)}, wholebody
    )
    found = read(content)
    assert list(found) == ['a.jpg', 'b.jpg']
    assert not found['b.jpg'].any()
    others = np.delete(np.arange(18), 1)
    np.testing.assert_array_equal(found['a.jpg'][others], record[others])


def test_what_is_written_is_coco():
    record = np.zeros((18, 3), dtype=np.float32)
    record[0], record[2], record[15] = (30, 10, 0.5), (20, 40, 1), (33, 8.5, 0.25)
    content = json.loads(json.dumps(coco_dataset({'a.jpg': record}, {'a.jpg': (9, 8)})))
    assert content['images'] == [dict(id=1, file_name='a.jpg', height=9, width=8)]
    (entry,) = content['annotations']
    assert entry['keypoints'][:6] == [30, 10, 2, 33, 8.5, 2]
    assert entry['keypoints'][18:21] == [20, 40, 2]
    assert entry['num_keypoints'] == 3 and sum(entry['keypoints'][2::3]) == 6
    assert entry['bbox'] == [20, 8.5, 13, 31.5] and entry['area'] == 13 * 31.5
    (category,) = content['categories']
    names = category['keypoints']
    assert names == list(LAYOUTS['coco'].joints) and category['id'] == 1
    limbs = {frozenset(names[end - 1] for end in ends) for ends in category['skeleton']}
    assert len(limbs) == 17
    assert limbs == {frozenset(map(_other_side, limb)) for limb in limbs}


def _other_side(name: str) -> str:
    if name.startswith('left'):
        return name.replace('left', 'right')
    return name.replace('right', 'left')


def test_whole_body_has_the_published_fields():
    record = np.ones((18, 3), dtype=np.float32)
    entry = coco_dataset({'a.jpg': record}, {}, wholebody=True)['annotations'][0]
    sizes = dict(foot=6, face=68, lefthand=21, righthand=21)
    for name, count in sizes.items():
        assert entry[f'{name}_kpts'] == [0] * (3 * count)
        assert entry[f'{name}_valid'] is False


def test_flags_are_scores_and_pictures_without_people_are_there():
    joints = person(8)
    joints[:6] = [0, 0, 0, 9, 9, 1]
    found = read(dataset(dict(image_id=7, keypoints=joints)))
    assert list(found) == ['a.jpg', 'b/c d.png']
    assert found['a.jpg'][0].tolist() == [0, 0, 0]
    assert found['a.jpg'][15].tolist() == [9, 9, 1]
    assert found['a.jpg'][14].tolist() == [8, 5, 2]
    assert not found['b/c d.png'].any()


def test_the_person_with_the_most_is_taken():
    small = person(8)[:9] + [0] * 42
    people = [dict(image_id=7, keypoints=k) for k in (small, person(9), person(6, 1))]
    assert (read(dataset(*people))['a.jpg'][:, 0] == 9).all()


def test_whole_bodies_are_read_by_their_first_17():
    joints = [value for i in range(133) for value in (i, 200 + i, 1)]
    entries = [
        dict(image_id=7, keypoints=joints),
        dict(image_id=3, keypoints=joints[:51], foot_kpts=joints[51:69]),
    ]
    found = read(dataset(*entries))
    np.testing.assert_array_equal(found['a.jpg'], found['b/c d.png'])
    assert found['a.jpg'][[0, 15, 14], 0].tolist() == [0, 1, 2]


def test_the_file_may_name_its_joints_in_another_order():
    names = ['Neck', 'left shoulder', 'right-shoulder', 'tail', 'left_ear']
    joints = [value for i in range(5) for value in (i + 1, 50, 2)]
    content = dataset(
        dict(image_id=7, keypoints=joints), categories=[dict(id=1, keypoints=names)]
    )
    record = read(content)['a.jpg']
    assert record[[1, 5, 2, 17], 0].tolist() == [1, 2, 3, 5]
    assert (record[:, 2] > 0).sum() == 4


def test_detections_by_number_and_by_name():
    entries = [
        dict(image_id=12, keypoints=person(8, 0.5)),
        dict(image_id='x.png', keypoints=person(9, 0.25)),
    ]
    found = read(entries)
    assert list(found) == ['0012.jpg', 'x.png']
    assert found['0012.jpg'][0].tolist() == [8, 5, 0.5]
    assert found['x.png'][0].tolist() == [9, 5, 0.25]


@pytest.mark.parametrize('nothing', [None, {}, dict(bbox=[1, 2, 3, 4]), 'crowd'])
def test_entries_without_joints_are_passed_over(nothing):
    entry = dict(image_id=99, keypoints=[]) if nothing == 'crowd' else nothing
    for content in (
        dataset(entry, dict(image_id=7, keypoints=person(8))),
        [entry, dict(image_id='a.jpg', keypoints=person(8))],
    ):
        notes = Notes()
        assert read(content, notes=notes)['a.jpg'][0].tolist() == [8, 5, 2]
        (place,) = notes.passed_over
        assert place in ('a.json: annotations[0]', 'a.json: [0]')


@pytest.mark.parametrize('count, layout', [(26, 'halpe26'), (136, 'halpe136')])
def test_halpe(count, layout):
    joints = [value for i in range(count) for value in (i, 200 + i, 0.5)]
    record = read([dict(image_id='a.jpg', keypoints=joints)])['a.jpg']
    assert record[[0, 15, 14, 13], 0].tolist() == [0, 1, 2, 15]
    assert record[1].tolist() == [5.5, 205.5, 0.5]  # between the shoulders
    assert len(LAYOUTS[layout]) == count


def test_frames_of_a_video():
    one = dict(keypoints=[[4, 9]] * 17, keypoint_scores=[0.5] * 17)
    frames = [dict(frame_id=i, instances=[None, one] * (i > 1)) for i in (1, 2)]
    found = read(dict(instance_info=frames), frame_name=lambda n: f'v_{n}.jpg')
    assert list(found) == ['v_1.jpg', 'v_2.jpg']
    assert not found['v_1.jpg'].any() and found['v_2.jpg'][0].tolist() == [4, 9, 0.5]
    batch = dict(predictions=[[one], [one, one]])
    assert list(read(batch)) == ['0001.jpg', '0002.jpg']
    assert list(read(dict(predictions=[[one]]))) == ['own.jpg']


def test_sizes_of_images_are_noted():
    notes, content = Notes(), dataset()
    content['images'][0] |= dict(height=9, width=8)
    read(content, notes=notes)
    assert notes.sizes == {'a.jpg': (9, 8)}


@pytest.mark.parametrize('count', [17, 133])
@pytest.mark.parametrize('wrapped', [False, True])
def test_mmposes_instances(count, wrapped):
    instance = dict(
        keypoints=[[i, 2.5] for i in range(count)],
        keypoint_scores=[0.5] * (count - 1) + [0.0],
    )
    instances = [instance, instance | dict(keypoint_scores=[0.1] * count)]
    found = read(dict(meta_info={}, instance_info=instances) if wrapped else instances)
    assert list(found) == ['own.jpg']
    assert found['own.jpg'][3].tolist() == [8, 2.5, 0.5]
    assert found['own.jpg'][10, 2] == (0 if count == 17 else 0.5)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('text', 'expected COCO'),
        (dict(images=[]), "'annotations' is not there"),
        (dict(images=3, annotations=[]), 'must be lists'),
        (dataset(dict(image_id=8, keypoints=person(1))), '8 is not there'),
        (
            dataset(dict(image_id=7, keypoints=3)),
            r"annotations\[0\] must have a list 'keypoints'",
        ),
        (
            dataset(dict(image_id=7, keypoints=[1.0] * 50)),
            r'annotations\[0\].keypoints must have 51 numbers .* got 50',
        ),
        (
            dataset(dict(image_id=7, keypoints=person(1, count=18))),
            'must have 51 numbers .* got 54',
        ),
        (dataset(dict(image_id=7, keypoints=['x'] * 51)), 'finite numbers only'),
        (
            dataset(dict(image_id=7, keypoints=[float('inf')] * 51)),
            'finite numbers only',
        ),
        (dataset() | dict(images=[dict(id=1)]), r'images\[0\] must have an id'),
        (
            dataset() | dict(images=[dict(id=1, file_name='a', height=0, width=3)]),
            r'images\[0\] states a height and width of 0 and 3',
        ),
        (
            [dict(keypoints=[[1, 2, -0.5]] * 17, keypoint_scores=[1.0] * 17)],
            'three coordinates a joint',
        ),
        ([dict(frame_id='x', instances=[])], 'must have a frame_id, a number'),
        ([dict(frame_id=1, instances=[])] * 2, 'frame_id of an entry before it'),
        ([3], r"\[0\] must have a list 'keypoints'"),
        (
            [dict(keypoints=[[1, 2]] * 17, keypoint_scores=[1.0])],
            'one number for each of 17 joints, got 1',
        ),
        (
            dataset(categories=[dict(keypoints=['nose']), dict(keypoints=['neck'])]),
            'joints in different orders',
        ),
    ],
)
def test_broken_files(content, message):
    with pytest.raises(DataError, match=f'a.json.*{message}'):
        read(content)


def test_zeros_of_unlabelled_joints_without_flags_are_missing():
    points = from_canonical(np.full((18, 3), 4.0), 'coco')[:, :2].tolist()
    points[0] = [0, 0]
    found = read([dict(keypoints=points)])['own.jpg']
    assert found[0].tolist() == [0, 0, 0] and found[2].tolist() == [4, 4, 1]
