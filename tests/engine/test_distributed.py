"""The paper's model and PATN in two processes, without a GPU."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.helpers.pair_set import write_pair_set

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(torch.cuda.is_available(), reason='the CPU path: gloo')
@pytest.mark.parametrize(
    ('method', 'stages'),
    # PATN has an optimizer for each discriminator, and pools in each process.
    [('spig', ('flow', 'full')), ('patn', ('full',))],
)
def test_stages_train_in_two_processes(
    method: str, stages: tuple[str, ...], tmp_path: Path
) -> None:
    for seed, split in enumerate(('train', 'test')):
        write_pair_set(tmp_path / 'data', size=(128, 64), split=split, seed=seed)
    loaders = [
        f'{name}_dataloader.{option}'
        for name in ('train', 'val')
        for option in ('num_workers=0', 'persistent_workers=False')
    ]
    options = [
        f'data_root={tmp_path / "data"}',
        'val_dataloader.dataset.truth_dir=None',
        'test_dataloader.dataset.truth_dir=None',
        'train_dataloader.batch_size=2',
        *(f'stages.{stage}.train_dataloader.batch_size=2' for stage in stages),
        *(f'stages.{stage}.train_cfg.max_iters=2' for stage in stages),
        *loaders,
    ]
    command = [
        *(sys.executable, '-m', 'torch.distributed.run', '--nproc-per-node=2'),
        *('--standalone', str(ROOT / 'tools' / 'train.py')),
        str(ROOT / f'configs/{method}/{method}_synthetic-128x64_tiny.py'),
        *('--launcher', 'pytorch', '--work-dir', str(tmp_path / 'run')),
        *('--cfg-options', *options),
    ]
    env = {**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHONPATH': str(ROOT)}
    done = subprocess.run(
        command, cwd=tmp_path, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    content = torch.load(tmp_path / 'run/full/iter_2.pth', weights_only=True)
    assert not [key for key in content['state_dict'] if 'module' in key]
    states = content['posegen']['training_states']
    assert [set(state) for state in states] == 2 * [
        {'pp', 'pb'} if method == 'patn' else set()
    ]
