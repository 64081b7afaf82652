"""Frames that keypoints are in: resized pictures, and DeepFashion's two canvases."""

from __future__ import annotations

import numpy as np
import pytest

from posegen.codecs import scale_keypoints
from posegen.codecs.formats import move_frame


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
