"""PSNR and L1 by hand."""

from __future__ import annotations

import math

import pytest
import torch

from posegen.evaluation.functional import (
    generated_range,
    l1,
    mae_ratio,
    mse,
    psnr,
    psnr_of_set,
)
from tests.evaluation.helpers import random_images


def test_known_values():
    black, grey = torch.zeros(2, 3, 4, 4), torch.full((2, 3, 4, 4), 51.0)
    expected = 20 * math.log10(255 / 51)
    assert psnr(grey, black, 255).tolist() == pytest.approx([expected] * 2)
    assert l1(grey, black, 255).tolist() == pytest.approx([0.4] * 2)


def test_uint8_does_not_wrap_around():
    dark = torch.zeros(1, 3, 2, 2, dtype=torch.uint8)
    bright = torch.full((1, 3, 2, 2), 255, dtype=torch.uint8)
    assert psnr(dark, bright, 255).item() == pytest.approx(0)
    assert l1(dark, bright, 255).item() == pytest.approx(2)


@pytest.mark.parametrize('score', [psnr, l1])
def test_the_scale_does_not_matter(score):
    a, b = random_images(3, seed=1), random_images(3, seed=2)
    unit = [image.double() / 127.5 - 1 for image in (a, b)]
    torch.testing.assert_close(score(a, b, 255), score(*unit, 2))


def test_one_data_range_per_image():
    a, b = random_images(2, seed=1), random_images(2, seed=2)
    both = psnr(a, b, torch.tensor([255, 100]))
    assert both[0] == psnr(a, b, 255)[0]
    assert both[1] == psnr(a, b, 100)[1]


def test_equal_images():
    image = random_images(1)
    assert psnr(image, image, 255).item() == math.inf
    assert l1(image, image, 255).item() == 0


@pytest.mark.parametrize('score', [psnr, l1])
def test_refusals(score):
    image = random_images(2)
    with pytest.raises(ValueError, match='same shape'):
        score(image, image[:1], 255)
    with pytest.raises(ValueError, match='same shape'):
        score(image[0], image[0], 255)
    with pytest.raises(ValueError, match='data_range must be positive'):
        score(image, image, 0)


def test_bytes_and_floats_score_the_same():
    a, b = random_images(3, seed=1), random_images(3, seed=2)
    for score in (mse, lambda x, y: psnr(x, y, 255), lambda x, y: l1(x, y, 255)):
        torch.testing.assert_close(score(a, b), score(a.double(), b.double()))
    # not contiguous
    assert mse(a.mT, b.mT).tolist() == mse(a, b).tolist()


def test_scales_of_l1():
    a, b = random_images(2, seed=1), random_images(2, seed=2)
    half = l1(a, b, 255, '[0,1]')
    torch.testing.assert_close(l1(a, b, 255), 2 * half)
    expected = (a.double() - b.double()).abs().sum() / (a.double() + b.double()).sum()
    assert mae_ratio(a.flatten(0, 1)[None], b.flatten(0, 1)[None]).item() == (
        pytest.approx(expected.item())
    )


def test_pooled_errors():
    errors = torch.tensor([1e-1, 1e-2, 1e-3, 1e-4, 1e-5], dtype=torch.float64)
    scores = -10 * torch.log10(errors)
    whole = -10 * math.log10(errors.mean().item())
    assert psnr_of_set(scores).item() == pytest.approx(whole)
    assert psnr_of_set(scores, 1).item() == pytest.approx(scores.mean().item())
    batches = [-10 * math.log10(part.mean().item()) for part in errors.split(2)]
    by_two = (2 * batches[0] + 2 * batches[1] + batches[2]) / 5
    assert psnr_of_set(scores, 2).item() == pytest.approx(by_two)
    assert whole < by_two < scores.mean()


def test_pooled_errors_of_a_perfect_image():
    both = psnr_of_set(torch.tensor([math.inf, 20.0], dtype=torch.float64))
    assert both.item() == pytest.approx(20 + 10 * math.log10(2))


def test_range_of_each_image():
    image = torch.tensor([3, 250, 17]).byte().view(1, 3, 1, 1)
    assert generated_range(torch.cat([image, image // 2])).tolist() == [247, 124]


def test_masks_of_other_shapes_are_refused():
    image = random_images(2)
    with pytest.raises(ValueError, match=r'mask must be \(B, H, W\)'):
        mse(image, image, torch.ones(2, 1, 32, 24))
    nothing = torch.zeros(2, 32, 24, dtype=torch.bool)
    assert mse(image, image, nothing).isnan().all()
