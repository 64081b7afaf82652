from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import warm

TOOL = Path(__file__).resolve().parents[3] / 'tools/datasets/make_synthetic.py'


def _run(*args: str) -> subprocess.CompletedProcess:
    command = [warm.python(), str(TOOL), *args]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_help_imports_nothing_heavy():
    code = (
        'import runpy, sys\n'
        f'sys.argv = [{str(TOOL)!r}, "--help"]\n'
        'try:\n'
        '    runpy.run_path(sys.argv[0], run_name="__main__")\n'
        'finally:\n'
        '    heavy = {"torch", "mmengine", "numpy", "anny", "warp"}\n'
        '    assert not heavy & set(sys.modules), heavy & set(sys.modules)\n'
    )
    command = [sys.executable, '-c', code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert '--pairs-per-person' in done.stdout


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
