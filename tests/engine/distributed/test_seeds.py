"""Random numbers and samples of two processes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.engine.distributed.conftest import in_two_processes
from tests.helpers.faults import assert_same_checkpoint, read_names
from tests.helpers.toy_training import toy_config, write_config


@pytest.fixture
def train(tmp_path: Path) -> Callable[..., Path]:
    """Train the first toy stage in two processes; returns its folder."""

    def run(name: str, iters: int, differ: bool, *more: str) -> Path:
        settings = toy_config(iters=iters, randomness=dict(seed=0))
        settings['randomness']['diff_rank_seed'] = differ
        modules = ('tests.helpers.faults', 'tests.helpers.in_step')
        settings['custom_imports']['imports'] += modules
        settings['custom_hooks'] = [dict(type='NamesHook'), dict(type='InStepHook')]
        path = write_config(tmp_path / 'toy.py', settings)
        words = (path, '--work-dir', tmp_path / name, '--stage', 'flow', *more)
        in_two_processes('train', *words, log=tmp_path / 'log')
        return tmp_path / name / 'flow'

    return run


def generators_differ(folder: Path, iters: int) -> bool:
    content = torch.load(folder / f'iter_{iters}.pth', weights_only=True)
    first, second = (state['torch'] for state in content['posegen']['random_states'])
    return not torch.equal(first, second)


@pytest.mark.parametrize('differ', [False, True])
def test_processes_share_the_samples(train: Callable, differ: bool) -> None:
    """Ten samples in five iterations: each once, in one process or the other."""
    folder = train('run', 5, differ, '--cfg-options', 'train_dataloader.batch_size=1')
    names = read_names(folder.parent)
    assert len(names) == 2 * 5
    samples = [sample for some in names.values() for sample in some]
    assert len(samples) == len(set(samples)) == 10
    assert generators_differ(folder, 5) is differ


def test_different_seeds_are_resumed(train: Callable) -> None:
    straight = train('straight', 4, True)
    train('resumed', 2, True)
    resumed = train('resumed', 4, True, '--resume')
    assert_same_checkpoint(straight / 'iter_4.pth', resumed / 'iter_4.pth')
    assert read_names(straight.parent) == read_names(resumed.parent)
