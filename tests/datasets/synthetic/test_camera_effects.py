from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from posegen.datasets.synthetic.camera_effects import (
    Capture,
    add_noise,
    compress,
    develop,
    sample_capture,
    take_picture,
    vary_capture,
)

SIZE = (64, 48)
PLAIN = Capture(np.ones(3), 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, None, 0.0, None)


@pytest.fixture
def scene() -> np.ndarray:
    return np.random.default_rng(1).random((*SIZE, 3)).astype(np.float32)


def test_a_perfect_camera_changes_nothing(scene):
    rng = np.random.default_rng(0)
    np.testing.assert_allclose(take_picture(rng, scene, PLAIN), scene, atol=1e-6)


@pytest.mark.parametrize('small', [False, True])
def test_pictures_are_in_range_and_follow_from_the_generator(scene, small):
    pictures = []
    for _ in range(2):
        rng = np.random.default_rng(0)
        capture = vary_capture(rng, sample_capture(rng, SIZE, small))
        pictures.append(take_picture(rng, scene, capture))
    np.testing.assert_array_equal(*pictures)
    assert pictures[0].shape == scene.shape
    assert pictures[0].min() >= 0
    assert pictures[0].max() <= 1


def test_few_pixels_keep_the_mean_and_lose_the_detail(scene):
    small = take_picture(np.random.default_rng(0), scene, replace(PLAIN, low_height=16))
    assert small.mean() == pytest.approx(scene.mean(), abs=0.01)
    assert small.std() < 0.4 * scene.std()


def test_exposure_and_saturation(scene):
    dark = develop(scene, replace(PLAIN, gain=np.full(3, 0.5)))
    np.testing.assert_allclose(dark, scene / 2, atol=1e-6)
    gray = develop(scene, replace(PLAIN, saturation=0.0))
    np.testing.assert_allclose(gray[..., 0], gray[..., 2], atol=1e-6)
    corner = develop(np.ones_like(scene), replace(PLAIN, vignette=0.1))
    assert corner[0, 0, 0] == pytest.approx(0.9)
    assert corner[32, 24, 0] == pytest.approx(1.0, abs=1e-3)


def test_noise_has_about_its_deviation(scene):
    middle = np.full_like(scene, 0.5)
    noisy = add_noise(np.random.default_rng(0), middle, 0.02)
    assert (noisy - middle).std() == pytest.approx(0.018, rel=0.1)


def test_lower_quality_is_further_off(scene):
    errors = [np.abs(compress(scene, q) - scene).mean() for q in (60, 95)]
    assert errors[0] > errors[1] > 0
    assert compress(scene, None) is scene
