"""Part crops against OpenCV's perspective warp, and where their corners lie."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from posegen.models.vunet.crops import (
    DEFAULT_CROPS,
    PART_NAMES,
    check_parts,
    part_crops,
    part_quads,
)
from posegen.utils.errors import ConfigError
from tests.models.vunet.helpers import keypoints, smooth_images

SIZE = (64, 32)


def upright() -> torch.Tensor:
    """One who stands and faces us; the left side is on the right of the image."""
    points = torch.zeros(1, 18, 3)
    places = {
        0: (16, 8),
        **{2: (10, 16), 3: (8, 24), 4: (8, 32)},
        **{5: (22, 16), 6: (24, 24), 7: (24, 32)},
        **{8: (12, 32), 9: (12, 44), 10: (12, 56)},
        **{11: (20, 32), 12: (20, 44), 13: (20, 56)},
    }
    for joint, place in places.items():
        points[0, joint] = torch.tensor([*place, 1.0])
    return points


def quad(name: str, points: torch.Tensor) -> tuple[list[list[float]], bool]:
    quads, present = part_quads(points, SIZE, (name,))
    return quads[0, 0].tolist(), bool(present)


def test_torso_spans_shoulders_and_hips() -> None:
    assert quad('torso', upright()) == ([[22, 16], [20, 32], [12, 32], [10, 16]], True)


def test_head_stands_on_the_shoulders_and_reaches_twice_as_far_as_the_nose() -> None:
    # From (16, 16) up to (16, 0): 16 high, 8 to either side.
    assert quad('head', upright()) == ([[8, 0], [8, 16], [24, 16], [24, 0]], True)


@pytest.mark.parametrize('mirrored', [False, True])
def test_head_without_a_nose_stands_on_the_line_of_the_shoulders(
    mirrored: bool,
) -> None:
    points = upright()
    points[0, 0] = 0
    if mirrored:  # seen from behind
        points[:, [2, 5]] = points[:, [5, 2]]
    left, right = (10, 22) if mirrored else (22, 10)
    # As high as the shoulders are wide, and above them either way.
    expected = [[left, 4], [left, 16], [right, 16], [right, 4]]
    assert quad('head', points) == (expected, True)


def test_a_limb_is_half_as_wide_as_long() -> None:
    # Straight down from (12, 44) over 12 pixels: 3 to either side.
    expected = [[9, 44], [15, 44], [15, 56], [9, 56]]
    assert quad('right_shin', upright()) == (expected, True)


def test_a_thigh_without_knee_reaches_down_to_the_last_row() -> None:
    points = upright()
    points[0, 12] = 0
    half = (63 - 32) / 4
    expected = [[20 - half, 32], [20 + half, 32], [20 + half, 63], [20 - half, 63]]
    assert quad('left_thigh', points) == (expected, True)


@pytest.mark.parametrize(
    ('joint', 'absent'),
    [
        (2, {'torso', 'head', 'right_upper_arm'}),
        (6, {'left_upper_arm', 'left_forearm'}),
        (8, {'torso', 'right_thigh'}),
        (9, {'right_shin'}),
        (13, {'left_shin'}),
    ],
)
def test_a_missing_joint_takes_its_parts_away(joint: int, absent: set[str]) -> None:
    points = upright()
    points[0, joint] = torch.tensor([float('nan'), float('nan'), 0])
    quads, present = part_quads(points, SIZE, PART_NAMES)
    assert {n for n, here in zip(PART_NAMES, present[0]) if not here} == absent
    assert quads.isfinite().all()
    crops = part_crops(torch.ones(1, 3, *SIZE), points, (8, 8), PART_NAMES)
    for name, crop in zip(PART_NAMES, crops.view(len(PART_NAMES), 3, 8, 8)):
        assert (crop == (0 if name in absent else 1)).all()


def test_a_crop_reads_where_its_corners_say() -> None:
    # The value of a pixel is its place, so a crop holds the places that it reads.
    y, x = torch.meshgrid(*(torch.arange(n).float() for n in SIZE), indexing='ij')
    image = torch.stack([x, y])[None]
    crop = part_crops(image, upright(), (6, 3), ('right_shin',))[0]
    # Corners (9, 44), (15, 44), (15, 56), (9, 56): across first, then along.
    u = torch.arange(3) / 3
    v = torch.arange(6)[:, None] / 6
    torch.testing.assert_close(crop[0], (9 + 6 * v).expand(6, 3))
    torch.testing.assert_close(crop[1], (44 + 12 * u).expand(6, 3))


@pytest.mark.parametrize('seed', range(4))
@pytest.mark.parametrize('crop_size', [(32, 32), (32, 16)])
def test_is_opencvs_perspective_warp(seed: int, crop_size: tuple[int, int]) -> None:
    image = smooth_images(1, seed, SIZE)
    points = upright() + torch.cat(
        [keypoints(1, seed, (16, 12))[..., :2] - 6, torch.zeros(1, 18, 1)], dim=-1
    )
    crops = part_crops(image, points, crop_size, PART_NAMES)
    quads, present = part_quads(points, SIZE, PART_NAMES)
    assert present[0, 0]
    height, width = crop_size
    corners = np.float32([[0, 0], [0, height], [width, height], [width, 0]])
    for index in range(len(PART_NAMES)):
        if not present[0, index]:
            continue
        matrix = cv2.getPerspectiveTransform(quads[0, index].numpy(), corners)
        expected = cv2.warpPerspective(
            image[0].permute(1, 2, 0).numpy(),
            matrix,
            (width, height),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        found = crops[0, 3 * index : 3 * index + 3].permute(1, 2, 0).numpy()
        # OpenCV rounds positions to 1/32 of a pixel.
        np.testing.assert_allclose(found, expected, atol=0.03)


def test_degenerate_quads_stay_inside_the_image() -> None:
    points = torch.zeros(3, 18, 3)
    points[..., 2] = 1
    points[0, :, :2] = 5.0  # everybody's joints in one place
    points[1, :, 0] = torch.arange(18).float()  # on a line
    # A torso whose sides cross: its perspective passes through infinity.
    points[2] = upright()[0]
    points[2, [8, 11], 0] = points[2, [11, 8], 0]
    crops = part_crops(torch.full((3, 3, *SIZE), 0.5), points, (8, 8), PART_NAMES)
    torch.testing.assert_close(crops, torch.full_like(crops, 0.5))


def test_parts_are_stacked_in_the_order_asked_for() -> None:
    image, points = smooth_images(2, 0, SIZE), upright().expand(2, -1, -1)
    both = part_crops(image, points, (8, 8), ('head', 'torso'))
    assert both.shape == (2, 6, 8, 8)
    torch.testing.assert_close(
        both[:, 3:], part_crops(image, points, (8, 8), ('torso',))
    )


def test_published_parts() -> None:
    assert len(DEFAULT_CROPS) == 8 and len(PART_NAMES) == 10
    assert check_parts(list(DEFAULT_CROPS)) == DEFAULT_CROPS


@pytest.mark.parametrize('parts', [(), 'torso', ('torso', 'tail')])
def test_unknown_parts_are_named(parts: object) -> None:
    with pytest.raises(ConfigError, match='parts must list names out of torso, head'):
        check_parts(parts)
