from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

TOOL = Path(__file__).resolve().parents[3] / 'tools/datasets/make_synthetic.py'


def _run(*args: str) -> subprocess.CompletedProcess:
    command = [sys.executable, str(TOOL), *args]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_help_is_quick():
    start = time.perf_counter()
    done = _run('--help')
    assert done.returncode == 0
    assert '--pairs-per-person' in done.stdout
    assert time.perf_counter() - start < 1.0


@pytest.mark.parametrize(
    ('args', 'message'),
    [
        (['--size', 'big'], 'argument --size: expected HxW'),
        (['--views', '1'], 'make_synthetic: views must be at least 2, but is 1'),
    ],
)
def test_mistakes_are_one_line(tmp_path, args, message):
    done = _run('--out', str(tmp_path / 'set'), *args)
    assert done.returncode != 0
    assert message in done.stderr
    assert 'Traceback' not in done.stderr
