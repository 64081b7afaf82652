"""Frames of joints: the published numbers, and the published shift undone."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from posegen.datasets import Annotations, build_pairs, read_annotations, read_pairs
from posegen.datasets.pairs import pair_up
from posegen.datasets.prepare.joints import (
    CANVAS,
    PERSON,
    STREET,
    guess_frame,
    place_joints,
    read_canvas_joints,
)
from posegen.utils.errors import DataError

from .trees import annotation_row, write_annotation

HEADER = 'name:keypoints_y:keypoints_x\n'


def shift_file(source, target):
    """What the authors did to make the files of 176 columns: x - 40, -1 stays."""
    import json

    lines = source.read_text().splitlines()
    rows = []
    for line in lines[1:]:
        name, ys, xs = line.split(':')
        joints = list(zip(json.loads(xs), json.loads(ys)))
        rows.append(annotation_row(name, joints, shift=40))
    target.write_text(HEADER + ''.join(rows))
    return target


def test_the_published_shift_is_undone_exactly(shared, tmp_path):
    published = shared('data/annotations/fasion-annotation-test.csv')
    narrow = shift_file(published, tmp_path / 'narrow.csv')
    expected = read_annotations(published)
    assert (read_annotations(narrow).keypoints[..., 0] < 0).sum() == 11
    got, frame = read_canvas_joints(narrow, None)
    assert frame == 176
    assert got.names == expected.names
    assert np.array_equal(got.keypoints, expected.keypoints)
    pairs = read_pairs(shared('data/annotations/fashion-pairs-test.csv'))
    assert pair_up(got, 'deepfashion', 8570) == pairs
    assert build_pairs(published, 'deepfashion', 8570) == pairs


def test_the_published_file_is_on_256_columns(shared):
    file = shared('data/annotations/fasion-annotation-test.csv')
    joints, frame = read_canvas_joints(file, None)
    assert frame == 256
    assert len(joints) == 4038


@pytest.mark.parametrize(
    ('x', 'on_176', 'expected'),
    [
        (128, 88, 128),
        (39, -1, 39),  # x = -1 beside a y that is not
        (38, -2, 38),
        (0, -40, 0),
        (-1, -1, None),  # missing: both are -1
    ],
)
def test_columns_of_176(tmp_path, x, on_176, expected):
    row = [(x, 50 if x != -1 else -1)] + [(120, 40)] * 17
    (tmp_path / 'a.csv').write_text(HEADER + annotation_row('a.jpg', row, shift=40))
    assert f': [{on_176}, 80' in (tmp_path / 'a.csv').read_text()
    joints, _ = read_canvas_joints(tmp_path / 'a.csv', 176)
    first = joints.keypoints[0, 0]
    assert first.tolist() == ([expected, 50, 1] if expected is not None else [0, 0, 0])
    assert joints.keypoints[0, 1].tolist() == [120, 40, 1]


def test_files_of_either_frame_give_the_same(tmp_path):
    names = [f'{i}.jpg' for i in range(5)]
    wide = write_annotation(tmp_path / 'wide.csv', names)
    narrow = write_annotation(tmp_path / 'narrow.csv', names, shift=40)
    (tmp_path / 'narrow.csv.gz').write_bytes(gzip.compress(narrow.read_bytes()))
    expected, frame = read_canvas_joints(wide, None)
    assert frame == 256
    for file in (narrow, tmp_path / 'narrow.csv.gz'):
        got, frame = read_canvas_joints(file, None)
        assert frame == 176
        assert np.array_equal(got.keypoints, expected.keypoints)


def one_joint(x: float, y: float = 50) -> Annotations:
    keypoints = np.zeros((1, 18, 3), np.float32)
    keypoints[0, 0] = x, y, 1
    return Annotations(['a.jpg'], keypoints)


@pytest.mark.parametrize(
    ('x', 'expected'),
    [
        (128, 128),  # int(88 * 256 / 176)
        (129, 129),  # int(89 * 1.4545) = int(129.45)
        (40, 0),
        (215, 254),
        (216, 256),  # right of the picture: kept
        (38, -2),  # left of it: kept, cut towards zero as int() does
        (39, None),  # -1 on 176 columns means missing
    ],
)
def test_gflas_numbers_on_256_columns(x, expected):
    placed = place_joints(one_joint(x), PERSON, (256, 256))
    joint = placed.annotations.keypoints[0, 0]
    assert joint.tolist() == ([0, 0, 0] if expected is None else [expected, 50, 1])
    assert placed.lost == (expected is None)
    assert placed.outside == (expected in (256, -2))
    assert not placed.annotations.keypoints[0, 1:].any()


def test_a_joint_that_the_resize_brings_to_minus_one():
    placed = place_joints(one_joint(38), PERSON, (128, 88))  # int(-2 / 2)
    assert placed.lost == 1
    assert not placed.annotations.keypoints.any()


@pytest.mark.parametrize(('view', 'frame'), [(CANVAS, (256, 256)), (STREET, (128, 64))])
def test_nothing_is_rounded_where_nothing_moves(view, frame):
    placed = place_joints(one_joint(30.75, 2.5), view, frame)
    assert placed.annotations.keypoints[0, 0].tolist() == [30.75, 2.5, 1]


def test_other_sizes():
    assert place_joints(one_joint(33, 21), STREET, (64, 32)).annotations.keypoints[
        0, 0
    ].tolist() == [16, 10, 1]
    on_crop = place_joints(one_joint(50), PERSON, (256, 176)).annotations
    assert on_crop.keypoints[0, 0].tolist() == [10, 50, 1]


@pytest.mark.parametrize('x', [108, 101, 115])
def test_a_frame_that_does_not_show(tmp_path, x):
    joints = Annotations(['a', 'b'], np.full((2, 18, 3), x, np.float32))
    with pytest.raises(DataError, match='say --annotation-frame 256 or 176'):
        guess_frame(joints, tmp_path / 'a.csv')


def test_too_few_joints_to_tell(tmp_path):
    with pytest.raises(DataError, match=r'\(1 joints, median of x 128\)'):
        guess_frame(one_joint(128), tmp_path / 'a.csv')
    none = Annotations([], np.zeros((0, 18, 3), np.float32))
    with pytest.raises(DataError, match=r'\(0 joints'):
        guess_frame(none, tmp_path / 'a.csv')
