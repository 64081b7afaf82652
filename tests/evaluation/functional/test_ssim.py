"""SSIM against scikit-image, written by other people."""

from __future__ import annotations

import pytest
import torch
from skimage.metrics import structural_similarity

from posegen.evaluation.functional import ssim
from tests.evaluation.helpers import random_images


@pytest.mark.parametrize('sigma', [0.8, 1.2, 1.5, 2.0])
@pytest.mark.parametrize('data_range', [255, 97.5])
def test_equals_scikit_image(sigma, data_range):
    a, b = random_images(3, (41, 30), seed=1), random_images(3, (41, 30), seed=2)
    b = (0.7 * a + 0.3 * b).byte()
    expected = [
        structural_similarity(
            x.permute(1, 2, 0).double().numpy(),
            y.permute(1, 2, 0).double().numpy(),
            gaussian_weights=True,
            sigma=sigma,
            use_sample_covariance=False,
            channel_axis=-1,
            data_range=data_range,
        )
        for x, y in zip(a, b)
    ]
    assert ssim(a, b, data_range, sigma).tolist() == pytest.approx(expected, abs=1e-10)


def test_one_data_range_per_image():
    a, b = random_images(2, seed=1), random_images(2, seed=2)
    both = ssim(a, b, torch.tensor([255.0, 100.0]))
    assert both[0] == ssim(a, b, 255)[0]
    assert both[1] == ssim(a, b, 100)[1]


def test_bounds():
    image = random_images(1)
    assert ssim(image, image, 255).item() == pytest.approx(1)
    assert ssim(255 - image, image, 255).item() < 0


def test_refusals():
    image = random_images(2)
    with pytest.raises(ValueError, match='same shape'):
        ssim(image, image[:, :1], 255)
    with pytest.raises(ValueError, match='data_range must be positive'):
        ssim(image, image, torch.tensor([255, 0]))
    with pytest.raises(ValueError, match='window of 11 pixels .* images of 32x8'):
        ssim(image[..., :8], image[..., :8], 255)
