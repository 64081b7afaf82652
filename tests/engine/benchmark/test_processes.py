"""Processes of their own, and what becomes of them."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from posegen.engine.benchmark.processes import ProcessDied, in_fresh_process

#: For metrics and data: a machine that only measures need not have them.
SPARED = {'anny', 'lpips', 'mmcv', 'torch_fidelity', 'torchmetrics'}


def see(name: str) -> tuple[int, str | None, set[str]]:
    return os.getpid(), os.environ.get(name), SPARED & sys.modules.keys()


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_on_a_cpu_a_process_sees_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    name = 'CUDA_VISIBLE_DEVICES'
    monkeypatch.setenv(name, '3')
    own, seen, loaded = in_fresh_process(see, name)
    assert own != os.getpid()
    assert seen == ''
    assert loaded == set()
    assert os.environ[name] == '3'


def test_a_process_that_was_killed_is_told_of() -> None:
    with pytest.raises(ProcessDied):
        in_fresh_process(die)
