"""Worker processes end with the process that started them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

_SCRIPT = """
import os, signal
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from posegen.utils.workers import start_worker

if __name__ == '__main__':
    pool = ProcessPoolExecutor(1, get_context('spawn'), start_worker)
    print(pool.submit(os.getpid).result(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def _is_running(process: int) -> bool:
    try:
        state = Path(f'/proc/{process}/stat').read_text().rsplit(')', 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != 'Z'


def test_they_end_when_it_is_killed(tmp_path: Path) -> None:
    script = tmp_path / 'script.py'
    script.write_text(_SCRIPT)
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False
    )
    worker = int(done.stdout)
    assert done.returncode == -9
    until = time.monotonic() + 10
    while _is_running(worker) and time.monotonic() < until:
        time.sleep(0.05)
    assert not _is_running(worker)
    assert worker != os.getpid()
