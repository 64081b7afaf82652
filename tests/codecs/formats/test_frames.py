"""Frames that keypoints are in: resized pictures, and DeepFashion's two canvases."""

from __future__ import annotations

import numpy as np
import pytest

from posegen.codecs import scale_keypoints
from posegen.codecs.formats import move_frame, other_frame, outside_frame, rescale
from posegen.codecs.formats.frames import PUBLISHED
from posegen.utils.errors import DataError


@pytest.fixture
def keypoints():
    rng = np.random.default_rng(0)
    keypoints = rng.uniform(1, 100, (18, 3)).astype(np.float32)
    keypoints[:, 2] = rng.uniform(0.1, 1, 18)
    keypoints[[4, 9]] = 0
    return keypoints


def test_gfla_scaling_is_int_of_the_product(keypoints):
    keypoints[0] = -3, 5, 1
    scaled = scale_keypoints(keypoints, (256, 176), (256, 256), 'gfla')
    assert scaled.dtype == np.float32
    for (x, y, score), (sx, sy, s_score) in zip(keypoints.tolist(), scaled.tolist()):
        assert (sx, sy) == (int(x * 256 / 176), int(y))
        assert s_score == score


def test_gfla_scaling_hits_every_column_of_the_published_frame():
    columns = np.arange(176)
    keypoints = np.stack([columns, columns, np.ones(176)], -1)
    scaled = scale_keypoints(keypoints, (256, 176), (256, 256))
    assert scaled[:, 0].tolist() == [int(x * 256 / 176) for x in range(176)]


def test_center_scaling_moves_pixel_centres(keypoints):
    keypoints[0] = 0, 0, 1
    keypoints[1] = 15, 31, 1
    scaled = scale_keypoints(keypoints, (32, 16), (64, 64), 'center')
    assert scaled[0, :2].tolist() == [1.5, 0.5]
    assert scaled[1, :2].tolist() == [61.5, 62.5]


def test_center_scaling_there_and_back(keypoints):
    there = scale_keypoints(keypoints, (256, 176), (128, 64), 'center')
    back = scale_keypoints(there, (128, 64), (256, 176), 'center')
    np.testing.assert_allclose(back, keypoints, atol=1e-4)


@pytest.mark.parametrize('scaling', ['gfla', 'center'])
def test_missing_joints_stay_zero(keypoints, scaling):
    scaled = scale_keypoints(keypoints[None], (10, 10), (33, 44), scaling)
    assert scaled.shape == (1, 18, 3)
    assert (scaled[0, [4, 9]] == 0).all()


def test_unknown_scaling(keypoints):
    with pytest.raises(ValueError, match="scaling must be one of .*, got 'round'"):
        scale_keypoints(keypoints, (1, 1), (1, 1), 'round')


def test_the_narrow_canvas_is_forty_columns_to_the_left():
    record = np.array([[40, 7, 1], [215, 8, 0.5], [0, 0, 0]], dtype=np.float32)
    narrow = move_frame(record, 256, 176)
    assert narrow.tolist() == [[0, 7, 1], [175, 8, 0.5], [0, 0, 0]]
    np.testing.assert_array_equal(move_frame(narrow, 176, 256), record)
    np.testing.assert_array_equal(move_frame(record, 176, 176), record)


def test_joints_left_of_the_crop_stay_present():
    record = np.array([[30, 7, 1], [39, 8, 1]], dtype=np.float32)
    narrow = move_frame(record, 256, 176)
    assert narrow.tolist() == [[-10, 7, 1], [-1, 8, 1]]
    np.testing.assert_array_equal(move_frame(narrow, 176, 256), record)


def test_unknown_frame():
    with pytest.raises(ValueError, match=r'one of \(256, 176\), got 128'):
        move_frame(np.zeros((18, 3)), 256, 128)


def standing(*points: tuple[float, float], score: float = 1.0) -> np.ndarray:
    """(18, 3) of a person in a picture of 100x50, some joints elsewhere."""
    joints = np.full((18, 3), score, dtype=np.float32)
    joints[:, 0], joints[:, 1] = 25, np.linspace(5, 90, 18)
    for index, point in enumerate(points):
        joints[index, :2] = point
    return joints


@pytest.mark.parametrize(
    ('point', 'beyond', 'clearly'),
    [
        ((49.5, 99.5), False, False),
        ((-0.5, -0.5), False, False),
        ((49.6, 50), True, False),
        ((25, 104), True, False),
        ((25, 105), True, True),
        ((-4, 50), True, True),
    ],
)
def test_joints_outside(point, beyond, clearly):
    joints = standing(point)
    for overshoot, expected in ((0.0, beyond), (0.05, clearly)):
        found = outside_frame(joints, (100, 50), overshoot)
        assert found[0] == expected and not found[1:].any()
    joints[0, 2] = 0
    assert not outside_frame(joints, (100, 50)).any()
    assert not outside_frame(standing((1.4, 3)), (100, 1), 0.05)[0]  # a pixel at least


def test_joints_of_another_frame():
    size, low = (100, 50), dict(score=0.4)
    assert other_frame(standing((25, 104)), size) is None
    problem = other_frame(standing((25, 150)), size)
    assert '1 of 18 joints lie outside the picture of 100x50' in problem
    assert 'a frame of 151x26 or more' in problem
    assert other_frame(standing(*[(25, 150)] * 6, **low), size) is None  # guesses
    assert other_frame(standing(*[(25, 150)] * 7, **low), size) is not None
    assert other_frame(standing(*[(25, 150)] * 9), size, **PUBLISHED) is None
    assert other_frame(standing(*[(25, 150)] * 10), size, **PUBLISHED) is not None


def test_a_canvas_of_another_size():
    joints = standing()
    np.testing.assert_array_equal(rescale(joints, (9, 9), (9, 9), 'a'), joints)
    twice = rescale(joints, (100, 50), (200, 100), 'a')
    np.testing.assert_allclose(twice[:, :2], joints[:, :2] * 2 + 0.5)
    rescale(joints, (100, 64), (100, 50), 'a')  # rounded to multiples of 64
    with pytest.raises(DataError, match='a has joints on a canvas of 50x100 .* 100x50'):
        rescale(joints, (50, 100), (100, 50), 'a')
