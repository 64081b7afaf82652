"""The Python that stands in for the interpreter does what that would do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.helpers import warm

pytestmark = pytest.mark.skipif(
    torch.cuda.is_available(), reason='the interpreter itself is taken beside a GPU'
)


def both(*arguments: str | Path, **options) -> list[tuple[int, str, str]]:
    """Code, output and errors, of the interpreter and of what stands in for it."""
    found = []
    for python in (sys.executable, warm.python()):
        command = [python, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, **options)
        found.append((done.returncode, done.stdout, done.stderr))
    return found


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], Path]:
    def write(code: str) -> Path:
        path = tmp_path / 'script.py'
        path.write_text(code)
        return path

    return write


@pytest.mark.parametrize(
    ('end', 'code'),
    [
        ('pass', 0),
        ('import sys; sys.exit(3)', 3),
        ('import sys; sys.exit(-1)', 255),
        ('import sys; sys.exit("a sentence")', 1),
        ('import sys; sys.exit(["an", "object"])', 1),
        ('import os, signal; os.kill(os.getpid(), signal.SIGKILL)', -9),
        ('import os, signal; os.kill(os.getpid(), signal.SIGTERM)', -15),
        ('import atexit; atexit.register(print, "at the end")', 0),
    ],
)
def test_ends_are_those_of_the_interpreter(end: str, code: int) -> None:
    expected, found = both('-c', end)
    assert found == expected and found[0] == code


def test_an_error_has_its_traceback(script: Callable) -> None:
    expected, found = both(script('print("before")\n1 / 0\n'))
    assert found[:2] == expected[:2] == (1, 'before\n')
    assert found[2].splitlines()[-1] == expected[2].splitlines()[-1]


SHOW = """
import os, sys
print(__name__, sys.argv[1:], os.getcwd(), os.environ['WORD'], sys.path[0])
print(sys.stdin.read(), file=sys.stderr)
"""


def test_arguments_folder_environment_and_input(
    script: Callable, tmp_path: Path
) -> None:
    options = dict(cwd=tmp_path, input='told', env={**os.environ, 'WORD': 'said'})
    expected, found = both('-u', script(SHOW), 'a b', '--c', **options)
    assert found == expected
    assert "['a b', '--c']" in found[1] and 'said' in found[1] and found[2] == 'told\n'


def test_modules_and_programs_on_standard_input(tmp_path: Path) -> None:
    (tmp_path / 'mine.py').write_text('import sys; print(__name__, sys.argv[1:])')
    expected, found = both('-m', 'mine', 'x', cwd=tmp_path)
    assert found == expected == (0, "__main__ ['x']\n", '')
    expected, found = both('-', 'x', cwd=tmp_path, input='import mine')
    assert found == expected == (0, "mine ['x']\n", '')


def started(code: str) -> tuple[subprocess.Popen, int]:
    """A script that has begun, and the process that it really runs in."""
    process = subprocess.Popen(
        [warm.python(), '-c', f'import os; print(os.getpid(), flush=True)\n{code}'],
        stdout=subprocess.PIPE,
        text=True,
    )
    return process, int(process.stdout.readline())


def test_signals_are_passed_on() -> None:
    process, _ = started(
        'import signal, sys, time\n'
        'signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n'
        'print("ready", flush=True)\n'
        'time.sleep(60)'
    )
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 7


def test_who_is_killed_takes_the_script_along() -> None:
    process, pid = started('import time; time.sleep(60)')
    process.kill()
    process.communicate(timeout=30)  # until nobody holds its output
    deadline = time.monotonic() + 30
    while Path(f'/proc/{pid}').exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


OWNER = """
from tests.helpers import warm

if __name__ == '__main__':
    print(warm.folder(), flush=True)
    input()
"""


@pytest.mark.parametrize('how', ['end', 'kill'])
def test_nothing_is_left_of_the_server(
    how: str, script: Callable, tmp_path: Path
) -> None:
    owner = subprocess.Popen(
        [sys.executable, script(OWNER)],
        env={**os.environ, 'PYTHONPATH': str(warm.ROOT), 'TMPDIR': str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    folder = Path(owner.stdout.readline().strip())
    assert folder.parent == tmp_path and (folder / 'python').is_file()
    owner.kill() if how == 'kill' else owner.communicate('\n')
    owner.wait(30)
    deadline = time.monotonic() + 30
    while folder.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
