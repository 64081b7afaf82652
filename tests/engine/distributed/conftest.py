"""A small set of pairs, and options that let every method train on it in seconds."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.helpers.forked import ROOT, run, start_ranks
from tests.helpers.pair_set import write_pair_set

SIZE = (64, 64)


@pytest.fixture(autouse=True)
def _without_gpu() -> None:
    if torch.cuda.is_available():
        pytest.skip('the processes share a CPU through gloo')


@pytest.fixture(scope='session')
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data of synthetic people, 8 training pairs and 11 test pairs."""
    root = tmp_path_factory.mktemp('pairs')
    write_pair_set(root, num_people=4, size=SIZE)
    write_pair_set(root, num_people=2, views=3, size=SIZE, seed=1, split='test')
    names = root / 'synthetic-pairs-test.csv'
    rows = names.read_text().splitlines(keepends=True)
    names.write_text(''.join(rows[:-1]))
    return root


def config_of(method: str) -> Path:
    """The smallest config of a method."""
    return ROOT / 'configs' / method / f'{method}_synthetic-128x64_tiny.py'


def options(data: Path, stages: dict[str, int], iters: int) -> list[str]:
    """Changes to such a config: small pictures, no validation, a tiny feature net.

    Args:
        data: Of `pairs`.
        stages: Batch of each stage.
        iters: Iterations of each.
    """
    values = {
        'custom_imports.imports': '[tests.helpers.tiny_features]',
        'data_root': data,
        'val_evaluator': None,
        'default_hooks.sample_grid': None,
    }
    for name in ('train', 'test'):
        values |= {
            f'{name}_dataloader.num_workers': 0,
            f'{name}_dataloader.dataset.image_size': SIZE,
            f'{name}_dataloader.dataset.annotation_size': SIZE,
        }
    values['train_dataloader.persistent_workers'] = False
    values['test_dataloader.dataset.truth_dir'] = None
    for stage, batch in stages.items():
        values[f'stages.{stage}.train_dataloader.batch_size'] = batch
        values[f'stages.{stage}.train_cfg.max_iters'] = iters
    return [f'{key}={value}'.replace(' ', '') for key, value in values.items()]


def in_one_process(*arguments: str | Path, log: Path) -> None:
    """Run a command that has to end well."""
    run(*arguments, log=log)


def in_two_processes(*arguments: str | Path, log: Path) -> None:
    """The same in two processes."""
    processes = start_ranks(*arguments, log=log)
    codes = [process.wait() for process in processes]
    assert codes == [0, 0], [process.shown() for process in processes]
