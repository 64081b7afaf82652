"""Cures for MMEngine; each first test here fails when upstream needs it no more."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.dist import init_dist
from mmengine.logging import MMLogger
from mmengine.model import BaseModel, MMDistributedDataParallel
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.runner import Runner
from torch import nn

from posegen.utils import ConfigError, compat
from tests.helpers.forked import run_ranks

without_gpu = pytest.mark.skipif(
    torch.cuda.is_available(), reason='the cure is for machines without a GPU'
)


@pytest.fixture
def torchrun(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of the only process of a torchrun."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    values = dict(
        RANK=0, LOCAL_RANK=0, WORLD_SIZE=1, MASTER_ADDR='127.0.0.1', MASTER_PORT=port
    )
    for name, value in values.items():
        monkeypatch.setenv(name, str(value))


@without_gpu
@pytest.mark.usefixtures('torchrun')
def test_upstream_needs_a_gpu_for_any_launcher() -> None:
    with pytest.raises((RuntimeError, AssertionError), match='CUDA|NVIDIA'):
        init_dist('pytorch', backend='gloo')
    assert not torch.distributed.is_initialized()


@without_gpu
@pytest.mark.usefixtures('torchrun')
def test_processes_are_joined_without_a_gpu() -> None:
    try:
        compat.init_distributed('pytorch', dict(backend='nccl', timeout=60))
        assert torch.distributed.get_backend() == 'gloo'
        compat.init_distributed('pytorch')  # a second call finds them joined
    finally:
        torch.distributed.destroy_process_group()


@without_gpu
def test_what_cannot_be_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv('RANK', raising=False)
    with pytest.raises(ConfigError, match="'mpi' needs GPUs; .* tools/dist_train.sh"):
        compat.init_distributed('mpi')
    with pytest.raises(ConfigError, match='that torchrun started; start it with'):
        compat.init_distributed('pytorch')
    monkeypatch.delenv('SLURM_PROCID', raising=False)
    with pytest.raises(ConfigError, match='srun started, and SLURM_PROCID, SLURM_NT'):
        compat.init_distributed('slurm')
    compat.init_distributed('none')
    assert not torch.distributed.is_initialized()


@pytest.mark.parametrize(
    ('nodes', 'first'),
    [
        ('login', 'login'),
        ('a,b', 'a'),
        ('node[03-05,9],login', 'node03'),
        ('gpu-2-[7,9]', 'gpu-2-7'),
        ('rack[1-2]node[3-4].lan,x', 'rack1node3.lan'),
    ],
)
def test_the_first_machine_of_a_slurm_job(nodes: str, first: str) -> None:
    assert compat.first_host(nodes) == first


def test_slurm_tells_what_torchrun_would() -> None:
    slurm = dict(SLURM_PROCID='5', SLURM_NTASKS='8', SLURM_NODELIST='n[2-3]')
    assert compat.slurm_environment(slurm) == dict(
        RANK='5', WORLD_SIZE='8', LOCAL_RANK='0', MASTER_ADDR='n2', MASTER_PORT='20000'
    )
    more = dict(SLURM_LOCALID='1', SLURM_JOB_ID='123456', SLURM_STEP_NODELIST='n3')
    found = compat.slurm_environment(slurm | more)
    assert (found['LOCAL_RANK'], found['MASTER_ADDR']) == ('1', 'n3')
    assert found['MASTER_PORT'] == '23456'
    given = dict(MASTER_ADDR='10.0.0.1', MASTER_PORT='4')
    found = compat.slurm_environment(slurm | more | given)
    assert found.items() >= given.items()
    with pytest.raises(ConfigError, match='SLURM_NODELIST is not set here; start it w'):
        compat.slurm_environment(dict(SLURM_PROCID='0', SLURM_NTASKS='1'))


def _join_by_slurm(rank: int, job: int, folder: str) -> None:
    names = ('RANK', 'WORLD_SIZE', 'MASTER_ADDR', 'MASTER_PORT')
    for name in names:
        os.environ.pop(name, None)
    os.environ.update(
        SLURM_PROCID=str(rank),
        SLURM_NTASKS='2',
        SLURM_LOCALID=str(rank),
        SLURM_NODELIST='localhost',
        SLURM_JOB_ID=str(job),
    )
    compat.init_distributed('slurm', dict(backend='nccl'))
    total = torch.tensor([rank + 1.0])
    torch.distributed.all_reduce(total)
    Path(folder, str(rank)).write_text(f'{total.item()} {os.environ["RANK"]}')
    torch.distributed.destroy_process_group()


@without_gpu
def test_processes_of_slurm_are_joined_without_a_gpu(tmp_path: Path) -> None:
    with socket.socket() as probe:  # a job whose port nobody uses
        for job in range(os.getpid(), os.getpid() + 100):
            with contextlib.suppress(OSError):
                probe.bind(('127.0.0.1', 20000 + job % 10000))
                break
    run_ranks(_join_by_slurm, job, str(tmp_path))
    texts = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert texts == {'0': '3.0 0', '1': '3.0 1'}


@pytest.mark.usefixtures('torchrun')
def test_a_process_without_a_gpu_beside_others_that_have_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 2)
    monkeypatch.setenv('LOCAL_RANK', '2')
    with pytest.raises(ConfigError, match='process 3 of this machine .* it sees 2'):
        compat.init_distributed('pytorch')


@without_gpu
@pytest.mark.usefixtures('torchrun')
def test_a_restart_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv('TORCHELASTIC_RESTART_COUNT', '2')
    monkeypatch.setenv('TORCHELASTIC_MAX_RESTARTS', '3')
    try:
        compat.init_distributed('pytorch')
    finally:
        torch.distributed.destroy_process_group()
    assert 'all were started again (2 of at most 3 times)' in capsys.readouterr().err


class Pair(BaseModel):
    """A model of two networks."""

    def __init__(self) -> None:
        super().__init__()
        self.generator, self.discriminators = nn.Linear(1, 1), nn.Linear(1, 1)

    def forward(self, *args: object, **kwargs: object) -> dict:
        return {}


@pytest.fixture
def joined(torchrun: None) -> Iterator[None]:
    """A group of one process without a GPU."""
    compat.init_distributed('pytorch')
    yield
    torch.distributed.destroy_process_group()


def wrap(model_wrapper_cfg: dict | None) -> nn.Module:
    """The model as MMEngine's Runner wraps it."""
    logger = MMLogger.get_current_instance()
    runner = SimpleNamespace(distributed=True, cfg={}, logger=logger)
    return Runner.wrap_model(runner, model_wrapper_cfg, Pair())


@without_gpu
@pytest.mark.usefixtures('joined')
@pytest.mark.parametrize('cfg', [None, dict(type='MMSeparateDistributedDataParallel')])
def test_upstream_wraps_for_gpus_only(cfg: dict | None) -> None:
    with pytest.raises(ValueError, match='device_ids'):
        wrap(cfg)


@without_gpu
@pytest.mark.usefixtures('joined')
def test_upstream_trains_a_wrapped_model_by_one_optimizer_only() -> None:
    model = MMDistributedDataParallel(Pair())
    optimizer = OptimWrapper(torch.optim.SGD(model.parameters(), 0.1))
    with pytest.raises(NotImplementedError, match='each optimizer separately'):
        model.train_step({}, OptimWrapperDict(generator=optimizer))


@without_gpu
@pytest.mark.usefixtures('joined')
def test_networks_are_wrapped_each_without_a_gpu() -> None:
    model = wrap(compat.wrapper_config(find_unused_parameters=True)).module
    for network in (model.generator, model.discriminators):
        assert isinstance(network, MMDistributedDataParallel)
        assert network.find_unused_parameters


def test_upstream_checkpoints_cannot_be_loaded_safely(tmp_path: Path) -> None:
    from mmengine.logging import HistoryBuffer

    torch.save(dict(scalar=HistoryBuffer([1.0], [1])), tmp_path / 'a.pth')
    with pytest.raises(Exception, match='weights_only|Weights only'):
        torch.load(tmp_path / 'a.pth', weights_only=True)
