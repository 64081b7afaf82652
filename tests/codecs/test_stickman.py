"""Stick figures against OpenCV, which the published way draws them with."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from posegen.codecs import keypoints_to_stickman

RIGHT = [(10, 9), (9, 8), (8, 2), (2, 3), (3, 4)]
LEFT = [(13, 12), (12, 11), (11, 5), (5, 6), (6, 7)]


def person(size: tuple[int, int], seed: int = 0) -> np.ndarray:
    """Somebody who stands, joints at whole pixels, everything present."""
    height, width = size
    x = [0.5, 0.5, 0.3, 0.2, 0.15, 0.7, 0.8, 0.85, 0.38, 0.35, 0.33, 0.62, 0.65, 0.67]
    y = [
        0.12,
        0.2,
        0.22,
        0.38,
        0.5,
        0.22,
        0.38,
        0.5,
        0.52,
        0.72,
        0.93,
        0.52,
        0.72,
        0.93,
    ]
    x, y = [*x, 0.45, 0.55, 0.4, 0.6], [*y, 0.1, 0.1, 0.11, 0.11]
    shake = np.random.default_rng(seed).normal(0, 0.01, (2, 18))
    x, y = (np.array([x, y]) + shake).clip(0.02, 0.98)
    return np.stack(
        [(x * width).round(), (y * height).round(), np.ones(18)], -1
    ).astype(np.float32)


def drawn_by_opencv(keypoints: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(3, H, W) in [0, 255]."""
    points = {j: p[:2] for j, p in enumerate(keypoints) if p[2] > 0}
    thickness = int(3 * size[0] / 128)
    channels = [np.zeros(size, np.uint8) for _ in range(3)]

    def line(channel: int, a: np.ndarray, b: np.ndarray, value: int) -> None:
        ends = [tuple(int(v) for v in p) for p in (a, b)]
        cv2.line(channels[channel], *ends, value, thickness)

    for channel, limbs in enumerate((RIGHT, LEFT)):
        for a, b in limbs:
            if a in points and b in points:
                line(channel, points[a], points[b], 255)
        if {0, 2, 5} <= points.keys():
            line(channel, (points[2] + points[5]) / 2, points[0], 127)
        if {0, 14, 15} <= points.keys():
            line(channel, points[0], points[(14, 15)[channel]], 255)
    if {2, 5, 8, 11} <= points.keys():
        corners = np.array([points[j] for j in (5, 11, 8, 2)], np.int32)
        cv2.fillPoly(channels[2], [corners], 255)
    return np.stack(channels)


@pytest.mark.parametrize('size', [(128, 64), (128, 128), (256, 256)])
@pytest.mark.parametrize(
    'missing', [(), (0,), (2,), (9,), (15,), (11, 12)], ids=lambda j: f'without{j}'
)
def test_is_what_opencv_draws_up_to_the_edges_of_lines(
    size: tuple[int, int], missing: tuple[int, ...]
) -> None:
    keypoints = person(size)
    keypoints[list(missing)] = [np.nan, np.nan, 0]
    ours = keypoints_to_stickman(torch.from_numpy(keypoints)[None], size)[0].numpy()
    theirs = drawn_by_opencv(np.nan_to_num(keypoints), size) / 127.5 - 1
    assert ours.shape == (3, *size)
    for mine, published in zip(ours, theirs):
        body = (mine > -1) | (published > -1)
        either = np.abs(mine - published) > 1e-4
        assert either.sum() <= 0.15 * body.sum()
        # What differs is the outermost pixel of a line, nowhere more.
        inside = cv2.erode((published > -1).astype(np.uint8), np.ones((3, 3), np.uint8))
        near = cv2.dilate((published > -1).astype(np.uint8), np.ones((3, 3), np.uint8))
        assert (mine > -1)[inside == 1].all()
        assert not (mine > -1)[near == 0].any()


def test_values_of_the_lines() -> None:
    size = (128, 128)
    points = torch.from_numpy(person(size))[None]
    figure = keypoints_to_stickman(points, size)[0]
    values = torch.tensor([0, 127, 255]) / 127.5 - 1
    torch.testing.assert_close(figure[:2].unique(), values)
    assert set(figure[2].unique().tolist()) == {-1.0, 1.0}
    x, y = points[0, 3, :2].int().tolist()  # the right elbow
    assert figure[0, y, x] == 1 and figure[1, y, x] == -1
    x, y = points[0, 6, :2].int().tolist()  # the left elbow
    assert figure[0, y, x] == -1 and figure[1, y, x] == 1


def test_nobody_is_an_empty_picture_and_people_do_not_mix() -> None:
    size = (64, 64)
    somebody = torch.from_numpy(person(size))
    both = keypoints_to_stickman(torch.stack([torch.zeros(18, 3), somebody]), size)
    assert (both[0] == -1).all()
    assert torch.equal(both[1:], keypoints_to_stickman(somebody[None], size))


def test_other_shapes_are_named() -> None:
    with pytest.raises(ValueError, match=r'must be \(B, 18, 3\), got \(18, 3\)'):
        keypoints_to_stickman(torch.zeros(18, 3), (8, 8))
