"""Scores over regions of samples."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from posegen.codecs import DEFAULT_PARTS, part_masks
from posegen.registry import METRICS
from posegen.utils.errors import ConfigError, DataError
from tests.evaluation.metrics.samples import evaluate, make_samples


def _psnr(sample, region):
    error = (sample['image'].double() - sample['target_image'])[:, region].square()
    return 10 * math.log10(255**2 / error.mean().item())


def test_parts_by_joints():
    samples = make_samples(3)
    expected = []
    for sample in samples:
        joints = sample['target_keypoints'][None]
        head = part_masks(joints, DEFAULT_PARTS['head'], (48, 32))[0, 0].bool()
        expected.append(_psnr(sample, head))
    values = evaluate([dict(type='RegionScores', regions=['head'])], samples)
    assert set(values) == {'ssim_head', 'psnr_head', 'l1_head'}
    assert values['psnr_head'] == pytest.approx(np.mean(expected))


def test_all_regions_by_the_truth():
    samples = make_samples(2)
    values = evaluate([dict(type='RegionScores', truth=True)], samples)
    assert len(values) == 21
    person = [_psnr(sample, sample['part_labels'] > 0) for sample in samples]
    assert values['psnr_person'] == pytest.approx(np.mean(person))
    leg = [_psnr(sample, sample['part_labels'] == 3) for sample in samples]
    assert values['psnr_leg'] == pytest.approx(np.mean(leg))
    hidden = [
        _psnr(sample, (sample['part_labels'] > 0) & ~sample['visibility_truth'])
        for sample in samples
    ]
    assert values['psnr_hidden'] == pytest.approx(np.mean(hidden))


def test_images_without_the_region_do_not_count():
    samples = make_samples(2)
    samples[0]['part_labels'] = torch.zeros_like(samples[0]['part_labels'])
    metric = [dict(type='RegionScores', regions=['head', 'background'], truth=True)]
    both, alone = evaluate(metric, samples), evaluate(metric, samples[1:])
    assert both['l1_head'] == alone['l1_head']
    assert both['l1_background'] != alone['l1_background']
    assert math.isnan(evaluate(metric, samples[:1])['l1_head'])


def test_refuses():
    with pytest.raises(ConfigError, match=r"no regions \['arm'\]; there are: head"):
        METRICS.build(dict(type='RegionScores', regions=['head', 'arm']))
    samples = make_samples(1)
    del samples[0]['part_labels']
    with pytest.raises(DataError, match="'s0.png' -> 't0.png' has no ground truth"):
        evaluate([dict(type='RegionScores', truth=True)], samples)
    samples = make_samples(1)
    samples[0]['has_truth'] = torch.tensor(False)
    with pytest.raises(DataError, match="'s0.png' -> 't0.png' has no ground truth"):
        evaluate([dict(type='RegionScores', truth=True)], samples)
