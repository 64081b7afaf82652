"""Which process says what when several fail."""

from __future__ import annotations

import pytest
import torch.distributed as dist

from posegen.utils import processes
from posegen.utils.errors import ConfigError, WeightsError

GLOO = '[/pytorch/third_party/gloo/gloo/transport/tcp/pair.cc:534] Connection closed'


@pytest.mark.parametrize(
    ('environment', 'rank'),
    [
        ({}, 0),
        (dict(RANK='3'), 3),
        (dict(SLURM_PROCID='2'), 2),
        (dict(RANK='1', SLURM_PROCID='0'), 1),
        (dict(RANK=''), 0),
    ],
)
def test_the_number_of_a_process(environment, rank, monkeypatch):
    for name in ('RANK', 'SLURM_PROCID'):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert processes.process_rank() == rank


def caused(error, cause):
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ('error', 'lost'),
    [
        (RuntimeError(f'{GLOO} by peer [127.0.0.1]:3'), True),
        (RuntimeError('Broken pipe'), True),
        (dist.DistBackendError('NCCL error: remote process exited or there was'), True),
        # MMEngine was building something, says `explain_build_error`.
        (caused(ConfigError('randomness cannot be built'), RuntimeError(GLOO)), True),
        (RuntimeError('mat1 and mat2 shapes cannot be multiplied'), False),
        (WeightsError('cannot be fetched: Connection reset by peer'), False),
        (OSError('Connection reset by peer'), False),
    ],
)
def test_errors_that_only_say_that_another_process_has_gone(error, lost, monkeypatch):
    assert not processes.lost_process(error), 'a single process has nobody to lose'
    monkeypatch.setattr(dist, 'is_initialized', lambda: True)
    assert processes.lost_process(error) is lost


@pytest.mark.parametrize(('rank', 'waits'), [(0, []), (1, [processes.HEAD_START])])
def test_the_first_process_speaks_first(rank, waits, monkeypatch):
    slept = []
    monkeypatch.setattr(processes.time, 'sleep', slept.append)
    monkeypatch.setenv('RANK', str(rank))
    processes.let_first_speak()
    assert slept == waits
    processes.wait_for_end()
    assert slept == [*waits, processes.HEAD_START]
