"""Batches of work in one process or several, with the same numbers either way.

What is added up in another order gives other last digits. Therefore the work is cut
into the same batches whatever the number of processes, results come back in the order
of the batches, and torch works with one thread: several processes use several cores.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any, TypeVar

import cv2
import torch

from posegen.utils.errors import ConfigError, PosegenError
from posegen.utils.workers import start_worker

_Item = TypeVar('_Item')
_Result = TypeVar('_Result')
Worker = Callable[[Any], Any]

_AHEAD = 4  # batches a process has waiting, so that none is idle and none pile up
_PAIRS_PER_PROCESS = 250  # less work than that does not pay for starting a process


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch and OpenCV use one thread inside a ``with`` block."""
    threads, cv_threads = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        cv2.setNumThreads(cv_threads)


def choose_processes(pairs: int) -> int:
    """As many processes as there are cores for this one, fewer for little work."""
    return max(1, min(_cores(), pairs // _PAIRS_PER_PROCESS))


def _cores() -> int:
    if hasattr(os, 'sched_getaffinity'):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def map_batches(
    make_worker: Callable[..., Worker],
    arguments: Sequence[Any],
    batches: Sequence[_Item],
    processes: int = 1,
) -> Iterator[Any]:
    """Results of ``make_worker(*arguments)(batch)`` for each batch, in their order.

    Args:
        make_worker: Function of a module, called once in each process; what it returns
            does the work.
        arguments: What it is called with; they are pickled for other processes.
        batches: One argument of the worker each.
        processes: 1 works in this process.

    Raises:
        ConfigError: ``processes`` is below 1, or a process died.
        PosegenError: What the worker raises.
    """
    if processes < 1:
        raise ConfigError(f'processes must be 1 or more, got {processes}')
    processes = min(processes, len(batches))
    if processes <= 1:
        yield from _map_here(make_worker, arguments, batches)
    else:
        yield from _map_elsewhere(make_worker, arguments, batches, processes)


def _map_here(
    make_worker: Callable[..., Worker],
    arguments: Sequence[Any],
    batches: Sequence[_Item],
) -> Iterator[Any]:
    with one_thread():
        worker = make_worker(*arguments)
    for batch in batches:
        with one_thread():  # not while the caller has its turn
            result = worker(batch)
        yield result


def _map_elsewhere(
    make_worker: Callable[..., Worker],
    arguments: Sequence[Any],
    batches: Sequence[_Item],
    processes: int,
) -> Iterator[Any]:
    pool = ProcessPoolExecutor(
        processes,
        # A fork would inherit the threads and locks of torch half-way.
        mp_context=get_context('spawn'),
        initializer=_start,
        initargs=(make_worker, tuple(arguments)),
    )
    waiting: list[Any] = []
    try:
        for batch in batches:
            waiting.append(pool.submit(_work, batch))
            if len(waiting) >= processes * _AHEAD:
                yield waiting.pop(0).result()
        while waiting:
            yield waiting.pop(0).result()
    except BrokenProcessPool as error:
        raise ConfigError(
            'a process ended unexpectedly: there may be too little memory for '
            f'{processes} of them, so use fewer; a script that uses several must call '
            "posegen under `if __name__ == '__main__':`"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_worker: Worker | PosegenError | None = None  # of this process


def _start(make_worker: Callable[..., Worker], arguments: tuple) -> None:
    """Make the worker of a process; a fault waits for a batch that can report it."""
    global _worker
    start_worker()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    try:
        _worker = make_worker(*arguments)
    except PosegenError as error:
        _worker = error


def _work(batch: Any) -> Any:
    if isinstance(_worker, PosegenError):
        raise _worker
    assert _worker is not None
    return _worker(batch)
