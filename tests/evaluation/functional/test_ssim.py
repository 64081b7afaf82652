"""SSIM against scikit-image, written by other people."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage.metrics import structural_similarity
from torchmetrics.functional.image import structural_similarity_index_measure

from posegen.evaluation.functional import ms_ssim, ssim
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


@pytest.mark.parametrize('size', [3, 7, 11, 29])
@pytest.mark.parametrize('covariance', [True, False])
def test_uniform_windows_equal_scikit_image(size, covariance):
    a, b = random_images(2, (41, 30), seed=1), random_images(2, (41, 30), seed=2)
    expected = [
        structural_similarity(
            x.permute(1, 2, 0).numpy(),
            y.permute(1, 2, 0).numpy(),
            win_size=size,
            use_sample_covariance=covariance,
            channel_axis=-1,
        )
        for x, y in zip(a, b)
    ]
    scores = ssim(a, b, 255, uniform=size, sample_covariance=covariance)
    assert scores.tolist() == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize('channels', [1, 2, 4])
def test_any_number_of_channels(channels):
    a, b = (random_images(1, (20, 16), seed).double() for seed in (1, 2))
    a, b = (image.repeat(1, 2, 1, 1)[:, :channels] for image in (a, b))
    expected = structural_similarity(
        a[0].numpy(),
        b[0].numpy(),
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        channel_axis=0,
        data_range=255,
    )
    assert ssim(a, b, 255).item() == pytest.approx(expected, abs=1e-10)


def test_reflected_borders_equal_torchmetrics():
    a, b = (random_images(2, (41, 30), seed).double() for seed in (1, 2))
    b = 0.7 * a + 0.3 * b
    expected = structural_similarity_index_measure(
        a, b, sigma=1.2, data_range=255.0, reduction='none'
    )
    scores = ssim(a, b, 255, sigma=1.2, border='reflect')
    torch.testing.assert_close(scores, expected)
    assert (scores != ssim(a, b, 255, sigma=1.2)).all()


@pytest.mark.parametrize('border', ['cut', 'reflect'])
@pytest.mark.parametrize('channels', [1, 3, 5])
@pytest.mark.parametrize('dtype', [torch.uint8, torch.float32])
def test_order_in_memory_does_not_matter(border, channels, dtype):
    a, b = (random_images(2, (20, 16), seed).to(dtype) for seed in (1, 2))
    a, b = (image.repeat(1, 2, 1, 1)[:, :channels].contiguous() for image in (a, b))
    last = [x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2) for x in (a, b)]
    expected = ssim(a, b, 255, border=border)
    torch.testing.assert_close(ssim(*last, 255, border=border), expected)
    torch.testing.assert_close(ssim(a, last[1], 255, border=border), expected)
    windows = dict(uniform=7, sample_covariance=True, border=border)
    torch.testing.assert_close(ssim(*last, 255, **windows), ssim(a, b, 255, **windows))


def test_inputs_are_left_alone():
    a, b = (random_images(1, seed=seed).double() for seed in (1, 2))
    kept = a.clone(), b.clone()
    ssim(a, b, 255)
    assert torch.equal(a, kept[0]) and torch.equal(b, kept[1])


def _ms_ssim_by_hand(x, y, peak):
    """Wang et al. 2003 of two planes: contrast at each scale, at the last all of it."""
    weights = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
    result = 1.0
    for weight in weights[:-1]:
        result *= max(_contrast(x, y, peak), 0) ** weight
        x, y = (
            (p[::2, ::2] + p[1::2, ::2] + p[::2, 1::2] + p[1::2, 1::2]) / 4
            for p in (x, y)
        )
    last = structural_similarity(
        x,
        y,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=peak,
    )
    return result * max(last, 0) ** weights[-1]


def _contrast(x, y, peak):
    def mean(image):
        return gaussian_filter(image, 1.5, truncate=3.5)[5:-5, 5:-5]

    covariance = mean(x * y) - mean(x) * mean(y)
    variances = mean(x * x) - mean(x) ** 2 + mean(y * y) - mean(y) ** 2
    c2 = (0.03 * peak) ** 2
    return ((2 * covariance + c2) / (variances + c2)).mean()


def test_ms_ssim():
    a, b = random_images(2, (192, 176), seed=1), random_images(2, (192, 176), seed=2)
    b = (0.8 * a + 0.2 * b).byte()
    expected = [
        np.mean([_ms_ssim_by_hand(p, q, 255) for p, q in zip(x.numpy(), y.numpy())])
        for x, y in zip(a.double(), b.double())
    ]
    assert ms_ssim(b, a, 255).tolist() == pytest.approx(expected, abs=1e-10)
    assert ms_ssim(a, a, 255).tolist() == pytest.approx([1, 1])
    with pytest.raises(ValueError, match='images of 176x176 pixels or more'):
        ms_ssim(a[..., :128], b[..., :128], 255)


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
    with pytest.raises(ValueError, match='uniform must be odd, got 4'):
        ssim(image, image, 255, uniform=4)
    with pytest.raises(ValueError, match='uniform windows only'):
        ssim(image, image, 255, sample_covariance=True)
    with pytest.raises(ValueError, match='window of 11 pixels .* images of 32x8'):
        ssim(image[..., :8], image[..., :8], 255)
