"""Pictures of what a data set yields: what is drawn lies where the joints are."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from posegen.codecs import part_boxes, part_masks
from posegen.codecs.joints import DEFAULT_PARTS
from posegen.visualization import (
    JOINT_COLORS,
    draw_crops,
    draw_parts_on,
    draw_pose_on,
    pair_sheet,
)
from posegen.visualization.samples import PART_COLORS
from tests.helpers.pair_set import STANDING

SIZE = (128, 64)
GREY = 100


@pytest.fixture
def keypoints():
    points = STANDING * 0.95 * SIZE[0] + [SIZE[1] / 2, 2]
    return np.hstack([points, np.ones((18, 1))]).astype(np.float32)


@pytest.fixture
def image():
    return np.full((*SIZE, 3), GREY, np.uint8)


def make_sample(keypoints, size=SIZE, **more):
    picture = torch.full((3, *size), GREY, dtype=torch.uint8)
    joints = torch.from_numpy(keypoints)
    return dict(
        source_image=picture,
        target_image=picture + 50,
        source_keypoints=joints,
        target_keypoints=joints,
        source_name='a.png',
        target_name='b.png',
        **more,
    )


@pytest.mark.parametrize('scale', [1, 3])
def test_skeleton_is_where_the_joints_are(image, keypoints, scale):
    drawn = draw_pose_on(image, keypoints, scale).astype(int)
    assert drawn.shape == (SIZE[0] * scale, SIZE[1] * scale, 3)
    for joint in (4, 7, 10, 13):  # hands and feet, that nothing is drawn over
        x, y = ((keypoints[joint, :2] + 0.5) * scale - 0.5).round().astype(int)
        assert np.abs(drawn[y, x] - JOINT_COLORS[joint]).max() < 70
    corner = drawn[: 5 * scale, : 5 * scale]
    assert (corner == GREY).all()
    covered = (drawn != GREY).any(2).mean()
    assert 0.02 < covered < 0.25


def test_missing_joints_are_not_drawn(image, keypoints):
    keypoints[:, 2] = 0
    assert (draw_pose_on(image, keypoints) == GREY).all()
    assert (draw_parts_on(image, keypoints) == GREY).all()
    assert draw_crops(image, keypoints) == [None, None, None]


def test_parts_are_tinted_inside_their_masks_only(image, keypoints):
    drawn = draw_parts_on(image, keypoints).astype(int)
    joints = torch.from_numpy(keypoints)[None]
    masks = [
        part_masks(joints, ids, SIZE)[0, 0].bool() for ids in DEFAULT_PARTS.values()
    ]
    boxes = np.zeros(SIZE, bool)
    for index in range(3):
        boxes |= (drawn == PART_COLORS[index]).all(2)
    union = torch.stack(masks).any(0).numpy()
    changed = (drawn != GREY).any(2)
    assert (changed[~boxes] == union[~boxes]).all()
    for index, mask in enumerate(masks):
        others = torch.stack([m for i, m in enumerate(masks) if i != index]).any(0)
        alone = (mask & ~others).numpy() & ~boxes
        mixed = 0.55 * GREY + 0.45 * np.array(PART_COLORS[index])
        np.testing.assert_allclose(drawn[alone].mean(0), mixed, atol=1)


def test_boxes_are_outlined(image, keypoints):
    drawn = draw_parts_on(image, keypoints)
    boxes, _ = part_boxes(torch.from_numpy(keypoints)[None], DEFAULT_PARTS['leg'], SIZE)
    _, top, _, _ = boxes[0].tolist()
    row = drawn[round(top)]
    assert (row == PART_COLORS[2]).all(1).sum() > 10


def test_crops_keep_the_picture_inside_their_box_and_grey_outside(keypoints):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    joints = torch.from_numpy(keypoints)[None]
    for crop, ids in zip(draw_crops(image, keypoints), DEFAULT_PARTS.values()):
        x0, y0, x1, y1 = part_boxes(joints, ids, SIZE)[0][0].tolist()
        y, x = np.mgrid[: SIZE[0], : SIZE[1]]
        inside = (x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)
        np.testing.assert_array_equal(crop[inside], image[inside])
        assert np.isin(crop[~inside], [127, 128]).all()


@pytest.mark.parametrize(
    'size, scale', [((128, 64), 2), ((256, 256), 1), ((64, 32), 4)]
)
def test_sheet_enlarges_small_pictures(keypoints, size, scale):
    sheet = pair_sheet([make_sample(keypoints, size)] * 2)
    height, width = size[0] * scale, size[1] * scale
    assert height == 256
    columns = 6 + len(DEFAULT_PARTS)
    assert sheet.shape[1] == columns * width + (columns - 1) * 4
    assert 2 * height < sheet.shape[0] < 2.4 * height
    assert sheet.dtype == np.uint8


def test_sheet_has_the_truth_where_it_is_there(keypoints):
    truth = dict(
        flow=torch.zeros(2, *SIZE), visibility=torch.ones(SIZE, dtype=torch.bool)
    )
    plain = pair_sheet([make_sample(keypoints)])
    more = pair_sheet([make_sample(keypoints, **truth)])
    assert more.shape[1] - plain.shape[1] == 2 * (128 + 4)


def test_sheet_draws_other_parts(keypoints):
    sheet = pair_sheet([make_sample(keypoints)], parts={'all': range(18)})
    assert sheet.shape[1] == 7 * 128 + 6 * 4


def test_sheet_of_nothing():
    with pytest.raises(ValueError, match='samples is empty'):
        pair_sheet([])
