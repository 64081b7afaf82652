"""A full disk ends training with one sentence, and costs nothing that was saved."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from posegen import cli
from posegen.engine.weights import numbered_checkpoints
from posegen.utils.checkpoint import read_checkpoint
from tests.engine.faults.conftest import assert_same_results, busy_config
from tests.helpers.faults import FILLER, assert_same_checkpoint
from tests.helpers.forked import run, start, start_ranks

#: Bytes, too few for a log.
SMALL_LIMIT = 3_000


def sentence_of(command) -> str:
    """The one sentence that a command ended with."""
    assert command.wait() == cli.USER_ERROR, command.shown()
    (sentence,) = command.errors()
    assert 'Traceback' not in command.shown()
    assert 'make room' in sentence and '--resume' in sentence
    return sentence


def all_load(work_dir: Path) -> None:
    for path in work_dir.rglob('*.pth'):
        assert read_checkpoint(path)['state_dict']


def test_a_file_that_grows_too_large(
    busy: Callable, straight: Path, tmp_path: Path
) -> None:
    """Also where there is but one checkpoint to keep."""
    hooks = busy_config()['default_hooks']
    hooks['checkpoint']['max_keep_ckpts'] = 1
    config, work_dir, log = busy(default_hooks=hooks), tmp_path / 'run', tmp_path / 'l'
    killer = dict(type='KillHook', stage='full', iteration=5)
    killed = start(
        'train', busy(killer, default_hooks=hooks), '--work-dir', work_dir, log=log
    )
    assert killed.wait() == -9
    (newest,) = numbered_checkpoints(work_dir / 'full')
    before = newest.read_bytes()

    limit = newest.stat().st_size - 2000  # all other files are smaller
    resume = ('train', config, '--work-dir', work_dir, '--resume')
    sentence = sentence_of(start(*resume, log=log, file_limit=limit))
    assert 'full/iter_6.pth cannot be written: File too large' in sentence
    assert newest.read_bytes() == before
    assert not list(work_dir.rglob('.*partial'))
    all_load(work_dir)

    run(*resume, log=log)
    for stage in ('flow', 'full'):
        (last,) = numbered_checkpoints(work_dir / stage)
        assert_same_checkpoint(last, straight / stage / 'iter_8.pth')


def test_not_even_a_log_has_room(busy: Callable, tmp_path: Path) -> None:
    command = start(
        *('train', busy(), '--work-dir', tmp_path / 'run'),
        log=tmp_path / 'log',
        file_limit=SMALL_LIMIT,
    )
    sentence = sentence_of(command)
    assert 'cannot be written: File too large' in sentence


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of 1 MB."""
    folder = tmp_path / 'disk'
    folder.mkdir()
    mount = ['mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', str(folder)]
    if shutil.which('mount') is None:
        pytest.skip('no command mount')
    if subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip('mounting a tmpfs is not allowed')
    yield folder
    subprocess.run(['umount', '-l', str(folder)], check=True)


@pytest.mark.parametrize(
    ('moment', 'logging', 'file'),
    [
        ('save', True, 'stage.json cannot be written'),
        ('step', True, ''),  # whichever file is the first to need another page
        ('step', False, r'samples/0000004.png'),
    ],
)
def test_a_full_disk(
    moment: str,
    logging: bool,
    file: str,
    disk: Path,
    busy: Callable,
    straight: Path,
    tmp_path: Path,
) -> None:
    hooks = busy_config()['default_hooks']
    if not logging:
        hooks['logger']['interval'] = 1000
        hooks['sample_grid'] = dict(type='SampleGridHook', interval=4)
    filler = dict(type='FillHook', stage='full', iteration=4, moment=moment)
    work_dir, log = disk / 'run', tmp_path / 'log'
    sentence = sentence_of(
        start(
            *('train', busy(filler, default_hooks=hooks), '--work-dir', work_dir),
            log=log,
        )
    )
    assert 'No space left on device' in sentence and file in sentence
    all_load(work_dir)
    assert (work_dir / 'full' / 'latest.pth').readlink().name == 'iter_2.pth'

    (work_dir / FILLER).unlink()
    run('train', busy(default_hooks=hooks), '--work-dir', work_dir, '--resume', log=log)
    assert_same_results(work_dir, straight)


def test_of_several_processes_all_end(busy: Callable, tmp_path: Path) -> None:
    """The others do not wait for the one that writes, nor go on without it."""
    work_dir, log = tmp_path / 'run', tmp_path / 'log'
    ranks = start_ranks(
        'train', busy(), '--work-dir', work_dir, log=log, file_limit=25_000
    )
    codes = [rank.wait() for rank in ranks]
    assert codes == [cli.USER_ERROR] * 2, [rank.shown() for rank in ranks]
    (first,), (second,) = (rank.errors() for rank in ranks)
    assert 'flow/iter_2.pth cannot be written: File too large' in first
    assert 'flow/iter_2.pth was not written by the main process' in second
