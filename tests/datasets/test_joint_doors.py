"""Joints in fractions or of another frame, at every door that they come through."""

from __future__ import annotations

import json
from argparse import Namespace

import numpy as np
import pytest
from PIL import Image

from posegen.apis import PoseTransferInferencer
from posegen.apis.infer_cli import run
from posegen.apis.inputs import read_pose
from posegen.codecs.formats import openpose_person
from posegen.datasets import PosePairDataset, read_annotations, write_annotations
from posegen.datasets.doctor import examine_datasets
from posegen.datasets.keypoint_conversion import convert_keypoints
from posegen.datasets.keypoint_files import read_keypoint_file
from posegen.datasets.keypoint_units import KeypointReport
from posegen.datasets.photo_set import (
    PhotoSetOptions,
    group_by_pattern,
    list_photos,
    make_photo_set,
    photo_sizes,
)
from posegen.evaluation.folder import Joints
from posegen.evaluation.pairs import Pair
from posegen.evaluation.scoring import _read_sample
from posegen.utils.errors import ConfigError, DataError
from tests.apis.toy import DotTransfer, write_config
from tests.helpers.pair_set import write_pair_set

SIZE = (64, 32)


@pytest.fixture
def data(tmp_path):
    """(folder, arguments of PosePairDataset, its annotation file)."""
    kwargs = write_pair_set(tmp_path, size=SIZE, views=3)
    kwargs['annotation_size'] = None
    return tmp_path, kwargs, tmp_path / kwargs['annotation_file']


def rewrite(file, change, rows=slice(None)) -> np.ndarray:
    """Change some people; gives back the first one as it is then."""
    table = read_annotations(file)
    joints = table.keypoints
    present = joints[rows, :, 2:] > 0
    joints[rows] = np.where(present, change(joints[rows]), 0)
    write_annotations(file, table.names, joints)
    return joints[0]


def to_fractions(joints: np.ndarray) -> np.ndarray:
    return (joints + [0.5, 0.5, 0]) / [*SIZE[::-1], 1]


def enlarged(joints: np.ndarray) -> np.ndarray:
    return joints * [3, 3, 1]


def infer(folder, content: dict, **changes) -> None:
    (folder / 'pose.json').write_text(json.dumps(content))
    names = ('annotations', 'annotation_size', 'pose_size', 'source_pose_size')
    files = dict.fromkeys(('source_pose', 'pose'), str(folder / 'pose.json'))
    args = dict.fromkeys([*names, 'min_score', 'seed']) | files
    args |= dict(model=write_config(folder), weights='random', device='cpu')
    args |= dict(source=str(folder / 'train/0000_0.png'), out=str(folder / 'out.png'))
    run(Namespace(**args | changes))


def photo_set(folder, keypoints, **options):
    photos = folder / 'train'
    groups = group_by_pattern(list_photos(photos), '^([0-9]+)_')
    options = PhotoSetOptions(size=SIZE, test_fraction=0, **options)
    return make_photo_set(photos, keypoints, groups, folder / 'set', options)


# -- fractions -------------------------------------------------------------------------

FRACTION_DOORS = {
    'read_annotations': lambda folder, kwargs, file, row: read_annotations(file),
    'dataset': lambda folder, kwargs, file, row: PosePairDataset(**kwargs),
    'evaluate': lambda folder, kwargs, file, row: Joints(file),
    'convert': lambda folder, kwargs, file, row: list(
        convert_keypoints(file, folder / 'out.csv')
    ),
    'read_keypoint_file': lambda folder, kwargs, file, row: read_keypoint_file(file),
    'read_pose': lambda folder, kwargs, file, row: read_pose(row),
}


@pytest.mark.parametrize('door', FRACTION_DOORS)
def test_one_person_in_fractions_is_refused_where_sizes_are_unknown(data, door):
    row = rewrite(data[2], to_fractions, rows=slice(1))
    with pytest.raises(DataError, match='fractions of the picture'):
        FRACTION_DOORS[door](*data, row)


def test_the_doctor_finds_the_one_person_in_fractions(data):
    rewrite(data[2], to_fractions, rows=slice(1))
    dataset = data[1] | dict(type='PosePairDataset')
    report, _ = examine_datasets({'train': dataset}, 'title')
    (finding,) = (f for f in report.findings if f.kind == 'joint units')
    assert finding.severity == 'error' and finding.examples == ('0000_0.png',)


def test_a_dataset_that_skips_leaves_them_out(data):
    rewrite(data[2], to_fractions, rows=slice(1))
    dataset = PosePairDataset(**data[1] | dict(on_error='skip'))
    assert len(dataset) == 8 and len(dataset.skipped) == 5


@pytest.mark.parametrize('rows', [slice(None), slice(2)])
def test_fractions_are_multiplied_where_sizes_are_known(data, rows):
    folder, _, file = data
    expected = read_annotations(file).keypoints
    rewrite(file, to_fractions, rows)
    sizes = photo_sizes(folder / 'train', list_photos(folder / 'train'))
    report = KeypointReport()
    read = read_keypoint_file(file, image_sizes=sizes, report=report)
    np.testing.assert_allclose(read.keypoints, expected, atol=1e-4)
    assert len(report.fractions) == len(expected[rows])
    assert 'had fractions of their size' in report.lines()[0]
    lines = list(convert_keypoints(file, folder / 'out.csv', images=folder / 'train'))
    assert 'had fractions of their size' in lines[1]
    converted = read_annotations(folder / 'out.csv').keypoints
    np.testing.assert_allclose(converted, expected, atol=1e-4)


def test_the_inferencer_multiplies_by_the_photo(data):
    folder, _, file = data
    expected = read_annotations(file).keypoints[0]
    row = rewrite(file, to_fractions)
    toy = PoseTransferInferencer(DotTransfer(), size=SIZE)
    toy(folder / 'train/0000_0.png', row, row)
    for seen in toy.model.calls[0][1:]:
        np.testing.assert_allclose(seen[0].numpy(), expected, atol=1e-4)


# -- other frames ----------------------------------------------------------------------

FRAME_DOORS = {
    'inferencer': lambda folder, kwargs, file, row: PoseTransferInferencer(
        DotTransfer(), size=SIZE
    )(folder / 'train/0000_0.png', row, row),
    'infer': lambda folder, kwargs, file, row: infer(folder, openpose_person(row)),
    'infer --annotations': lambda folder, kwargs, file, row: infer(
        folder, {}, annotations=str(file), source_pose=None, pose='0000_1.png'
    ),
    'dataset': lambda folder, kwargs, file, row: PosePairDataset(**kwargs)[0],
    'make_photo_set': lambda folder, kwargs, file, row: photo_set(
        folder, read_annotations(file)
    ),
}


@pytest.mark.parametrize('door', FRAME_DOORS)
def test_joints_of_a_photo_that_was_made_smaller(data, door):
    row = rewrite(data[2], enlarged)
    with pytest.raises(DataError, match='64x32|joints outside the photo'):
        FRAME_DOORS[door](*data, row)


def test_the_scores_of_evaluation_are_of_the_same_frame(data):
    folder, _, file = data
    row = rewrite(file, enlarged)
    image = folder / 'train/0000_0.png'
    pair = Pair(image=image, target=image, source=image, names=('a', 'b'))
    task = Namespace(pairs=[pair], joints=np.stack([row, row])[None])
    with pytest.raises(DataError, match='0000_0.png.* outside the picture of 64x32'):
        _read_sample(task, 0)


def test_the_doctor_finds_joints_of_another_frame(data):
    rewrite(data[2], enlarged)
    dataset = data[1] | dict(type='PosePairDataset')
    report, _ = examine_datasets({'train': dataset}, 'title')
    assert 'joints outside' in {f.kind for f in report.findings}


def test_both_frames_may_be_said(data):
    folder, _, file = data
    expected = read_annotations(file).keypoints[0]
    row = expected * [2, 2, 1] + [0.5, 0.5, 0] * (expected[:, 2:] > 0)
    toy = PoseTransferInferencer(DotTransfer(), size=SIZE)
    image, twice = folder / 'train/0000_0.png', (128, 64)
    toy(image, row, row, pose_size=twice, source_pose_size=twice)
    content = openpose_person(row) | dict(canvas_height=128, canvas_width=64)
    (folder / 'a.json').write_text(json.dumps(content))
    toy(image, folder / 'a.json', folder / 'a.json')
    for call in toy.model.calls:
        for seen in call[1:]:
            np.testing.assert_allclose(seen[0].numpy(), expected, atol=1e-4)
    infer(folder, openpose_person(row), pose_size=twice, source_pose_size=twice)
    infer(folder, content)
    assert Image.open(folder / 'out.png').size == SIZE[::-1]
    with pytest.raises(DataError, match='canvas of 64x64 .* another shape'):
        toy(image, expected, expected, source_pose_size=(64, 64))


@pytest.mark.parametrize('shift', [[5000, 5000, 0], [-5000, 0, 0], [0, 65, 0]])
def test_a_target_without_a_joint_on_the_canvas(data, shift):
    folder, _, file = data
    row = read_annotations(file).keypoints[0]
    far = row + shift * (row[:, 2:] > 0)
    toy = PoseTransferInferencer(DotTransfer(), size=SIZE)
    with pytest.raises(DataError, match='pose has no joint on the canvas of 64x32'):
        toy(folder / 'train/0000_0.png', far, row)


def test_an_overshoot_is_no_other_frame(data):
    folder, _, file = data
    row = read_annotations(file).keypoints[0]
    row[10, :2] = 20, 65.5  # two pixels below
    toy = PoseTransferInferencer(DotTransfer(), size=SIZE)
    toy(folder / 'train/0000_0.png', row, row)
    table = read_annotations(file)
    table.keypoints[0] = row
    result = photo_set(folder, table)
    assert result.left_out == {} and result.outside == 1
    written = read_annotations(folder / 'set/annotation-train.csv')
    assert not written.keypoints[0, 10].any() and written.keypoints[0, 9].any()


# -- certainty -------------------------------------------------------------------------


def test_guesses_of_a_pose_file_are_missing(data, monkeypatch):
    folder, _, file = data
    said = []
    monkeypatch.setattr('posegen.apis.inputs.print_log', lambda m, *a: said.append(m))
    row = read_annotations(file).keypoints[0]
    row[:, 2] *= 0.9
    row[9:11] = [9, 500, 0.02]  # where nobody is
    (folder / 'a.json').write_text(json.dumps(openpose_person(row)))
    toy = PoseTransferInferencer(DotTransfer(), size=SIZE)
    image = folder / 'train/0000_0.png'
    toy(image, folder / 'a.json', folder / 'a.json')
    assert not toy.model.calls[0][1][0, 9:11].any()
    assert '2 joints with a score below 0.05 are guesses' in said[0]
    assert read_pose(folder / 'a.json', min_score=0)[9, 2] > 0
    with pytest.raises(DataError, match='no joint with a confidence of 0.95 or more'):
        read_pose(folder / 'a.json', min_score=0.95)
    with pytest.raises(ConfigError, match='min_score must be a number of 0 or more'):
        read_pose(folder / 'a.json', min_score=-1)


def test_landmarks_below_the_frame_leave_the_photo_in_the_set(data):
    folder, _, file = data
    table = read_annotations(file)
    people = {}
    for name, joints in zip(table.names, to_fractions(table.keypoints)):
        people[name] = [dict(x=0.5, y=0.5, visibility=0.0) for _ in range(33)]
        for here, there in {11: 5, 12: 2, 13: 6, 14: 3, 23: 11, 24: 8}.items():
            x, y = joints[there, :2].tolist()
            people[name][here] = dict(x=x, y=y, visibility=0.9)
        people[name][25] = dict(x=0.4, y=1.3, visibility=0.9)
        people[name][27] = dict(x=0.4, y=1.4, visibility=0.0006)
    (folder / 'mp.json').write_text(json.dumps(people))
    report, sizes = KeypointReport(), photo_sizes(folder / 'train', table.names)
    read = read_keypoint_file(
        folder / 'mp.json', image_sizes=sizes, keep_outside=False, report=report
    )
    assert report.notes.outside == 2 * len(read)
    result = photo_set(folder, read)
    assert result.left_out == {} and result.outside == 0
