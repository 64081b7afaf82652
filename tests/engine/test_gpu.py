"""What only a GPU can show: NCCL, half precision, the memory of the paper's setting.

All in one process: on a fresh machine, starting another takes longer than training.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
import torch.distributed as dist

from posegen import cli
from posegen.engine.benchmark.cases import make_cases
from posegen.engine.benchmark.subject import build_subject
from posegen.utils.paths import configs_root
from tests.helpers.pair_set import write_pair_set

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU'),
]
#: What the paper trained on: a GPU with 11 GB.
PAPER_GB = 11.0


@pytest.fixture
def options(tmp_path: Path) -> list[str]:
    """Options that make a tiny config of synthetic people read a set of two."""
    for seed, split in enumerate(('train', 'test')):
        write_pair_set(tmp_path / 'data', size=(128, 64), split=split, seed=seed)
    return [
        f'data_root={tmp_path / "data"}',
        'env_cfg.cudnn_benchmark=False',  # looking for the fastest takes longer
        'val_dataloader.dataset.truth_dir=None',
        'test_dataloader.dataset.truth_dir=None',
        *(
            f'{name}_dataloader.{option}'
            for name in ('train', 'val')
            for option in ('num_workers=0', 'persistent_workers=False')
        ),
        *(
            f'stages.{stage}.{option}'
            for stage in ('flow', 'full')
            for option in ('train_dataloader.batch_size=2', 'train_cfg.max_iters=3')
        ),
    ]


@pytest.fixture
def train(tmp_path: Path, options: list[str]) -> Callable[..., dict]:
    """Train the smallest SPIG; gives what is in its last checkpoint."""

    def run(*more: str, extra: tuple[str, ...] = ()) -> dict:
        config = configs_root() / 'spig' / 'spig_synthetic-128x64_tiny.py'
        folder = tmp_path / 'run'
        arguments = ['train', str(config), '--work-dir', str(folder), *more, '--debug']
        assert cli.main([*arguments, '--cfg-options', *options, *extra]) == 0
        return torch.load(folder / 'full' / 'iter_3.pth', weights_only=True)

    return run


@pytest.fixture
def only_rank(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What torchrun tells the only process that it starts."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    told = dict(RANK=0, LOCAL_RANK=0, WORLD_SIZE=1, LOCAL_WORLD_SIZE=1)
    for name, value in dict(told, MASTER_ADDR='127.0.0.1', MASTER_PORT=port).items():
        monkeypatch.setenv(name, str(value))
    yield
    if dist.is_initialized():
        dist.destroy_process_group()


def assert_finite(checkpoint: dict) -> None:
    assert all(v.isfinite().all() for v in checkpoint['state_dict'].values())
    assert 'cuda' in checkpoint['posegen']['random_states'][0]


@pytest.mark.parametrize('stage', ['flow', 'full'])
def test_a_step_of_the_paper_fits_its_gpu(stage: str) -> None:
    config = configs_root() / 'spig' / 'spig_deepfashion-256x256.py'
    more = ['env_cfg.cudnn_benchmark=False']
    (case,) = make_cases([str(config)], stage=stage, device='cuda', options=more)
    assert (case.batch_size, case.size) == (6, (256, 256))
    subject = build_subject(case, training=True)
    torch.cuda.reset_peak_memory_stats()
    for _ in range(2):  # the optimizers' state is there from the first step on
        subject.train_step()
    peak = torch.cuda.max_memory_allocated() / 1e9
    print(f'stage {stage}: peak {peak:.2f} GB')
    assert peak < PAPER_GB


@pytest.mark.usefixtures('only_rank')
def test_one_process_trains_through_nccl(train: Callable) -> None:
    checkpoint = train('--launcher', 'pytorch')
    assert dist.get_backend() == 'nccl'
    assert_finite(checkpoint)
    assert not [key for key in checkpoint['state_dict'] if 'module' in key]


@pytest.mark.parametrize('kind', ['bf16', 'fp16'])
def test_mixed_precision_trains(kind: str, train: Callable) -> None:
    checkpoint = train('--amp', kind)
    assert_finite(checkpoint)
    scale = checkpoint['optimizer']['generator']['loss_scaler']
    assert bool(scale) == (kind == 'fp16')


def test_compiled_networks_train(train: Callable) -> None:
    networks = "('generator','discriminators')"
    assert_finite(train(extra=(f'compile.networks={networks}',)))
