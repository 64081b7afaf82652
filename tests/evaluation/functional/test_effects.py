"""Why numbers of the same images differ: padding, wrapping, windows, ranges."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn.functional import pad

from posegen.evaluation import functional as F
from tests.evaluation.helpers import random_images


def _person_on_white(count=4, size=(256, 176), seed=0):
    """Noisy ellipses on white, and the same people a little off."""
    y, x = torch.meshgrid(*(torch.linspace(-1, 1, n) for n in size), indexing='ij')
    person = (y / 0.9) ** 2 + (x / 0.4) ** 2 < 1
    real = random_images(count, size, seed).float() / 2
    fake = (real + 40 * torch.randn(real.shape)).clamp(0, 255)
    white = torch.full_like(real, 255)
    return (
        torch.where(person, fake, white).byte(),
        torch.where(person, real, white).byte(),
    )


@pytest.fixture
def pair():
    torch.manual_seed(0)
    return _person_on_white()


def _repad(images):
    return pad(images, (40, 40), value=255)


def test_white_padding_raises_scores(pair):
    fake, real = pair
    padded = _repad(fake), _repad(real)
    # The error is the same, and the frame is 256 instead of 176 wide.
    gain = F.psnr(*padded, 255) - F.psnr(fake, real, 255)
    assert gain.tolist() == pytest.approx([10 * math.log10(256 / 176)] * len(fake))
    for kwargs in (dict(), dict(sigma=1.2), dict(uniform=51, sample_covariance=True)):
        assert (
            F.ssim(*padded, 255, **kwargs) > F.ssim(fake, real, 255, **kwargs)
        ).all()


def test_padding_changes_nothing_but_adds_perfect_pixels(pair):
    fake, real = pair
    radius, width = 5, 176
    cut = F.ssim(fake, real, 255)
    whole = F.ssim(_repad(fake), _repad(real), 255)
    edge = F.ssim_map(_repad(fake), _repad(real), 255)[:, radius:-radius]
    seen = torch.cat([edge[..., radius:45], edge[..., 211:-radius]], dim=-1)
    total = cut * (width - 2 * radius) + seen.mean(1).sum(-1)
    torch.testing.assert_close(whole, total / (256 - 2 * radius))


@pytest.mark.parametrize('level', [20, 60, 100, 200])
def test_wrapping_hides_how_wrong_an_image_is(level):
    real = random_images(2, (64, 48))
    noise = level * torch.randn(real.shape, generator=torch.Generator().manual_seed(1))
    fake = (real.float() + noise).clamp(0, 255).byte()
    wrapped = F.psnr_uint8_wrap(fake, real)
    assert (wrapped > 10 * math.log10(255)).all()  # a mean of bytes is at most 255
    assert (wrapped > 26).all() and (wrapped < 32).all()
    assert (F.psnr(fake, real, 255) < 22.5).all()


@pytest.mark.parametrize(('white', 'gain'), [(0, 0), (0.4, 2.22)])
def test_wrapping_gives_everybody_28_dB(white, gain):
    """Any two unrelated pictures: the mean square of a byte modulo 256 is 105.5."""
    fake, real = (random_images(4, (100, 200), seed) for seed in (1, 2))
    columns = round(200 * white)
    fake[..., :columns] = real[..., :columns] = 255
    assert F.psnr(fake, real, 255).max() < 11
    expected = 10 * math.log10(255**2 / 105.5) + gain  # 27.90 dB
    assert F.psnr_uint8_wrap(fake, real).tolist() == pytest.approx(
        [expected] * 4, abs=0.1
    )


def test_wrapping_by_hand():
    dark = torch.zeros(1, 3, 2, 2, dtype=torch.uint8)
    # 200^2 = 40000 = 156 * 256 + 64
    value = F.psnr_uint8_wrap(dark + 200, dark).item()
    assert value == pytest.approx(10 * math.log10(255**2 / 64))
    # 0 - 3 = 253; 253^2 = 64009 = 250 * 256 + 9
    value = F.psnr_uint8_wrap(dark, dark + 3).item()
    assert value == pytest.approx(10 * math.log10(255**2 / 9))
    with pytest.raises(ValueError, match='needs uint8, got torch.float32'):
        F.psnr_uint8_wrap(dark.float(), dark.float())


def test_background_makes_wrapping_worse(pair):
    fake, real = (images // 2 for images in pair)
    gap = F.psnr_uint8_wrap(fake, real) - F.psnr(fake, real, 255)
    far = F.psnr_uint8_wrap(255 - fake, real) - F.psnr(255 - fake, real, 255)
    assert (far > gap).all()


def test_the_range_of_the_image_lowers_ssim():
    real = random_images(3)
    fake = (real.float() * 0.5 + 60).byte()  # little contrast
    narrow = F.ssim(fake, real, F.generated_range(fake))
    assert (narrow < F.ssim(fake, real, 255)).all()


def test_published_windows_disagree(pair):
    fake, real = pair
    scores = [
        F.ssim(fake, real, 255),
        F.ssim(fake, real, 255, sigma=1.2),
        F.ssim(fake, real, 255, uniform=7, sample_covariance=True),
        F.ssim(fake, real, 255, uniform=51, sample_covariance=True),
    ]
    means = [score.mean().item() for score in scores]
    assert len({round(mean, 3) for mean in means}) == len(means)
