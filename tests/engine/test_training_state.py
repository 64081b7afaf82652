"""What a model keeps beside weights is in the checkpoint, and training goes on from it.

PATN's pools of generated images are the example.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from posegen.engine import StagedRunner, load_config
from posegen.engine.training_state import restore_training_state, training_state
from posegen.utils.paths import configs_root
from tests.engine.conftest import weights_of
from tests.helpers.pair_set import write_pair_set


@pytest.fixture(scope='module')
def patn_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Callable]:
    """Work dir of four steps with a checkpoint after two, and what trained it."""
    root = tmp_path_factory.mktemp('patn')
    for seed, split in enumerate(('train', 'test')):
        write_pair_set(root / 'data', size=(128, 64), split=split, seed=seed)

    def train(work_dir: Path, resume: bool | Path = False) -> None:
        options = [
            f'data_root={root / "data"}',
            f'work_dir={work_dir}',
            'default_hooks.checkpoint.interval=2',
            'default_hooks.sample_grid=None',
            'train_dataloader.batch_size=2',
            'model.pool_size=2',  # full after the first step
            'val_dataloader.dataset.truth_dir=None',
            'test_dataloader.dataset.truth_dir=None',
        ]
        for name in ('train', 'val'):
            options += [
                f'{name}_dataloader.num_workers=0',
                f'{name}_dataloader.persistent_workers=False',
            ]
        config = configs_root() / 'patn' / 'patn_synthetic-128x64_tiny.py'
        StagedRunner.from_cfg(load_config(config, options)).train(resume=resume)

    train(root / 'straight')
    return root / 'straight', train


def resumed_weights(run: tuple[Path, Callable], folder: Path, change: Callable) -> dict:
    """Weights after going on from the checkpoint in the middle."""
    straight, train = run
    copy = Path(shutil.copytree(straight, folder / 'resumed', symlinks=True))
    middle = copy / 'full' / 'iter_2.pth'
    content = torch.load(middle, weights_only=True)
    change(content['posegen'])
    torch.save(content, middle)
    train(copy, resume=middle)
    return weights_of(copy / 'full' / 'iter_4.pth')


def test_a_checkpoint_holds_the_pools(patn_run: tuple[Path, Callable]) -> None:
    path = patn_run[0] / 'full' / 'iter_2.pth'
    (state,) = torch.load(path, weights_only=True)['posegen']['training_states']
    shapes = {
        name: [tuple(item.shape) for item in kept] for name, kept in state.items()
    }
    assert shapes == dict(pp=[(6, 128, 64)] * 2, pb=[(21, 128, 64)] * 2)


def test_a_resumed_run_equals_one_without_a_stop(
    patn_run: tuple[Path, Callable], tmp_path: Path
) -> None:
    resumed = resumed_weights(patn_run, tmp_path, lambda own: None)
    straight = weights_of(patn_run[0] / 'full' / 'iter_4.pth')
    assert all(torch.equal(straight[key], resumed[key]) for key in straight)


def test_without_the_pools_it_would_not(
    patn_run: tuple[Path, Callable], tmp_path: Path
) -> None:
    resumed = resumed_weights(
        patn_run, tmp_path, lambda own: own.pop('training_states')
    )
    straight = weights_of(patn_run[0] / 'full' / 'iter_4.pth')
    differing = {k for k in straight if not torch.equal(straight[k], resumed[k])}
    assert any(key.startswith('discriminators.') for key in differing)


def test_a_model_that_keeps_nothing_has_an_empty_state() -> None:
    assert training_state(nn.Linear(1, 1)) == {}
    restore_training_state(nn.Linear(1, 1), {})
