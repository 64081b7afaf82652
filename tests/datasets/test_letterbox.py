from __future__ import annotations

import numpy as np
import pytest

from posegen.datasets.letterbox import fit, place_image, place_keypoints, take_out

SIZES = [(128, 64), (64, 32), (300, 100), (100, 300), (7, 500), (1, 1)]


def gradient(size: tuple[int, int]) -> np.ndarray:
    """Red grows to the right, green downwards, blue is flat."""
    y, x = np.mgrid[: size[0], : size[1]]
    red, green = x * 255 / max(size[1] - 1, 1), y * 255 / max(size[0] - 1, 1)
    return np.stack([red, green, np.full(size, 77)], -1).astype(np.uint8)


def dot_centre(image: np.ndarray) -> np.ndarray:
    """(x, y) of the mass of an image's first channel."""
    weight = image[..., 0].astype(float)
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    return np.array([(x * weight).sum(), (y * weight).sum()]) / weight.sum()


@pytest.mark.parametrize('size', SIZES)
def test_proportions_are_kept_and_the_canvas_is_used(size):
    top, left, height, width = (place := fit(size, (128, 64))).box
    assert height == 128 or width == 64
    assert top >= 0 and top + height <= 128 and left >= 0 and left + width <= 64
    assert abs((128 - height) - 2 * top) <= 1 and abs((64 - width) - 2 * left) <= 1
    wide = min(128 / size[0], 64 / size[1])
    assert np.abs(np.array(place.scale) * size - wide * np.array(size)).max() <= 1


def test_canvas_sized_pictures_are_untouched():
    image, pose = gradient((128, 64)), np.random.default_rng(0).random((18, 3)) * 60
    place = fit((128, 64), (128, 64))
    assert np.array_equal(place_image(image, place), image)
    assert np.array_equal(place_keypoints(pose, place), pose.astype(np.float32))
    assert np.array_equal(take_out(image, place), image)


def test_free_space_repeats_the_edge():
    canvas = place_image(gradient((64, 64)), fit((64, 64), (128, 64)))
    assert canvas.shape == (128, 64, 3)
    assert (canvas[:32] == canvas[32]).all() and (canvas[96:] == canvas[95]).all()


@pytest.mark.parametrize('size', [(400, 150), (100, 250), (90, 33)])
def test_joints_stay_on_their_pixels(size):
    image = np.zeros((*size, 3), np.uint8)
    image[20:40, 10:24] = 255
    pose = np.array([[16.5, 29.5, 0.3]] + [[np.nan, 5, 0]] * 17)
    place = fit(size, (256, 256))
    placed = place_keypoints(pose, place)
    canvas = place_image(image, place)
    assert np.abs(dot_centre(canvas) - placed[0, :2]).max() < 0.3
    assert placed[0, 2] == np.float32(0.3) and not placed[1:].any()
    assert placed.dtype == np.float32
    back = take_out(canvas, place)
    assert back.shape == image.shape
    assert np.abs(dot_centre(back) - pose[0, :2]).max() < 0.5


@pytest.mark.parametrize('size', [(256, 176), (1101, 757)])
def test_squeezed_sets_are_squeezed_as_in_training(size):
    place = fit(size, (256, 256), frame=(256, 176))
    _, _, height, width = place.box
    assert height == 256 and abs(width - 256) <= 1
    other = fit((128, 64), (256, 256), frame=(256, 176))
    assert other.box == (0, 35, 256, 186)


def test_frame_of_the_same_shape_changes_nothing():
    assert fit((99, 71), (128, 64), frame=(256, 128)) == fit((99, 71), (128, 64))
