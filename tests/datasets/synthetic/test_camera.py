from __future__ import annotations

import numpy as np
import pytest

from posegen.datasets.synthetic.camera import frame, look, pixel_grid


@pytest.fixture
def points() -> np.ndarray:
    return np.random.default_rng(0).uniform(-0.5, 0.5, (50, 3)) * (0.5, 0.5, 1.8)


def test_rays_go_through_the_pixels_that_points_project_to(points):
    camera = frame(look(5.0, 0.1, (128, 64)), points, (0.86, 0.94))
    pixels, depth = camera.project(points)
    towards = points - camera.position
    rays = camera.rays(pixels)
    cosine = (rays * towards).sum(1) / np.linalg.norm(towards, axis=1)
    np.testing.assert_allclose(cosine, 1, atol=1e-12)
    assert (depth > 0).all()


def test_persons_left_is_on_the_right_of_a_frontal_picture():
    camera = look(5.0, 0.0, (64, 64))
    pixels, _ = camera.project(np.array([[0.2, 0, 0.0], [0, 0, 0.3]]))
    assert pixels[0, 0] > camera.centre[0]
    assert pixels[1, 1] < camera.centre[1]


@pytest.mark.parametrize('size', [(128, 64), (256, 256)])
def test_framing_fills_the_asked_share(points, size):
    camera = frame(look(5.0, 0.0, size), points, (0.8, 0.9))
    pixels, _ = camera.project(points)
    share = np.ptp(pixels, axis=0)[::-1] / size
    assert share[0] == pytest.approx(0.8) or share[1] == pytest.approx(0.9)
    assert (share < (0.8001, 0.9001)).all()
    middle = (pixels.min(0) + pixels.max(0)) / 2
    np.testing.assert_allclose(middle, [(size[1] - 1) / 2, (size[0] - 1) / 2])


def test_samples_of_a_pixel_are_centred_on_integers():
    np.testing.assert_array_equal(pixel_grid((2, 3))[4], [1, 1])
    fine = pixel_grid((2, 3), 2).reshape(2, 2, 3, 2, 2).mean((1, 3))
    np.testing.assert_allclose(fine.reshape(-1, 2), pixel_grid((2, 3)))
