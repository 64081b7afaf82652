"""One process that dies ends all within seconds, and its reason is what is seen."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers.faults import assert_same_checkpoint
from tests.helpers.scripts import script
from tests.helpers.toy_training import toy_config, write_config

SECONDS = 20
LOST = 'stops, since another one has ended; what that one said is the reason'


@pytest.fixture
def config(tmp_path: Path) -> Callable[..., Path]:
    """A toy config with a process that fails; arguments as of `FailHook`."""

    def write(**failure) -> Path:
        settings = toy_config(iters=6)
        settings['custom_imports']['imports'].append('tests.helpers.rank_faults')
        hook = dict(type='FailHook', note=str(tmp_path / 'failed'), **failure)
        settings['custom_hooks'] = [hook] if failure else []
        return write_config(tmp_path / 'toy.py', settings)

    return write


@pytest.mark.parametrize(
    ('how', 'moment', 'rank', 'code', 'reason', 'end'),
    [
        (
            *('user', 'train', 1, 2),
            'posegen: error (process 1): people/7_a.png cannot be decoded',
            'process 1 ended with code 2',
        ),
        ('bug', 'val', 0, 1, "KeyError: 'a mistake in a component'", 'code 1'),
        ('exit', 'start', 1, 7, '', 'process 1 ended with code 7'),
        ('kill', 'val', 1, 137, '', 'process 1 was ended by SIGKILL'),
    ],
)
def test_a_process_that_fails_ends_all(
    how: str,
    moment: str,
    rank: int,
    code: int,
    reason: str,
    end: str,
    config: Callable[..., Path],
    tmp_path: Path,
) -> None:
    path = config(how=how, moment=moment, rank=rank)
    run = ('dist_train.sh', path, 2, '--work-dir', tmp_path / 'run')
    done = script(*run, folder=tmp_path)
    seconds = time.time() - (tmp_path / 'failed').stat().st_mtime
    assert done.code == code, done.errors
    assert seconds < SECONDS
    print(f'{how} in {moment}: all ended after {seconds:.1f} s')  # pytest -s shows it
    lines = done.errors.splitlines()
    assert end in lines[-1]
    assert f'posegen: process {1 - rank} {LOST}' in lines
    others = [x for x in lines[:-1] if LOST not in x]
    if how == 'bug':
        assert done.errors.count('Traceback') == 1
        assert any(reason in line for line in others)
    else:
        assert [line[: len(reason)] for line in others] == [reason] * bool(reason)


def test_what_is_wrong_for_all_is_said_once(config: Callable, tmp_path: Path) -> None:
    path = config()
    options = ('--cfg-options', 'train_dataloader.batchsize=1')
    done = script('dist_train.sh', path, 2, *options, folder=tmp_path)
    assert done.code == 2
    first, last = done.errors.splitlines()
    assert first.startswith('posegen: error: train_dataloader') and 'batchsize' in first
    assert last.startswith('posegen: process 0 ended with code 2')


def test_a_group_that_is_started_again_ends_as_an_undisturbed_one(
    config: Callable, tmp_path: Path
) -> None:
    path = config(how='kill', moment='train', rank=1)
    run = ('dist_train.sh', path, 2, '--work-dir')
    again = script(*run, tmp_path / 'again', folder=tmp_path, MAX_RESTARTS='2')
    assert again.code == 0, again.errors
    assert again.errors.count('all were started again (1 of at most 2 times)') == 1
    assert 'Stage flow resumes from' in again.output
    # The failure has been noted, and does not happen again.
    straight = script(*run, tmp_path / 'straight', folder=tmp_path)
    assert straight.code == 0, straight.errors
    for stage in ('flow', 'full'):
        paths = (
            tmp_path / name / stage / 'iter_6.pth' for name in ('again', 'straight')
        )
        assert_same_checkpoint(*paths)
