"""Hue correlation over samples."""

from __future__ import annotations

import math

import pytest
import torch

from posegen.evaluation import functional as F
from posegen.utils.errors import DataError
from tests.evaluation.metrics.samples import evaluate, images_of, make_samples

METRIC = [dict(type='HueCorrelation')]


def test_it_is_the_function():
    samples = make_samples(5)
    fake, real = images_of(samples)
    labels = torch.stack([sample['part_labels'] for sample in samples])
    hues = [F.region_hues(images, labels) for images in (fake, real)]
    assert hues[0].isfinite().all()
    expected = F.hue_correlation(*hues)
    assert evaluate(METRIC, samples) == {'hue_correlation': pytest.approx(expected)}


def test_options():
    samples = make_samples(3)
    metric = dict(type='HueCorrelation', labels=(1,), min_pixels=10**6, prefix='test')
    value = evaluate([metric], samples)['test/hue_correlation']
    assert math.isnan(value)


@pytest.mark.parametrize('change', [dict(has_truth=torch.tensor(False)), None])
def test_samples_without_truth(change):
    samples = make_samples(1)
    if change is None:
        del samples[0]['part_labels']
    else:
        samples[0] |= change
    with pytest.raises(DataError, match=r"'s0.png' -> 't0.png' has no ground truth of"):
        evaluate(METRIC, samples)
