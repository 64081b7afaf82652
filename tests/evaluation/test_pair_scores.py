"""Records of pair metrics against the libraries that published code calls."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from posegen.evaluation.pair_scores import score_pairs
from posegen.evaluation.protocols import get_protocol
from tests.evaluation.helpers import random_images

FAKE, REAL = (random_images(2, (64, 56), seed) for seed in (1, 2))
FAKE = FAKE // 2 + 30  # a range of its own


def _hwc(images):
    return images.permute(0, 2, 3, 1).numpy()


def _ssim(**options):
    def score(fake, real):
        return structural_similarity(real, fake, channel_axis=-1, **options)

    return score


def _own_range(sigma):
    def score(fake, real):
        options = dict(gaussian_weights=True, sigma=sigma, use_sample_covariance=False)
        limits = float(fake.max()) - float(fake.min())
        return _ssim(data_range=limits, **options)(fake * 1.0, real * 1.0)

    return score


def _error(fake, real):
    return np.abs(fake.astype(float) - real)


@pytest.mark.parametrize(
    ('protocol', 'metric', 'expected'),
    [
        ('gfla', 'ssim', _own_range(1.5)),
        ('pcdms', 'ssim', _own_range(1.2)),
        ('gfla', 'ssim_win51', _ssim(win_size=51, data_range=255)),
        ('prasunroy', 'ssim', _ssim()),
        ('gfla', 'psnr', lambda f, r: peak_signal_noise_ratio(r / 255, f / 255)),
        ('gfla', 'l1', lambda f, r: _error(f, r).mean() / 255),
        ('patn', 'l1', lambda f, r: _error(f, r).mean() / 127.5),
        ('gfla', 'mae_ratio', lambda f, r: _error(f, r).sum() / (f * 1.0 + r).sum()),
        (
            'pise',
            'psnr',
            lambda f, r: 10 * np.log10(255**2 / ((r - f) * (r - f)).mean()),
        ),
    ],
)
def test_a_record_is_what_the_published_code_computes(protocol, metric, expected):
    record = get_protocol(protocol).metric(metric)
    values = score_pairs(record, FAKE, REAL)
    assert values.dtype == torch.float64
    theirs = [expected(*pair) for pair in zip(_hwc(FAKE), _hwc(REAL))]
    assert values.tolist() == pytest.approx(theirs, abs=1e-6)


def test_a_flat_result_has_no_range_of_its_own():
    flat = torch.full_like(FAKE, 9)
    with pytest.raises(ValueError, match='one value throughout'):
        score_pairs(get_protocol('gfla').metric('ssim'), flat, REAL)
    assert score_pairs(get_protocol('posegen').metric('ssim'), flat, REAL).max() < 1
