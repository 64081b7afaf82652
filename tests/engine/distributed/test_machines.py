"""Two machines, each with one process; here they are two launchers on this one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from posegen.engine.stage_record import read_record
from tests.helpers.forked import free_port
from tests.helpers.scripts import Outcome, script
from tests.helpers.toy_training import toy_config, write_config


@pytest.fixture
def machines(tmp_path: Path) -> Callable[..., list[Outcome]]:
    """Train the first toy stage on two machines, of whose processes one is killed."""

    def run(*env: dict[str, str]) -> list[Outcome]:
        settings = toy_config(iters=6)
        settings['custom_imports']['imports'].append('tests.helpers.rank_faults')
        failure = dict(how='kill', moment='train', rank=1)
        note = str(tmp_path / 'failed')
        settings['custom_hooks'] = [dict(type='FailHook', note=note, **failure)]
        path = write_config(tmp_path / 'toy.py', settings)

        def one(values: dict[str, str]) -> Outcome:
            words = (path, 1, '--work-dir', tmp_path / 'run', '--stage', 'flow')
            return script(
                'dist_train.sh', *words, folder=tmp_path, NNODES='2', **values
            )

        with ThreadPoolExecutor() as pool:
            return list(pool.map(one, env))

    return run


def test_machines_that_meet_go_on_after_a_failure(
    machines: Callable, tmp_path: Path
) -> None:
    shared = dict(RDZV_ENDPOINT=f'localhost:{free_port()}', MAX_RESTARTS='1')
    outcomes = machines(shared, shared)
    assert [outcome.code for outcome in outcomes] == [0, 0], outcomes
    assert sum('Results in' in outcome.output for outcome in outcomes) == 1
    assert read_record(tmp_path / 'run' / 'flow').finished


def test_machines_that_are_numbered_end_together(machines: Callable) -> None:
    shared = dict(MASTER_ADDR='127.0.0.1', PORT=str(free_port()))
    first, second = machines(*(shared | dict(NODE_RANK=str(i)) for i in range(2)))
    assert second.code == 137
    assert second.errors.startswith('posegen: process 1 was ended by SIGKILL')
    assert first.code
    assert 'posegen: process 0 stops, since another one has ended' in first.errors
    assert 'Traceback' not in first.errors + second.errors
