"""The place in the data after resuming."""

from __future__ import annotations

import itertools

import pytest
import torch
from mmengine.dataset import DefaultSampler, InfiniteSampler
from torch.utils.data import DataLoader, Dataset

from posegen.engine.loops import EndlessBatches
from posegen.utils.errors import DataError


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
