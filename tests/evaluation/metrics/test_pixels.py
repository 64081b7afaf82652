"""Metrics that need no network."""

from __future__ import annotations

import math

import pytest
import torch

from posegen.codecs import pose_mask
from posegen.evaluation import functional as F
from tests.evaluation.metrics.samples import SIZE, evaluate, images_of, make_samples

PIXEL_METRICS = [
    dict(type='SSIM'),
    dict(type='PSNR'),
    dict(type='L1'),
    dict(type='SSIM', masked=True),
]


def test_names_have_no_prefix():
    values = evaluate(PIXEL_METRICS, make_samples(2))
    assert set(values) == {*('ssim', 'psnr', 'l1', 'mask_ssim')}
    assert all(math.isfinite(value) for value in values.values())
    assert set(evaluate([dict(type='L1', prefix='val')], make_samples(2))) == {'val/l1'}


def test_means_over_images():
    samples = make_samples(3)
    fake, real = images_of(samples)
    values = evaluate(PIXEL_METRICS, samples)
    assert values['ssim'] == pytest.approx(F.ssim(fake, real, 255).mean().item())
    assert values['psnr'] == pytest.approx(F.psnr(fake, real, 255).mean().item())
    assert values['l1'] == pytest.approx(F.l1(fake, real, 255).mean().item())


def test_mask_blackens_both_images():
    (sample,) = make_samples(1)
    mask = torch.from_numpy(pose_mask(sample['target_keypoints'].numpy(), SIZE))
    expected = F.ssim(
        (sample['image'] * mask)[None], (sample['target_image'] * mask)[None], 255
    )
    values = evaluate([dict(type='SSIM', masked=True)], [sample])
    assert values['mask_ssim'] == pytest.approx(expected.item())


def test_refuses_images_that_are_not_stored_ones():
    samples = make_samples(1)
    samples[0]['image'] = samples[0]['image'].float()
    with pytest.raises(TypeError, match='image must be uint8, got torch.float32'):
        evaluate([dict(type='PSNR')], samples)
