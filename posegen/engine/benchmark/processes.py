"""Measuring in a process of its own, so that no measurement meets another's remains."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any, TypeVar

_Result = TypeVar('_Result')


class ProcessDied(Exception):
    """The process ended without an answer: the system ends those that take too much."""


def in_fresh_process(
    function: Callable[..., _Result], *args: Any, device: str = 'cpu'
) -> _Result:
    """The result of a function of a module, called in a new process.

    Args:
        function: It is found again by its name.
        *args: Plain values.
        device: On ``'cpu'`` the process sees no GPU.

    Raises:
        ProcessDied: The process was killed.
        Exception: What the function raises.
    """
    with _environment(device), ProcessPoolExecutor(1, get_context('spawn')) as pool:
        try:
            return pool.submit(function, *args).result()
        except BrokenProcessPool as error:
            raise ProcessDied(str(error)) from error


@contextmanager
def _environment(device: str) -> Iterator[None]:
    """What the new process inherits; it is read when PyTorch is imported."""
    changes = dict(KINETO_LOG_LEVEL='99')  # or each profile leaves lines on the console
    if device == 'cpu':
        # MMEngine takes a GPU, where there is one, for the device of mixed precision.
        changes['CUDA_VISIBLE_DEVICES'] = ''
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
