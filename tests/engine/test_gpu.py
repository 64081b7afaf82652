"""What only a GPU can show: NCCL, half precision, the memory of the paper's setting."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from posegen.engine.benchmark.cases import make_cases
from posegen.engine.benchmark.subject import build_subject
from posegen.utils.paths import configs_root
from tests.helpers.pair_set import write_pair_set

ROOT = Path(__file__).resolve().parents[2]

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
        'val_dataloader.dataset.truth_dir=None',
        'test_dataloader.dataset.truth_dir=None',
        'train_dataloader.batch_size=2',
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

    def run(*more: str, launch: tuple[str, ...] = (), extra: tuple = ()) -> dict:
        config = configs_root() / 'spig' / 'spig_synthetic-128x64_tiny.py'
        command = [
            *(sys.executable, *launch, str(ROOT / 'tools' / 'train.py'), str(config)),
            *('--work-dir', str(tmp_path / 'run'), *more),
            *('--cfg-options', *options, *extra),
        ]
        env = {**os.environ, 'PYTHONPATH': os.pathsep.join([str(ROOT), *sys.path])}
        done = subprocess.run(
            command, cwd=tmp_path, env=env, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return torch.load(tmp_path / 'run' / 'full' / 'iter_3.pth', weights_only=True)

    return run


def assert_finite(checkpoint: dict) -> None:
    assert all(v.isfinite().all() for v in checkpoint['state_dict'].values())
    assert 'cuda' in checkpoint['posegen']['random_states'][0]


def test_one_process_trains_through_nccl(train: Callable, tmp_path: Path) -> None:
    launch = ('-m', 'torch.distributed.run', '--nproc-per-node=1', '--standalone')
    checkpoint = train('--launcher', 'pytorch', launch=launch)
    assert_finite(checkpoint)
    assert not [key for key in checkpoint['state_dict'] if 'module' in key]
    log = next((tmp_path / 'run' / 'full').rglob('*.log')).read_text()
    assert 'Distributed launcher: pytorch' in log and 'backend' in log


@pytest.mark.parametrize('kind', ['bf16', 'fp16'])
def test_mixed_precision_trains(kind: str, train: Callable) -> None:
    checkpoint = train('--amp', kind)
    assert_finite(checkpoint)
    scale = checkpoint['optimizer']['generator']['loss_scaler']
    assert bool(scale) == (kind == 'fp16')


def test_compiled_networks_train(train: Callable) -> None:
    networks = "('generator','discriminators')"
    assert_finite(train(extra=(f'compile.networks={networks}',)))


@pytest.mark.parametrize('stage', ['flow', 'full'])
def test_a_step_of_the_paper_fits_its_gpu(stage: str) -> None:
    config = configs_root() / 'spig' / 'spig_deepfashion-256x256.py'
    (case,) = make_cases([str(config)], stage=stage, device='cuda')
    assert (case.batch_size, case.size) == (6, (256, 256))
    subject = build_subject(case, training=True)
    torch.cuda.reset_peak_memory_stats()
    for _ in range(2):  # the optimizers' state is there from the first step on
        subject.train_step()
    peak = torch.cuda.max_memory_allocated() / 1e9
    print(f'stage {stage}: peak {peak:.2f} GB')
    assert peak < PAPER_GB
