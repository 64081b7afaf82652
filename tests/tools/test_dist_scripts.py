"""The scripts for several processes: what they start, and with what.

Slurm is played by scripts called as its commands, which write down what they are given.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from posegen.engine.stage_record import read_record
from tests.helpers.forked import ROOT, free_port
from tests.helpers.scripts import script
from tests.helpers.toy_training import toy_config, write_config

SCRIPTS = ('dist_train.sh', 'dist_test.sh', 'slurm_train.sh', 'slurm_test.sh')
NO_SLURM = 'Slurm is not installed'
LAUNCH = ['-m', 'posegen.utils.launch']
# Writes down arguments and some of the environment, then ends as it is told.
RECORD = f"""#!{sys.executable}
import json, os, sys
names = ('OMP_NUM_THREADS', 'PYTHONPATH')
row = dict(arguments=sys.argv[1:], **{{name: os.environ.get(name) for name in names}})
with open(os.environ['RECORD'], 'a') as file:
    file.write(json.dumps(row) + '\\n')
sys.exit(int(os.environ.get('END_WITH', 0)))
"""


@pytest.mark.parametrize('name', [*SCRIPTS, '_dist.sh'])
def test_script_parses(name: str) -> None:
    path = ROOT / 'tools' / name
    subprocess.run(['bash', '-n', str(path)], check=True)
    if shutil.which('shellcheck'):
        subprocess.run(['shellcheck', '-x', str(path)], check=True, cwd=ROOT)


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder that stands first in PATH, with a `python3` that only writes down."""
    folder = tmp_path / 'bin'
    folder.mkdir()
    add_command(folder / 'python3', RECORD)
    monkeypatch.setenv('PATH', f'{folder}{os.pathsep}{os.environ["PATH"]}')
    monkeypatch.setenv('RECORD', str(tmp_path / 'record'))
    for name in ('NNODES', 'NODE_RANK', 'MASTER_ADDR', 'PORT', 'OMP_NUM_THREADS'):
        monkeypatch.delenv(name, raising=False)
    return folder


def add_command(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def record(commands: Path, tmp_path: Path) -> Callable[..., list[dict]]:
    """Run a script with those commands; returns what they wrote down."""

    def run(name: str, *arguments: str | Path, **env: str) -> list[dict]:
        path = tmp_path / 'record'
        path.unlink(missing_ok=True)
        env = dict(dict(PYTHON='python3', OMP_NUM_THREADS=''), **env)
        done = script(name, *arguments, folder=tmp_path, **env)
        assert done.code == 0, done.errors
        return [json.loads(line) for line in path.read_text().splitlines()]

    return run


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / 'a config.py'
    path.touch()
    return path


# -- torchrun --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('env', 'meeting'),
    [
        ({}, '--nnodes 1 --standalone'),
        (
            dict(PORT='5000'),
            '--nnodes 1 --rdzv-backend c10d --rdzv-endpoint localhost:5000',
        ),
        (
            dict(NNODES='2:4', RDZV_ENDPOINT='a:1', RDZV_ID='x'),
            '--nnodes 2:4 --rdzv-backend c10d --rdzv-endpoint a:1 --rdzv-id x',
        ),
        (
            dict(NNODES='2', MASTER_ADDR='a', NODE_RANK='1'),
            '--nnodes 2 --node-rank 1 --master-addr a --master-port 29500',
        ),
    ],
)
def test_how_processes_find_each_other(
    env: dict, meeting: str, record: Callable, config: Path
) -> None:
    (row,) = record('dist_train.sh', config, 3, '--work-dir', 'a b', **env)
    program = [str(ROOT / 'tools' / 'train.py'), str(config), '--work-dir', 'a b']
    assert row['arguments'] == [
        *(*LAUNCH, *meeting.split(), '--nproc-per-node', '3', '--max-restarts', '0'),
        *(*program, '--launcher', 'pytorch'),
    ]
    assert row['PYTHONPATH'].split(os.pathsep)[0] == str(ROOT)
    assert row['OMP_NUM_THREADS'] == str(max(1, len(os.sched_getaffinity(0)) // 3))


def test_restarts_resume(record: Callable, config: Path) -> None:
    for given in ([], ['--resume'], ['--resume=auto']):
        (row,) = record('dist_train.sh', config, 2, *given, MAX_RESTARTS='3')
        words = row['arguments']
        assert words[words.index('--max-restarts') + 1] == '3'
        assert sum(word.startswith('--resume') for word in words) == 1


def test_testing(record: Callable, config: Path, tmp_path: Path) -> None:
    (row,) = record('dist_test.sh', config, config, 2, '--out', 'x', MAX_RESTARTS='3')
    assert row['arguments'][-9:] == [
        *('--max-restarts', '0', str(ROOT / 'tools' / 'test.py'), str(config)),
        *(str(config), '--out', 'x', '--launcher', 'pytorch'),
    ]


@pytest.mark.parametrize(
    ('name', 'arguments', 'env', 'message'),
    [
        ('dist_train.sh', [], {}, 'CONFIG and the number of processes are needed'),
        ('dist_train.sh', ['{config}'], {}, 'CONFIG and the number of processes are'),
        ('dist_train.sh', ['none.py', 2], {}, 'there is no file none.py'),
        ('dist_train.sh', ['{config}', '-1'], {}, "above 0, got '-1'"),
        ('dist_train.sh', ['{config}', 'two'], {}, "above 0, got 'two'"),
        ('dist_train.sh', ['{config}', 2], dict(NNODES='2'), 'RDZV_ENDPOINT=HOST:PORT'),
        ('dist_train.sh', ['{config}', 2], dict(NNODES='x'), "(2:4), got 'x'"),
        (
            *('dist_train.sh', ['{config}', 2]),
            *(dict(NNODES='2', MASTER_ADDR='a'), 'MASTER_ADDR needs NODE_RANK too'),
        ),
        (
            *('dist_train.sh', ['{config}', 2]),
            dict(NNODES='2', MASTER_ADDR='a', NODE_RANK='0', MAX_RESTARTS='1'),
            'MAX_RESTARTS on several machines needs RDZV_ENDPOINT',
        ),
        ('dist_train.sh', ['{config}', 2], dict(MAX_RESTARTS='x'), "got 'x'"),
        ('dist_test.sh', ['{config}', 2], {}, 'CONFIG, CHECKPOINT and the number of'),
        ('dist_test.sh', ['{config}', 'none.pth', 2], {}, 'there is no file none.pth'),
        ('slurm_train.sh', ['{config}'], {}, 'CONFIG and the number of processes are'),
        ('slurm_train.sh', ['{config}', 2], {}, NO_SLURM),
        ('slurm_test.sh', ['{config}', 'none.pth', 2], {}, 'there is no file none.pth'),
        ('slurm_test.sh', ['{config}', '{config}', 2], {}, NO_SLURM),
    ],
)
def test_what_is_refused(
    name: str, arguments: list, env: dict, message: str, config: Path, tmp_path: Path
) -> None:
    arguments = [str(word).format(config=config) for word in arguments]
    if message == NO_SLURM and shutil.which('srun'):
        pytest.skip('Slurm is installed')
    done = script(name, *arguments, folder=tmp_path, **env)
    assert done.code == 2
    last = done.errors.splitlines()[-1]
    assert last.startswith(f'{name}: ') and message in last


@pytest.mark.parametrize('name', SCRIPTS)
def test_help(name: str, tmp_path: Path) -> None:
    done = script(name, '--help', folder=tmp_path)
    assert (done.code, done.errors) == (0, '')
    assert done.output.startswith('usage: ') and f'tools/{name} CONFIG' in done.output


# -- Slurm -----------------------------------------------------------------------------

# Runs a job at once, and again as long as it asks for that.
SBATCH = """#!/usr/bin/env bash
printf '%s\\n' "$@" >"$JOBS.options"
cat >"$JOBS.script"
export SLURM_JOB_ID=7 SLURM_RESTART_COUNT=0 SLURM_CPUS_PER_TASK=1
while :; do
    rm -f "$JOBS.requeue"
    bash "$JOBS.script"
    code=$?
    [ -e "$JOBS.requeue" ] || exit $code
    SLURM_RESTART_COUNT=$((SLURM_RESTART_COUNT + 1))
done
"""
SCONTROL = """#!/usr/bin/env bash
[ "$*" = 'requeue 7' ] && touch "$JOBS.requeue"
"""
# Two tasks; its own code is the highest of theirs.
SRUN = """#!/usr/bin/env bash
while [[ "$1" = --* ]]; do
    case "$1" in *=*) shift ;; *) shift 2 ;; esac
done
export SLURM_NTASKS=2 SLURM_NODELIST=localhost
for rank in 0 1; do
    SLURM_PROCID=$rank SLURM_LOCALID=$rank "$@" &
    tasks[rank]=$!
done
code=0
for task in "${tasks[@]}"; do
    wait "$task" || { last=$?; code=$((last > code ? last : code)); }
done
exit $code
"""


@pytest.fixture
def slurm(commands: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The commands of Slurm; returns where they write."""
    for name, text in dict(sbatch=SBATCH, scontrol=SCONTROL, srun=SRUN).items():
        add_command(commands / name, text)
    monkeypatch.setenv('JOBS', str(tmp_path / 'job'))
    monkeypatch.setenv('MAX_REQUEUES', '3')
    return tmp_path / 'job'


def test_a_job_asks_for_what_it_needs(
    slurm: Path, record: Callable, config: Path
) -> None:
    rows = record('slurm_train.sh', config, 12, '--amp', CPUS_PER_TASK='4')
    options = slurm.with_suffix('.options').read_text().split('\n')
    assert options[:-1] == [
        *('--job-name', 'a config', '--ntasks', '12', '--ntasks-per-node', '8'),
        *('--cpus-per-task', '4', '--requeue', '--open-mode', 'append'),
        *('--signal', 'TERM@120', '--gpus-per-node', '8'),
    ]
    assert len(rows) == 2  # of the tasks
    assert rows[0]['arguments'] == [
        *(str(ROOT / 'tools' / 'train.py'), str(config), '--amp', '--resume'),
        *('--launcher', 'slurm'),
    ]
    record('slurm_train.sh', config, 2, GPUS_PER_NODE='0', SECONDS_TO_SAVE='9')
    options = slurm.with_suffix('.options').read_text()
    assert 'TERM@9' in options and 'gpus' not in options


def test_a_test_is_run_at_once(slurm: Path, record: Callable, config: Path) -> None:
    rows = record('slurm_test.sh', config, config, 2, '--out', 'x')
    assert len(rows) == 2
    assert rows[0]['arguments'] == [
        *(str(ROOT / 'tools' / 'test.py'), str(config), str(config), '--out', 'x'),
        *('--launcher', 'slurm'),
    ]


@pytest.mark.parametrize(('code', 'times'), [(0, 1), (2, 1), (143, 4)])
def test_only_a_job_that_has_saved_is_queued_again(
    code: int, times: int, slurm: Path, commands: Path, config: Path, tmp_path: Path
) -> None:
    env = dict(PYTHON='python3', END_WITH=str(code))
    done = script('slurm_train.sh', config, 2, folder=tmp_path, **env)
    rows = (tmp_path / 'record').read_text().splitlines()
    assert len(rows) == 2 * times  # tasks
    assert done.code == (2 if code == 143 else code)  # it gives up
    assert ('was queued 3 times; submit it' in done.errors) is (code == 143)


@pytest.mark.skipif(torch.cuda.is_available(), reason='the CPU path: gloo')
def test_a_job_that_is_told_to_stop_goes_on_in_the_next(
    slurm: Path, tmp_path: Path
) -> None:
    settings = toy_config(iters=4, checkpoint=4)
    settings['custom_hooks'] = [dict(type='SigtermHook', iteration=2, rank=1)]
    path = write_config(tmp_path / 'toy.py', settings)
    done = script(
        *('slurm_train.sh', path, 2, '--work-dir', tmp_path / 'run'),
        *('--stage', 'flow'),
        folder=tmp_path,
        MASTER_PORT=str(free_port()),
        GPUS_PER_NODE='0',
    )
    assert done.code == 0, done.errors
    assert done.errors.count('stopped by SIGTERM after iteration 2') == 1
    assert 'Stage flow resumes from' in done.output
    assert read_record(tmp_path / 'run' / 'flow').finished
