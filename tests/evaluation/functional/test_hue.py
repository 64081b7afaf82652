"""Hues of regions and their correlation."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from posegen.evaluation import functional as F
from tests.evaluation.helpers import random_images

SIZE = (24, 20)


@pytest.fixture
def pairs():
    """Results, targets and labels of 8 pairs with clothes of one color each."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.zeros(8, *SIZE, dtype=torch.uint8)
    labels[:, :2], labels[:, 2:12], labels[:, 12:] = 1, 2, 3
    labels[0, 12:, :12] = 0  # 96 pixels of legs are left: too few
    target = random_images(8, SIZE, 1) // 4
    colors = torch.randint(0, 190, (8, 2, 3), generator=generator).byte()
    target[:, :, 2:12] += colors[:, 0, :, None, None]
    target[:, :, 12:] += colors[:, 1, :, None, None]
    noise = random_images(8, SIZE, 2)
    pred = (target.float() * 0.7 + noise * 0.3).byte()
    pred[:, 0, 12:] = noise[:, 0, 12:]  # legs lose their red
    return pred, target, labels


def independent(pred, target, labels):
    """The same by loops over numpy arrays."""
    axes = []
    for axis in (lambda r, g, b: r - g, lambda r, g, b: (r + g) / 2 - b):
        values = []
        for one, other, label in zip(pred, target, labels):
            for part in (2, 3):
                region = label.numpy() == part
                if region.sum() > 100:
                    values.append(
                        [
                            axis(*image.numpy()[:, region].astype(float)).mean()
                            for image in (one, other)
                        ]
                    )
        axes.append(np.corrcoef(np.array(values).T)[0, 1])
    return len(values), np.mean(axes)


def correlate(pred, target, labels):
    return F.hue_correlation(F.region_hues(pred, labels), F.region_hues(target, labels))


def test_against_numpy(pairs):
    count, expected = independent(*pairs)
    assert count == 15
    assert 0.1 < expected < 0.99
    assert correlate(*pairs) == pytest.approx(expected, abs=1e-12)


def test_hues_of_plain_colors():
    images = torch.tensor([200, 100, 30]).view(1, 3, 1, 1).expand(1, 3, 12, 10).byte()
    labels = torch.full((1, 12, 10), 2)
    hues = F.region_hues(images, labels)
    assert hues.shape == (1, 2, 2)
    assert hues[0, 0].tolist() == [100, 120]
    assert hues[0, 1].isnan().all()
    assert F.region_hues(images, labels, (2,), min_pixels=119).isfinite().all()
    assert F.region_hues(images, labels, (2,), min_pixels=120).isnan().all()


def test_a_perfect_copy_and_a_fainter_one(pairs):
    _, target, labels = pairs
    assert correlate(target, target, labels) == pytest.approx(1)
    faint = target.double() * 0.3 + 90
    assert correlate(faint, target, labels) == pytest.approx(1)
    assert correlate(255 - target, target, labels) == pytest.approx(-1)


def test_gray_results_have_none(pairs):
    pred, target, labels = pairs
    gray = pred[:, :1].expand(-1, 3, -1, -1)
    assert correlate(gray, target, labels) == 0


@pytest.mark.parametrize('count', [0, 1])
def test_fewer_than_two_regions(pairs, count):
    pred, target, labels = (x[:1] for x in pairs)
    labels = labels if count else torch.zeros_like(labels)
    assert math.isnan(correlate(pred, target, labels))


def test_targets_of_one_hue(pairs):
    pred, target, labels = pairs
    gray = target[:, :1].expand(-1, 3, -1, -1)
    assert math.isnan(correlate(pred, gray, labels))


def test_wrong_shapes(pairs):
    pred, _, labels = pairs
    with pytest.raises(ValueError, match=r'images must be \(B, 3, H, W\), got \(8, 2,'):
        F.region_hues(pred[:, :2], labels)
    with pytest.raises(ValueError, match=r'part_labels must be \(B, H, W\) of images'):
        F.region_hues(pred, labels[:, 1:])
    with pytest.raises(ValueError, match=r'must be \(..., 2\) of the same shape'):
        F.hue_correlation(torch.zeros(3, 2), torch.zeros(2, 2))
