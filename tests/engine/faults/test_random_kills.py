"""Killed 20 times at random moments, a run still ends as if nothing had been."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

from tests.engine.faults.conftest import assert_same_results, busy_config
from tests.helpers.forked import Forked, run, start

KILLS = 20
# Of a stage: more than 20 kills can get through.
ITERATIONS = 120


def test_20_kills(busy: Callable[..., Path], tmp_path: Path) -> None:
    log = tmp_path / 'log'
    config = busy(iters=ITERATIONS)
    run('train', config, '--work-dir', tmp_path / 'straight', log=log)
    model = busy_config()['model'] | dict(seconds=0.01)  # more moments, the same values
    slow = busy(iters=ITERATIONS, model=model)
    work_dir, chance = tmp_path / 'killed', random.Random(0)
    resume: tuple[str, ...] = ()
    for number in range(KILLS):
        command = start('train', slow, '--work-dir', work_dir, *resume, log=log)
        if number % 4 == 0:  # from before the config is read
            time.sleep(chance.uniform(0, 0.5))
        else:
            wait_for_steps(command, work_dir, count=chance.randint(1, 5))
            time.sleep(chance.uniform(0, 0.03))
        assert command.process.is_alive(), command.shown()
        command.kill()
        resume = ('--resume',)
    run('train', config, '--work-dir', work_dir, '--resume', log=log)
    assert_same_results(work_dir, tmp_path / 'straight')


def wait_for_steps(command: Forked, work_dir: Path, count: int) -> None:
    """Wait until a command has made some steps; each is a line in a file."""
    file = work_dir / 'names_0.jsonl'
    before = count_lines(file)
    command.wait_for(lambda: count_lines(file) >= before + count)


def count_lines(file: Path) -> int:
    return file.read_bytes().count(b'\n') if file.exists() else 0
