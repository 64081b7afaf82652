"""The prepare scripts as commands: help, exit codes, and being killed half-way."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.datasets.prepare import trees
from tests.datasets.prepare.big_tree import write_big_tree
from tests.helpers import warm

TOOLS = Path(__file__).resolve().parents[2] / 'tools/datasets'
NAMES = ('prepare_deepfashion', 'prepare_market1501')


def command(tool: str, *args: str | Path | int) -> list[str]:
    return [sys.executable, str(TOOLS / f'{tool}.py'), *map(str, args)]


@dataclass
class Done:
    """How a command ended, in the fields of ``subprocess.CompletedProcess``."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def run(capsys, monkeypatch):
    """Run a script's ``main`` in this process, which has torch loaded already."""

    def run_main(tool: str, *args: str | Path | int) -> Done:
        monkeypatch.syspath_prepend(str(TOOLS))
        module = importlib.import_module(tool)
        with pytest.raises(SystemExit) as ended:
            module.main(list(map(str, args)))
        code, printed = ended.value.code, capsys.readouterr()
        said = f'{code}\n' if isinstance(code, str) else ''  # as Python's end does
        returncode = 1 if said else code
        return Done(returncode, printed.out, printed.err + said)

    return run_main


@pytest.mark.parametrize('tool', NAMES)
def test_help_imports_nothing_heavy(tool):
    path = str(TOOLS / f'{tool}.py')
    code = (
        'import runpy, sys\n'
        f'sys.argv = [{path!r}, "--help"]\n'
        'try:\n'
        '    runpy.run_path(sys.argv[0], run_name="__main__")\n'
        'finally:\n'
        '    heavy = {"torch", "mmengine", "numpy", "PIL"}\n'
        '    assert not heavy & set(sys.modules), heavy & set(sys.modules)\n'
    )
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert '--allow-missing' in done.stdout


def test_deepfashion_until_it_is_complete(tmp_path, run):
    """Exit code 1 and a sentence each, until nothing is missing; then 0."""
    lists = trees.write_deepfashion_lists(tmp_path / 'my lists')
    train_list = (lists / 'train.lst').read_text()
    (lists / 'train.lst').unlink()
    files = trees.write_deepfashion_tree(tmp_path / 'my raw')
    name = trees.all_photos()[0].flat
    whole = files[name].read_bytes()
    files[name].write_bytes(whole[: len(whole) // 2])
    args = ['--raw', tmp_path / 'my raw', '--lists', lists, '--out', tmp_path / 'out']
    args += ['--workers', '1']

    done = run('prepare_deepfashion', *args)
    assert done.returncode == 1
    assert done.stderr.startswith('prepare_deepfashion: there is no train.lst')
    assert len(done.stderr.splitlines()) == 1

    (tmp_path / 'list').write_text(train_list)
    args += ['--train-images', tmp_path / 'list']
    done = run('prepare_deepfashion', *args)
    assert done.returncode == 1, done.stderr
    assert f'{files[name]} cannot be decoded: image file is truncated' in done.stdout

    done = run('prepare_deepfashion', *args, '--allow-missing')
    assert done.returncode == 0, done.stderr
    assert 'lacks 1' in done.stdout

    files[name].write_bytes(whole)
    done = run('prepare_deepfashion', *args)
    assert done.returncode == 0, done.stderr
    assert 'is complete (done)' in done.stdout

    done = run('prepare_deepfashion', *args, '--filter', 'lanczos')
    assert done.returncode == 1
    assert 'filter bilinear there, lanczos now' in done.stderr
    assert 'Traceback' not in done.stderr


def test_market_in_two_processes(tmp_path):
    trees.write_market_tree(tmp_path / 'raw')
    trees.write_market_lists(tmp_path / 'raw')
    args = ['--raw', tmp_path / 'raw', '--out', tmp_path / 'out', '--workers', '2']
    done = subprocess.run(
        command('prepare_market1501', *args), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert 'is complete (done)' in done.stdout


def children(pid: int) -> list[int]:
    path = Path(f'/proc/{pid}/task/{pid}/children')
    return [int(child) for child in path.read_text().split()] if path.exists() else []


def is_running(pid: int) -> bool:
    try:
        return Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()[0] != 'Z'
    except OSError:
        return False


def wait_for(condition, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, 'waited too long'
        time.sleep(0.01)


def test_killed_half_way_and_run_again(tmp_path, run):
    """The result is that of one undisturbed process, byte for byte."""
    write_big_tree(tmp_path, count=200, size=(256, 256))
    args = ['--raw', tmp_path / 'img', '--lists', tmp_path / 'lists']
    args += ['--file-type', 'png']  # slow enough to be hit
    undisturbed = ('--out', tmp_path / 'undisturbed', '--workers', 1)
    assert run('prepare_deepfashion', *args, *undisturbed).returncode == 0
    expected = trees.contents(tmp_path / 'undisturbed')

    out = tmp_path / 'out'
    process = subprocess.Popen(
        command('prepare_deepfashion', *args, '--out', out, '--workers', 2),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(lambda: len(list(out.glob('train/*.png'))) >= 10)
        helpers = children(process.pid)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    wait_for(lambda: not any(map(is_running, helpers)))
    left = trees.contents(out)
    half_written = [name for name in left if name.endswith('.part')]
    whole = {name: data for name, data in left.items() if name.endswith('.png')}
    assert len(half_written) <= 2
    assert 10 <= len(whole) < 200
    assert all(data == expected[name] for name, data in whole.items())
    assert set(left) - set(whole) - set(half_written) == {'manifest.json'}

    again = ('--out', out, '--workers', 1)
    assert run('prepare_deepfashion', *args, *again).returncode == 0
    assert trees.contents(out) == expected


@pytest.mark.slow
def test_training_starts_from_what_was_written(tmp_path, run):
    """Both stages of a published config, with no path but data_root."""
    trees.write_market_tree(tmp_path / 'raw')
    trees.write_market_lists(tmp_path / 'raw')
    out = tmp_path / 'out'
    done = run('prepare_market1501', '--raw', tmp_path / 'raw', '--out', out)
    assert done.returncode == 0
    root = TOOLS.parents[1]
    config = root / 'configs/spig/spig_market1501-128x64_small.py'
    brief = [
        f'{loader}.{option}'
        for loader in ('train_dataloader', 'val_dataloader')
        for option in ('num_workers=0', 'persistent_workers=False')
    ]
    brief += [f'stages.{stage}.train_cfg.max_iters=1' for stage in ('flow', 'full')]
    trained = subprocess.run(
        [warm.python(), str(root / 'tools/train.py'), str(config)]
        + ['--work-dir', str(tmp_path / 'work'), '--cfg-options']
        + [f'data_root={out}', *brief],
        capture_output=True,
        text=True,
    )
    assert trained.returncode == 0, trained.stdout + trained.stderr
    for stage in ('flow', 'full'):
        assert (tmp_path / 'work' / stage / 'iter_1.pth').is_file()
