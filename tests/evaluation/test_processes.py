"""Work in one process and in two."""

from __future__ import annotations

import os

import cv2
import pytest
import torch

from posegen.evaluation import processes
from posegen.evaluation.processes import choose_processes, map_batches, one_thread
from posegen.utils.errors import ConfigError, DataError
from tests.helpers import forked


def make_adder(number):
    return lambda batch: (
        sum(batch) + number,
        torch.get_num_threads(),
        cv2.getNumThreads(),
        os.getpid(),
    )


def make_picky(limit):
    def work(batch):
        if batch > limit:
            raise DataError(f"'{batch}.png' is too much")
        return batch

    return work


def make_nothing(_):
    raise DataError('there are no weights')


def make_killer(_):
    return lambda batch: os._exit(3)


@pytest.mark.parametrize('count', [1, 2])
def test_results_come_in_order_from_one_thread_each(count):
    batches = [[i, i + 1] for i in range(20)]
    results = list(map_batches(make_adder, (100,), batches, count))
    sums, threads, cv_threads, ids = zip(*results)
    assert list(sums) == [101 + 2 * i for i in range(20)]
    assert {*threads, *cv_threads} == {1}
    assert (os.getpid() in ids) == (count == 1)


@pytest.fixture
def quick_start(monkeypatch):
    """The other tests do not care how processes come to be."""
    monkeypatch.setattr(processes, 'get_context', forked.context)


@pytest.mark.usefixtures('quick_start')
@pytest.mark.parametrize('count', [1, 2])
def test_errors_arrive_as_they_are(count):
    results = map_batches(make_picky, (1,), [0, 1, 2, 3], count)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(DataError, match="'2.png' is too much"):
        next(results)
    with pytest.raises(DataError, match='there are no weights'):
        list(map_batches(make_nothing, (0,), [1, 2], count))


@pytest.mark.usefixtures('quick_start')
def test_a_process_that_dies_is_an_error_with_a_cure():
    with pytest.raises(ConfigError, match='use fewer'):
        list(map_batches(make_killer, (0,), [1, 2], 2))


def test_refuses_no_process():
    with pytest.raises(ConfigError, match='1 or more, got 0'):
        list(map_batches(make_adder, (0,), [[1]], 0))


def test_threads_are_given_back():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        with one_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_little_work_gets_one_process(monkeypatch):
    monkeypatch.setattr(processes, '_cores', lambda: 4)
    assert [choose_processes(n) for n in (0, 60, 600, 8570)] == [1, 1, 2, 4]
