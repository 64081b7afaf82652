"""Two processes start from the same values, those of all their data."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import torch
import torch.distributed as dist
from mmengine.model import MMSeparateDistributedDataParallel

from posegen.models.vunet.blocks import calibrating
from posegen.models.vunet.networks import ResidualEncoder
from posegen.utils.checkpoint import strip_wrapper_names
from posegen.utils.compat import wrapper_config
from tests.helpers.forked import run_ranks
from tests.models.vunet.helpers import batch, build, wrappers


def encoder() -> ResidualEncoder:
    torch.manual_seed(0)
    return ResidualEncoder(3, (4, 8), dropout=0.0)


def calibrated(images: torch.Tensor) -> dict[str, torch.Tensor]:
    net = encoder()
    with calibrating(net):
        net(images)
    return net.state_dict()


def rank_main(rank: int, port: int, folder: str) -> None:
    os.environ.update(MASTER_ADDR='127.0.0.1', MASTER_PORT=str(port))
    torch.set_num_threads(1)
    dist.init_process_group('gloo', rank=rank, world_size=2)
    images = torch.load(Path(folder, 'images.pt'))
    # Batches of different sizes: the mean of means would be another number.
    torch.save(calibrated([images[:1], images[1:]][rank]), f'{folder}/net{rank}.pt')
    model = build()
    settings = {**wrapper_config(), 'device_ids': None}
    settings.pop('type')
    wrapped = MMSeparateDistributedDataParallel(model, **settings)
    torch.manual_seed(rank)  # as in training: latents differ
    optimisers = wrappers(model)
    for step in range(2):
        wrapped.train_step(batch(seed=10 * rank + step), optim_wrapper=optimisers)
    torch.save(strip_wrapper_names(model.state_dict()), f'{folder}/model{rank}.pt')
    dist.destroy_process_group()


def test_both_end_with_the_same_values(tmp_path: Path) -> None:
    images = torch.randn(5, 3, 8, 8) * 3 + 1
    torch.save(images, tmp_path / 'images.pt')
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    run_ranks(rank_main, port, str(tmp_path))
    nets, models = (
        [torch.load(tmp_path / f'{name}{rank}.pt') for rank in range(2)]
        for name in ('net', 'model')
    )
    for first, second in (nets, models):
        assert first.keys() == second.keys()
        assert all(torch.equal(first[key], second[key]) for key in first)
    # They are the values of one process that has all the images.
    torch.testing.assert_close(nets[0], calibrated(images), rtol=1e-4, atol=1e-5)
    assert models[0]['generator.is_calibrated']
    gains = {k: v for k, v in models[0].items() if k.endswith('.g') and _is_read(k)}
    assert gains and not any((gain == 1).all() for gain in gains.values())


def _is_read(key: str) -> bool:
    """Whether anything reads the layer's output."""
    unread = ('posterior.last.', 'posterior.scales.1.merge.', 'posterior.scales.1.up.')
    return not any(name in key for name in unread)
