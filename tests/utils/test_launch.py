"""torchrun whose failures are a sentence."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers import warm

ROOT = Path(__file__).resolve().parents[2]
WORKER = """
import os, signal, sys, time
rank, how = os.environ['RANK'], sys.argv[1]
if rank == '1' and how == 'kill':
    os.kill(os.getpid(), signal.SIGKILL)
if rank == '1' and how.isdigit():
    sys.exit(int(how))
if how == 'wait':
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    open(f'ready{rank}', 'w').close()
time.sleep(0 if how == 'well' else 60)
"""


@pytest.fixture
def launch(tmp_path: Path) -> Callable[..., subprocess.Popen]:
    """Start the launcher with a worker that behaves as it is told."""
    (tmp_path / 'worker.py').write_text(WORKER)

    def start(how: str, *arguments: str) -> subprocess.Popen:
        # What torch says is settled when it is imported.
        fresh = how == 'kill' or arguments
        python = sys.executable if fresh else warm.python()
        return subprocess.Popen(
            [
                *(python, '-m', 'posegen.utils.launch'),
                *(arguments or ('--standalone', '--nproc-per-node', '2')),
                *('worker.py', how),
            ],
            cwd=tmp_path,
            env={'PATH': '', 'PYTHONPATH': str(ROOT), 'OMP_NUM_THREADS': '1'},
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


@pytest.mark.parametrize(
    ('how', 'code', 'text'),
    [
        ('well', 0, ''),
        ('3', 3, 'posegen: process 1 ended with code 3, which ended the others too\n'),
        ('143', 143, ''),  # it has said itself that it was told to stop
        ('kill', 137, 'posegen: process 1 was ended by SIGKILL (as the system does'),
    ],
)
def test_a_failure_is_a_sentence(launch, how, code, text):
    process = launch(how)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == code
    assert errors == text or (text and errors.startswith(text))
    assert errors.count('\n') == bool(text)


def test_a_signal_is_passed_on(launch, tmp_path):
    process = launch('wait')
    while not all((tmp_path / f'ready{rank}').exists() for rank in range(2)):
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (143, '')


def test_an_address_that_is_taken_is_named(launch):
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        address = ('--master-addr', '127.0.0.1', '--master-port', port)
        process = launch('well', '--nproc-per-node', '1', *address)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert errors.startswith('posegen: error: no connection between the machines:')
    assert errors.count('\n') == 1 and 'address already in use' in errors
