"""SIGTERM ends training after an iteration, with everything saved."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from posegen import cli
from posegen.engine.preemption import (
    EXIT_CODE,
    NOT_SAVED,
    heed_parent_only,
    stop_signal,
)
from posegen.engine.stage_record import read_record
from posegen.utils.errors import Preempted
from tests.engine.conftest import weights_of
from tests.helpers.toy_training import toy_config, write_config


def tell_at(iteration: int, moment: str = 'train') -> dict:
    return dict(type='SigtermHook', iteration=iteration, moment=moment)


def test_a_resumed_run_ends_as_one_that_was_not_told_to_stop(
    train: Callable, tmp_path: Path
) -> None:
    with pytest.raises(Preempted, match=r'after iteration 3, which .*iter_3\.pth'):
        train(iters=5, custom_hooks=[tell_at(3)])
    record = read_record(tmp_path / 'run' / 'flow')
    assert not record.finished and record.iterations == 3
    train(iters=5, resume=True)
    train(iters=5, work_dir=str(tmp_path / 'straight'))
    for stage in ('flow', 'full'):
        ends = [
            weights_of(tmp_path / run / stage / 'iter_5.pth')
            for run in ('run', 'straight')
        ]
        assert all(torch.equal(ends[0][key], ends[1][key]) for key in ends[0])


def test_a_checkpoint_that_is_there_is_not_written_again(train: Callable) -> None:
    with pytest.raises(Preempted, match=r'iter_2\.pth holds'):
        train(iters=4, checkpoint=2, custom_hooks=[tell_at(2)])


def test_a_validation_is_left_and_made_up_for(train: Callable, tmp_path: Path) -> None:
    with pytest.raises(Preempted, match='after iteration 4'):
        train(iters=4, stage='flow', custom_hooks=[tell_at(4, 'val')])
    folder = tmp_path / 'run' / 'flow'
    assert read_record(folder).validated_at == 0
    train(iters=4, stage='flow', resume=True)
    assert read_record(folder).validated_at == 4
    assert read_record(folder).metrics['toy_count'] == 3


def test_the_command_says_where_to_go_on_and_exits_with_143(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    settings = toy_config(iters=4, custom_hooks=[tell_at(1)])
    config = write_config(tmp_path / 'toy.py', settings)
    code = cli.main(['train', str(config), '--work-dir', str(tmp_path / 'run')])
    assert code == EXIT_CODE == 143
    shown = capsys.readouterr().err
    assert shown.startswith('posegen: stopped by SIGTERM after iteration 1')
    assert '--resume' in shown and shown.count('\n') == 1
    (log,) = (tmp_path / 'run/flow').glob('*/*.log')
    assert 'Stopped by SIGTERM: ' in log.read_text()


def test_the_handler_of_before_comes_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stop_signal(watch=True) as stop:
        assert not stop.received
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.received
        stop.heeded.set()
    assert signal.getsignal(signal.SIGTERM) is before
    assert signal.set_wakeup_fd(-1) == -1


def test_outside_the_main_thread_nothing_is_caught() -> None:
    before = signal.getsignal(signal.SIGTERM)
    found = []

    def run() -> None:
        with stop_signal() as stop:
            found.append((stop.received, signal.getsignal(signal.SIGTERM)))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found == [(False, before)]


BLOCKED = """
import time
from posegen.engine.preemption import stop_signal

with stop_signal(watch=True, patience=0.5):
    print('ready', flush=True)
    {body}
"""


@pytest.mark.parametrize(
    ('body', 'code'),
    [
        # A mutex that this thread holds: as in a collective, no signal gets through.
        ('import ctypes as c; m = c.create_string_buffer(64); l = c.CDLL(None); '
         'l.pthread_mutex_lock(m); l.pthread_mutex_lock(m)', NOT_SAVED),
        ('time.sleep(0.2)', 0),
    ],
)  # fmt: skip
def test_a_blocked_process_among_several_is_ended(body: str, code: int) -> None:
    process = subprocess.Popen(
        [sys.executable, '-c', BLOCKED.format(body=body)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == 'ready\n'
    time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == code, errors
    assert ('ended 0 s after SIGTERM without saving' in errors) == (code != 0)


class Loaders(Dataset):
    """Each sample is the process that loaded it."""

    def __len__(self) -> int:
        return 1000

    def __getitem__(self, index: int) -> int:
        return os.getpid()


@pytest.mark.skipif(not hasattr(signal, 'sigwaitinfo'), reason='needs sigwaitinfo')
def test_loaders_of_data_end_with_their_parent_and_not_with_their_job() -> None:
    loader = DataLoader(
        Loaders(), num_workers=1, worker_init_fn=lambda number: heed_parent_only()
    )
    batches = iter(loader)
    worker = next(batches).item()
    for _ in range(2):
        subprocess.run(['kill', str(worker)], check=True)
        assert [next(batches).item() for _ in range(20)] == [worker] * 20
    (child,) = (c for c in multiprocessing.active_children() if c.pid == worker)
    child.terminate()  # once, as Python does at its exit
    child.join(20)
    assert child.exitcode == 0  # torch takes all else for a crash


def test_loaders_of_data_do_not_hold_the_command_up(tmp_path: Path) -> None:
    """An error while they wait for orders, as they do whenever the run ends early."""
    settings = toy_config(iters=400, checkpoint=1000)
    settings['model'].update(seconds=0.05, poison_at=3)
    settings['train_dataloader'] |= dict(num_workers=2, persistent_workers=True)
    config = write_config(tmp_path / 'toy.py', settings)
    tool = Path(__file__).resolve().parents[2] / 'tools' / 'train.py'
    done = subprocess.run(
        [sys.executable, str(tool), str(config), '--work-dir', str(tmp_path / 'run')],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2, done.stderr
    assert 'at iteration 3' in done.stderr
    assert 'Exception ignored' not in done.stderr


def test_a_signal_to_the_whole_job_leaves_time_to_save(tmp_path: Path) -> None:
    """Schedulers signal every process, those that load data too."""
    settings = toy_config(iters=400, checkpoint=1000)
    settings['model']['seconds'] = 0.05
    settings['train_dataloader'] |= dict(num_workers=2, persistent_workers=True)
    config = write_config(tmp_path / 'toy.py', settings)
    tool = Path(__file__).resolve().parents[2] / 'tools' / 'train.py'
    process = subprocess.Popen(
        [sys.executable, str(tool), str(config), '--work-dir', str(tmp_path / 'run')],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while 'Iter(train)' not in (line := process.stdout.readline()):
        assert line, process.stderr.read()
    os.killpg(process.pid, signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == EXIT_CODE, errors
    assert errors.startswith('posegen: stopped by SIGTERM after iteration')
    assert read_record(tmp_path / 'run/flow').iterations > 0


def test_the_watch_ends_although_a_child_has_its_pipe() -> None:
    """Processes that load data are forked while it lasts."""
    start = time.monotonic()
    with stop_signal(watch=True):
        child = os.fork()
        if child == 0:
            time.sleep(30)
            os._exit(0)
    try:
        assert time.monotonic() - start < 10
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
