"""Scores of sets from those of pairs."""

from __future__ import annotations

import math

import numpy as np
import pytest

from posegen.evaluation.aggregate import interval_of, kept_count, pool, too_few
from posegen.evaluation.protocols import PSNR, get_protocol

VALUES = np.array([10.0, 20.0, 30.0])


@pytest.mark.parametrize(
    ('protocol', 'metric', 'count', 'kept'),
    [
        ('gfla', 'fid', 8570, 8512),
        ('gfla', 'lpips', 12000, 11968),
        ('pcdms', 'fid', 8570, 8448),
        ('cfld', 'fid', 8570, 8570),
        ('gfla', 'ssim', 60, 60),
        ('gfla', 'fid', 64, 64),
        ('gfla', 'fid', 60, 60),  # it takes a smaller set for a batch
        ('gfla', 'lpips', 1, 1),
    ],
)
def test_dropped_batches(protocol, metric, count, kept):
    assert kept_count(get_protocol(protocol).metric(metric), count) == kept


def test_dropped_images_do_not_count():
    metric = get_protocol('dior').metric('lpips')  # batches of 8
    assert pool(metric, np.arange(15.0)) == np.arange(8.0).mean()
    assert pool(metric, np.arange(7.0)) == np.arange(7.0).mean()


@pytest.mark.parametrize(
    ('protocol', 'metric', 'least', 'reason'),
    [
        ('posegen', 'fid', 2, '1 image is too few for a covariance'),
        ('vtoneval', 'kid', 2, '1 image is too few for a covariance'),
        ('patn', 'inception_score', 10, '9 images are too few for 10 splits'),
        ('gfla', 'lpips', 1, None),
    ],
)
def test_too_few_images(protocol, metric, least, reason):
    record = get_protocol(protocol).metric(metric)
    assert too_few(record, least) is None
    assert too_few(record, least - 1) == reason


def test_a_stand_in_needs_a_covariance_too():
    assert too_few('fd_efficientnet_lite0', 1) and not too_few('st_lpips', 1)


@pytest.mark.parametrize(
    ('metric', 'expected'),
    [
        (PSNR(name='psnr'), 20),
        (PSNR(name='psnr', mean='set'), -10 * math.log10((0.1 + 0.01 + 0.001) / 3)),
        (
            PSNR(name='psnr', mean='batch', batch_size=2),
            (2 * -10 * math.log10((0.1 + 0.01) / 2) + 30) / 3,
        ),
        ('st_lpips', 20),
    ],
)
def test_means(metric, expected):
    assert pool(metric, VALUES) == pytest.approx(expected)


def test_intervals_hold_the_score_and_repeat():
    values = np.random.default_rng(1).normal(0.5, 0.1, 400)
    metric = get_protocol('posegen').metric('ssim')
    low, high = interval_of(metric, values)
    assert low < values.mean() < high
    # 1.96 standard errors on either side
    assert high - low == pytest.approx(2 * 1.96 * 0.1 / 20, rel=0.15)
    assert interval_of(metric, values) == (low, high)
