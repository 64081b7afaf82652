"""Killed in either stage, the same command with --resume ends as if undisturbed."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from posegen.engine.stage_record import read_record
from tests.engine.conftest import weights_of
from tests.helpers import warm
from tests.helpers.toy_training import ToyPairs, loader, toy_config, write_config

ROOT = Path(__file__).resolve().parents[2]
SECONDS_TO_WAIT = 300


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """20 slow iterations a stage; a checkpoint every 2."""
    settings = toy_config(iters=20, checkpoint=2)
    settings['model']['seconds'] = 0.1
    return write_config(tmp_path / 'toy.py', settings)


def command(config: Path, work_dir: Path, *more: str) -> list[str]:
    tool = str(ROOT / 'tools' / 'train.py')
    return [warm.python(), tool, str(config), '--work-dir', str(work_dir), *more]


def start(arguments: list[str]) -> subprocess.Popen:
    env = {**os.environ, 'OMP_NUM_THREADS': '1'}
    return subprocess.Popen(
        arguments, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )


def kill_when(condition: Callable[[], bool], process: subprocess.Popen) -> None:
    """SIGKILL as soon as a condition holds."""
    deadline = time.monotonic() + SECONDS_TO_WAIT
    while not condition():
        assert process.poll() is None, process.stderr.read().decode()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()  # until nobody holds its output: it is gone


def test_a_run_killed_in_both_stages_ends_as_an_undisturbed_one(
    config: Path, tmp_path: Path, train: Callable
) -> None:
    work_dir = tmp_path / 'killed'
    process = start(command(config, work_dir))
    kill_when(lambda: (work_dir / 'flow' / 'iter_4.pth').is_file(), process)
    assert not read_record(work_dir / 'flow').finished

    process = start(command(config, work_dir, '--resume'))
    kill_when(lambda: (work_dir / 'full' / 'iter_4.pth').is_file(), process)
    assert read_record(work_dir / 'flow').finished
    assert not read_record(work_dir / 'full').finished

    moved = work_dir.rename(tmp_path / 'moved')
    process = start(command(config, moved, '--resume'))
    _, errors = process.communicate(timeout=SECONDS_TO_WAIT)
    assert process.returncode == 0, errors.decode()
    assert read_record(moved / 'full').finished

    train(iters=20, checkpoint=20, work_dir=str(tmp_path / 'straight'))
    for stage in ('flow', 'full'):
        straight = weights_of(tmp_path / 'straight' / stage / 'iter_20.pth')
        resumed = weights_of(moved / stage / 'iter_20.pth')
        assert all(torch.equal(straight[key], resumed[key]) for key in straight)
    names = sorted(path.name for path in (moved / 'full').glob('iter_*.pth'))
    assert names == ['iter_18.pth', 'iter_20.pth']


def test_resuming_late_reads_nothing_again(train: Callable, tmp_path: Path) -> None:
    """At iteration 100,000 of a large set; MMEngine would read 800,000 samples."""
    late, pairs = 100_000, 263_632
    config = toy_config(iters=2)
    data = loader(True, batch_size=8, length=pairs)
    train(iters=2, stage='flow', train_dataloader=data)
    folder = tmp_path / 'run' / 'flow'
    content = torch.load(folder / 'iter_2.pth', weights_only=True)
    content['meta']['iter'] = late
    content['posegen']['validated_at'] = late
    torch.save(content, folder / f'iter_{late}.pth')
    entry = config['stages'][0]
    entry['train_cfg'] = dict(max_iters=late + 2, val_interval=1_000_000)
    ToyPairs.reads, began = 0, time.monotonic()
    nothing = dict(val_dataloader=None, val_evaluator=None)
    train(stages=[entry], train_dataloader=data, resume=True, **nothing)
    seconds = time.monotonic() - began
    assert ToyPairs.reads == 2 * 8
    assert read_record(folder).iterations == late + 2
    print(f'resumed at {late} in {seconds:.2f} s')
    assert seconds < 30
