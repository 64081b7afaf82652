"""What happens in one process ends the training of all, with the state saved."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from posegen.engine.agreement import any_process, control_group, from_all
from posegen.engine.stage_record import read_record
from tests.helpers import warm
from tests.helpers.toy_training import toy_config, write_config

ROOT = Path(__file__).resolve().parents[2]


def test_a_single_process_agrees_with_itself() -> None:
    assert control_group() is None
    assert any_process(True) and not any_process(False)
    assert from_all('a') == ['a']


def train_in_two(
    tmp_path: Path, settings: dict, *more: str, fresh: bool = False
) -> subprocess.CompletedProcess:
    python = sys.executable if fresh else warm.python()
    config = write_config(tmp_path / 'toy.py', settings)
    command = [
        *(python, '-m', 'torch.distributed.run', '--nproc-per-node=2'),
        *('--standalone', str(ROOT / 'tools' / 'train.py'), str(config)),
        *('--launcher', 'pytorch', '--work-dir', str(tmp_path / 'run'), *more),
    ]
    env = {
        **os.environ,
        'OMP_NUM_THREADS': '1',
        'PYTHONPATH': str(ROOT),
        'PYTHON_EXEC': python,
    }
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)


@pytest.mark.skipif(torch.cuda.is_available(), reason='the CPU path: gloo')
def test_sigterm_to_one_of_two_saves_once_and_ends_both(tmp_path: Path) -> None:
    tell = dict(type='SigtermHook', iteration=3, rank=1)
    settings = toy_config(
        iters=5, custom_hooks=[tell], stages=toy_config()['stages'][:1]
    )
    done = train_in_two(tmp_path, settings)
    assert done.returncode != 0
    assert done.stderr.count('posegen: stopped by SIGTERM after iteration 3') == 1
    assert '143' in done.stderr
    record = read_record(tmp_path / 'run' / 'flow')
    assert record.iterations == 3 and not record.finished
    saved = torch.load(tmp_path / 'run/flow/iter_3.pth', weights_only=True)
    assert len(saved['posegen']['random_states']) == 2
    settings['custom_hooks'] = []
    done = train_in_two(tmp_path, settings, '--resume')
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(torch.cuda.is_available(), reason='the CPU path: gloo')
def test_a_nan_in_one_of_two_names_its_samples(tmp_path: Path) -> None:
    model = toy_config()['model'] | dict(poison_at=2, poison_rank=1)
    done = train_in_two(tmp_path, toy_config(model=model))
    assert done.returncode != 0
    lines = [line for line in done.stderr.splitlines() if 'loss_rec is nan' in line]
    assert lines and all('at iteration 2 (samples people/' in line for line in lines)
    samples = lines[0].partition('(samples ')[2].partition(')')[0].split(', ')
    assert len(samples) == 2  # those of one process
    saved = torch.load(tmp_path / 'run/flow/nonfinite_iter_1.pth', weights_only=True)
    assert all(value.isfinite().all() for value in saved['state_dict'].values())
    # The other process got the same gradients, and stopped by itself.
    assert 'Connection closed' not in done.stderr


@pytest.mark.skipif(torch.cuda.is_available(), reason='the CPU path: gloo')
def test_validation_batches_may_be_unequal(tmp_path: Path) -> None:
    """Three samples for two processes, none twice: one has a batch more."""
    data = toy_config()['val_dataloader'] | dict(batch_size=1)
    data['sampler'] = dict(type='DefaultSampler', shuffle=False, round_up=False)
    stages = toy_config(iters=2)['stages'][:1]
    done = train_in_two(
        tmp_path, toy_config(stages=stages, val_dataloader=data), fresh=True
    )
    assert done.returncode == 0, done.stderr
    assert read_record(tmp_path / 'run' / 'flow').metrics['toy_count'] == 3
