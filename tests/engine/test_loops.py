"""The place in the data after resuming."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mmengine.dataset import DefaultSampler, InfiniteSampler
from mmengine.hooks import Hook
from torch.utils.data import DataLoader, Dataset

from posegen.engine.loops import EndlessBatches
from posegen.registry import HOOKS, MODELS
from posegen.utils.errors import ConfigError, DataError
from tests.helpers.toy_training import ToyTransfer, loader, toy_config


class Counting(Dataset):
    def __init__(self, length: int) -> None:
        self.length = length
        self.reads = 0

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> int:
        self.reads += 1
        return index


def make_loader(sampler: type, length: int = 7) -> DataLoader:
    data = Counting(length)
    return DataLoader(data, batch_size=3, sampler=sampler(data, shuffle=True, seed=5))


def take(batches: EndlessBatches, count: int) -> list[list[int]]:
    return [batch.tolist() for batch in itertools.islice(batches, count)]


@pytest.mark.parametrize('sampler', [InfiniteSampler, DefaultSampler])
@pytest.mark.parametrize('start', [0, 1, 3, 8])
def test_resumed_batches_are_those_that_would_have_come(
    sampler: type, start: int
) -> None:
    straight = take(EndlessBatches(make_loader(sampler)), 14)
    resumed = take(EndlessBatches(make_loader(sampler), start), 14 - start)
    assert resumed == straight[start:]


def test_an_infinite_sampler_reads_nothing_again() -> None:
    loader = make_loader(InfiniteSampler, length=1000)
    batches = EndlessBatches(loader, start=100_000)
    assert loader.dataset.reads == 0
    next(batches)
    assert loader.dataset.reads == 3


def test_epochs_of_a_finite_sampler_differ_and_are_counted() -> None:
    batches = EndlessBatches(make_loader(DefaultSampler))
    first, second = take(batches, 3), take(batches, 3)
    assert batches.epoch == 1
    assert first != second
    assert sorted(sum(first, [])) == sorted(sum(second, [])) == list(range(7))


def test_an_empty_set_is_an_error() -> None:
    loader = DataLoader(torch.arange(2), batch_size=3, drop_last=True)
    with pytest.raises(DataError, match='the training set has no batch'):
        next(EndlessBatches(loader))


def names(batches: object) -> list[str]:
    items = batches if isinstance(batches, list) else [batches]
    return [name for batch in items for name in batch['source_name']]


@HOOKS.register_module(force=True)
class NamesHook(Hook):
    """Notes which samples an iteration saw."""

    seen: list[list[str]] = []

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.seen.append(names(data_batch))


def seen_by(train: Callable, folder: Path, accumulate: int, batch: int) -> list:
    NamesHook.seen = []
    entry = toy_config()['stages'][0]
    entry['train_cfg'] = dict(max_iters=4, accumulate=accumulate)
    entry['model'] = dict(type='PatientToy', train_stage='flow')
    train(
        stages=[entry],
        train_dataloader=loader(True, batch_size=batch),
        custom_hooks=[dict(type='NamesHook')],
        work_dir=str(folder),
    )
    return NamesHook.seen


@MODELS.register_module(force=True)
class PatientToy(ToyTransfer):
    """Takes several batches as one."""

    def train_step(self, data, optim_wrapper):
        if isinstance(data, list):
            keys = ('source_image', 'target_image')
            data = {key: torch.cat([batch[key] for batch in data]) for key in keys}
        return super().train_step(data, optim_wrapper)


def test_an_iteration_takes_several_batches_and_resumes_at_its_place(
    train: Callable, tmp_path: Path
) -> None:
    large = seen_by(train, tmp_path / 'large', 1, 4)
    small = seen_by(train, tmp_path / 'small', 2, 2)
    assert small == large and len(small) == 4
    middle = tmp_path / 'small' / 'flow' / 'iter_2.pth'
    NamesHook.seen = []
    entry = toy_config()['stages'][0]
    entry['train_cfg'] = dict(max_iters=4, accumulate=2)
    entry['model'] = dict(type='PatientToy', train_stage='flow')
    train(
        stages=[entry],
        custom_hooks=[dict(type='NamesHook')],
        work_dir=str(tmp_path / 'small'),
        resume=middle,
    )
    assert NamesHook.seen == large[2:]


@pytest.mark.parametrize('value', [0, 1.5])
def test_accumulate_is_a_whole_number(value: float, train: Callable) -> None:
    entry = toy_config()['stages'][0]
    entry['train_cfg'] = dict(max_iters=4, accumulate=value)
    with pytest.raises(ConfigError, match='accumulate: it must be a whole number >= 1'):
        train(stages=[entry])
