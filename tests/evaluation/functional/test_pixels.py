"""PSNR and L1 by hand."""

from __future__ import annotations

import math

import pytest
import torch

from posegen.evaluation.functional import l1, psnr
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
