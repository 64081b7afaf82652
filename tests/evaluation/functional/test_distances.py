"""Kernel distance and Inception score against torchmetrics."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torchmetrics.image.inception import InceptionScore
from torchmetrics.image.kid import KernelInceptionDistance

from posegen.evaluation.functional import inception_score, kernel_distance


class _Rows(nn.Module):
    """Stands in for Inception: 'images' are the features themselves."""

    def forward(self, rows):
        return rows


def _rows(count, dim=16, seed=0, shift=0.0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(count, dim, generator=generator, dtype=torch.float64) + shift


def test_all_images_in_one_subset_as_torchmetrics():
    real, fake = _rows(40), _rows(40, seed=1, shift=0.2)
    theirs = KernelInceptionDistance(_Rows(), subsets=1, subset_size=40)
    theirs.update(real, real=True)
    theirs.update(fake, real=False)
    ours = kernel_distance(real, fake, subset_size=1000)
    assert ours == pytest.approx(theirs.compute()[0].item(), rel=1e-6)


def test_random_subsets_agree_with_all_images():
    real, fake = _rows(200), _rows(150, seed=1, shift=0.2)
    some = kernel_distance(real, fake, subsets=200, subset_size=50)
    assert some == pytest.approx(_unbiased_mmd(real.numpy(), fake.numpy()), rel=0.02)
    assert kernel_distance(real, fake, 200, 50) == some
    assert kernel_distance(real, fake, 200, 50, seed=1) != some


def _unbiased_mmd(x, y):
    def kernel(a, b):
        return (a @ b.T / a.shape[1] + 1) ** 3

    def mean_of_others(k):
        return (k.sum() - np.trace(k)) / (len(k) * (len(k) - 1))

    own = mean_of_others(kernel(x, x)) + mean_of_others(kernel(y, y))
    return own - 2 * kernel(x, y).mean()


def test_kernel_distance_of_equal_distributions_is_about_zero():
    assert kernel_distance(_rows(300), _rows(300, seed=1)) == pytest.approx(0, abs=2e-3)


@pytest.mark.parametrize(
    ('real', 'fake', 'options', 'message'),
    [
        (_rows(3), _rows(3, dim=15), {}, 'same length, got 16 and 15'),
        (_rows(1), _rows(3), {}, 'real_feats must be of 2 images or more, got 1'),
        (_rows(3), _rows(3)[0], {}, r'fake_feats must be \(n, d\), got \(16,\)'),
        (_rows(3), _rows(3) / 0, {}, 'fake_feats hold values that are not finite'),
        (_rows(3), _rows(3), dict(subsets=0), 'subsets=0, subset_size=1000'),
        (_rows(3), _rows(3), dict(subset_size=1), 'subset_size=1'),
    ],
)
def test_kernel_distance_refuses(real, fake, options, message):
    with pytest.raises(ValueError, match=message):
        kernel_distance(real, fake, **options)


def test_inception_score_of_a_set_without_splits_as_torchmetrics():
    logits = _rows(30, dim=12) * 5
    theirs = InceptionScore(_Rows(), splits=1)
    theirs.update(logits)
    # torchmetrics shuffles, which changes nothing in a single split.
    expected = theirs.compute()[0].item()
    assert inception_score(logits, splits=1) == pytest.approx(expected, rel=1e-6)


def test_inception_score_splits_in_listing_order():
    logits = _rows(23, dim=5) * 5
    parts = [logits[i * 23 // 4 : (i + 1) * 23 // 4] for i in range(4)]
    expected = np.mean([inception_score(part, splits=1) for part in parts])
    assert inception_score(logits, splits=4) == pytest.approx(expected)
    shuffled = logits[torch.randperm(23, generator=torch.Generator().manual_seed(0))]
    assert inception_score(shuffled, splits=4) != pytest.approx(expected)


def test_inception_score_bounds():
    sure = torch.eye(10) * 100  # ten classes, each certain
    assert inception_score(sure, splits=1) == pytest.approx(10)
    assert inception_score(torch.zeros(10, 10), splits=2) == pytest.approx(1)


def test_inception_score_needs_an_image_for_each_split():
    with pytest.raises(ValueError, match='logits must be of 10 images or more, got 9'):
        inception_score(_rows(9))
