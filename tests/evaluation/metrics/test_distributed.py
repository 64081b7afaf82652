"""Two processes give the numbers of one."""

from __future__ import annotations

import os
import socket

import pytest
import torch
import torch.distributed as dist
from mmengine.dataset import DefaultSampler
from mmengine.evaluator import Evaluator

from posegen.registry import METRICS
from posegen.utils.images import save_image
from tests.evaluation.helpers import random_images
from tests.evaluation.metrics import networks
from tests.evaluation.metrics.samples import evaluate, make_samples
from tests.helpers.forked import run_ranks

COUNT = 11  # odd: the sampler repeats one sample, which must not count twice
SIZE = (48, 40)
CONFIGS = [
    dict(type='SSIM'),
    dict(type='PSNR'),
    dict(type='L1'),
    dict(type='SSIM', masked=True),
    dict(type='FlowEndPointError'),
    dict(type='RegionScores'),
    dict(type='LPIPS'),
    dict(type='LPIPS', masked=True),
    dict(type='FID'),
    dict(type='KID'),
    dict(type='InceptionScore'),
    dict(type='ProtocolScores', protocol='posegen'),
    dict(type='ProtocolScores', protocol='dior', metrics=('lpips', 'psnr')),
    dict(type='ProtocolScores', protocol='vtoneval', metrics=('psnr', 'lpips_squeeze')),
]


def _configs(real_dir):
    to_folder = dict(type='FID', protocol='cfld', real_dir=real_dir, prefix='folder')
    return [*CONFIGS, to_folder]


def _rank_main(rank, port, folder, real_dir, expected):
    os.chdir(folder)
    os.environ.update(MASTER_ADDR='127.0.0.1', MASTER_PORT=str(port))
    torch.set_num_threads(1)
    networks.install(pytest.MonkeyPatch())
    dist.init_process_group('gloo', rank=rank, world_size=2)
    samples = make_samples(COUNT, SIZE)
    mine = [samples[index] for index in DefaultSampler(samples, shuffle=False)]
    assert len(mine) == (COUNT + 1) // 2
    evaluator = Evaluator([METRICS.build(config) for config in _configs(real_dir)])
    for start in range(0, len(mine), 4):
        evaluator.process(mine[start : start + 4])
    values = evaluator.evaluate(COUNT)
    # NaN: no pixel of these samples is hidden.
    assert values == pytest.approx(expected, rel=1e-5, nan_ok=True)
    exact = {name: values[name] for name in ('ssim', 'psnr', 'l1', 'mask_ssim', 'epe')}
    assert exact == pytest.approx({k: expected[k] for k in exact}, rel=0, abs=1e-12)
    dist.destroy_process_group()


@pytest.mark.usefixtures('random_networks')
def test_two_processes_give_the_numbers_of_one(tmp_path):
    real_dir, folder = tmp_path / 'real', tmp_path / 'work'
    folder.mkdir()
    for index, image in enumerate(random_images(9, (256, 176), seed=7)):
        save_image(real_dir / f'{index}.png', image.permute(1, 2, 0).numpy())
    samples = make_samples(COUNT, SIZE)
    expected = evaluate(_configs(str(real_dir)), samples, batch_size=3)
    assert len(expected) > 25
    twice = evaluate(_configs(str(real_dir)), [*samples, samples[0]], batch_size=3)
    for name in ('psnr', 'lpips', 'fid', 'kid', 'folder/fid', 'posegen/ssim'):
        assert twice[name] != pytest.approx(expected[name], rel=1e-4)  # can be told
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    run_ranks(_rank_main, port, str(folder), str(real_dir), expected)
    assert not list(folder.iterdir())  # MMEngine's .dist_test
