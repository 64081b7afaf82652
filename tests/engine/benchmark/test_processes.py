"""Processes of their own, and what becomes of them."""

from __future__ import annotations

import os
import signal

import pytest

from posegen.engine.benchmark.processes import ProcessDied, in_fresh_process


def see(name: str) -> tuple[int, str | None]:
    return os.getpid(), os.environ.get(name)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_on_a_cpu_a_process_sees_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    name = 'CUDA_VISIBLE_DEVICES'
    monkeypatch.setenv(name, '3')
    own, seen = in_fresh_process(see, name)
    assert own != os.getpid()
    assert seen == ''
    assert os.environ[name] == '3'


def test_a_process_that_was_killed_is_told_of() -> None:
    with pytest.raises(ProcessDied):
        in_fresh_process(die)
