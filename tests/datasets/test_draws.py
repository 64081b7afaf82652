"""Randomness of samples that follows from their place in a run."""

from __future__ import annotations

import pickle
from itertools import islice

import numpy as np
import pytest
import torch
from mmengine.dataset import DefaultSampler, InfiniteSampler
from torch.utils.data import DataLoader, Dataset

from posegen.datasets.draws import Draw, generator_of, number_draws
from posegen.engine.loops import EndlessBatches


class Noise(Dataset):
    """A random number for every index."""

    def __len__(self) -> int:
        return 5

    def __getitem__(self, index: int) -> tuple[int, float]:
        return int(index), generator_of(index).random()


def batches(start: int = 0, workers: int = 0, seed: int = 3, sampler=InfiniteSampler):
    data = Noise()
    loader = DataLoader(
        data,
        batch_size=4,
        num_workers=workers,
        persistent_workers=workers > 0,
        sampler=sampler(data, shuffle=True, seed=seed),
    )
    return EndlessBatches(loader, start)


def take(source, count: int) -> list[tuple]:
    """(indices, numbers) of the next batches."""
    return [(i.tolist(), n.tolist()) for i, n in islice(source, count)]


def test_a_draw_is_its_index_and_survives_a_queue():
    draw = Draw(7, seed=1, place=90)
    copy = pickle.loads(pickle.dumps(draw))
    assert draw == copy == 7
    assert (copy.seed, copy.place) == (1, 90)
    assert torch.arange(10)[draw] == torch.tensor([draw])[0] == 7


def test_every_visit_has_its_own_numbers():
    seen = [pair for batch in take(batches(), 50) for pair in zip(*batch)]
    assert len({number for _, number in seen}) == len(seen) == 200
    assert {index for index, _ in seen} == set(range(5))


@pytest.mark.parametrize('workers', [0, 1, 2])
@pytest.mark.parametrize('start', [0, 1, 6])
def test_resumed_with_any_workers_it_goes_on_exactly(start, workers):
    torch.manual_seed(1)
    straight = take(batches(), 12)
    torch.manual_seed(2)
    assert take(batches(start, workers), 12 - start) == straight[start:]


def test_other_seeds_give_other_numbers():
    assert take(batches(seed=3), 1)[0][1] != take(batches(seed=4), 1)[0][1]


def test_processes_never_share_a_place():
    data = Noise()
    draws = []
    for rank in range(3):
        sampler = InfiniteSampler(data, seed=0)
        sampler.rank, sampler.world_size = rank, 3
        sampler.indices = sampler._indices_of_rank()
        draws += islice(number_draws(sampler), 4)
    assert sorted(draw.place for draw in draws) == list(range(12))
    one = InfiniteSampler(data, seed=0)
    whole = {draw.place: int(draw) for draw in islice(number_draws(one), 12)}
    assert {draw.place: int(draw) for draw in draws} == whole


@pytest.mark.parametrize('workers', [0, 2])
def test_other_samplers_take_the_generators_of_the_processes(workers):
    def numbers(seed: int) -> list[float]:
        torch.manual_seed(seed)
        source = batches(workers=workers, sampler=DefaultSampler)
        return [n for _, batch in take(source, 4) for n in batch]

    first = numbers(1)
    assert len(set(first)) == len(first) == 10
    assert numbers(1) == first
    assert numbers(2) != first


def test_generators_are_numpys():
    assert isinstance(generator_of(3), np.random.Generator)
    draw = Draw(3, 5, 8)
    assert generator_of(draw).random() == np.random.default_rng((5, 8)).random()
