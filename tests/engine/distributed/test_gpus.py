"""The same script on GPUs, through NCCL."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from posegen.engine.stage_record import read_record
from tests.engine.distributed.conftest import small_config
from tests.helpers.scripts import script
from tests.helpers.toy_training import write_config

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize('count', [1, 2])
def test_processes_train_and_test_on_gpus(
    count: int, pairs: Path, tmp_path: Path
) -> None:
    if torch.cuda.device_count() < count:
        pytest.skip(f'needs {count} GPUs')
    settings = small_config('gfla', pairs, batch=2, iters=2)
    settings.update(test_evaluator=[dict(type='SSIM')])
    settings['custom_imports']['imports'].append('tests.helpers.in_step')
    settings['custom_hooks'] = [dict(type='InStepHook', backend='nccl')]
    path = write_config(tmp_path / 'small.py', settings)
    run = ('--work-dir', tmp_path / 'run')
    done = script('dist_train.sh', path, count, *run, folder=tmp_path)
    assert done.code == 0, done.errors
    assert read_record(tmp_path / 'run' / 'full').finished
    weights = tmp_path / 'run/full/latest.pth'
    out = ('--out', tmp_path / 'out')
    done = script('dist_test.sh', path, weights, count, *run, *out, folder=tmp_path)
    assert done.code == 0, done.errors
    assert len([*(tmp_path / 'out').iterdir()]) == 11


def test_a_process_without_a_gpu_is_refused(pairs: Path, tmp_path: Path) -> None:
    if not torch.cuda.is_available():
        pytest.skip('needs a GPU')
    path = write_config(tmp_path / 'small.py', small_config('gfla', pairs, 2, 2))
    count = torch.cuda.device_count() + 1
    run = ('--work-dir', tmp_path / 'run')
    done = script('dist_train.sh', path, count, *run, folder=tmp_path)
    assert done.code == 2
    assert 'start as many processes as there are GPUs' in done.errors
