"""Joining the logs of a run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from posegen.engine.run_logs import read_run, read_runs
from posegen.utils import ConfigError, DataError
from tests.helpers.run_logs import score, step, write_log


def test_a_work_dir_has_its_stages_in_order(finished_run: Path) -> None:
    log = read_run(finished_run)
    assert log.name == finished_run.name
    assert [stage.stage for stage in log.stages] == ['flow', 'full']
    flow, full = log.stages
    assert list(full.training['loss_d']) == [2, 4]
    assert 'loss_d' not in flow.training
    assert list(full.scores['toy_error']) == [4] and 'time' not in full.scores
    assert full.record.finished and full.iterations == 4


def test_a_stage_a_start_and_a_file_are_runs_too(run_copy: Path) -> None:
    stage = run_copy / 'full'
    (file,) = stage.glob('*/vis_data/scalars.json')
    read = [read_run(path) for path in (stage, file.parents[1], file)]
    assert [log.name for log in read] == ['full', file.parents[1].name, 'full']
    assert len({json.dumps(log.stages[0].training) for log in read}) == 1
    assert [log.stages[0].stage for log in read] == ['full'] * 3
    moved = shutil.copy(file, run_copy / 'mine.json')
    assert read_run(moved).name == 'mine'


def test_order_is_that_of_the_first_starts(tmp_path: Path) -> None:
    for stage, start in (('a', '20260103_000000'), ('b', '20260101_000000')):
        write_log(tmp_path / stage, start, [step(1)])
    write_log(tmp_path / 'b', '20260104_000000', [step(2)])
    assert [stage.stage for stage in read_run(tmp_path).stages] == ['b', 'a']


def test_a_resumed_run_is_one_history(train: Callable, tmp_path: Path) -> None:
    """Four iterations, then four more: the second process went on at the fourth."""
    train(stage='flow', iters=4)
    train(stage='flow', iters=8, resume=True)
    (stage,) = read_run(tmp_path / 'run').stages
    assert list(stage.training['loss_rec']) == [2, 4, 6, 8]
    assert list(stage.scores['toy_error']) == [4, 8]


def test_what_a_killed_run_lost_is_left_out(tmp_path: Path) -> None:
    """Killed behind 7 with a checkpoint at 4, then again behind 6."""
    first = [step(i, loss=1.0) for i in range(1, 8)] + [score(4, l1=1.0)]
    write_log(tmp_path, '20260101_000000', first)
    write_log(
        tmp_path,
        '20260101_000001',
        [score(4, l1=2.0), step(5, loss=2.0), step(6, loss=2.0)],
    )
    (stage,) = read_run(tmp_path).stages
    assert stage.training['loss'] == dict.fromkeys(range(1, 5), 1.0) | {5: 2.0, 6: 2.0}
    assert stage.scores == {'l1': {4: 2.0}}


def test_a_cut_last_line_is_passed_over(tmp_path: Path) -> None:
    file = write_log(tmp_path, '20260101_000000', [step(1), step(2)])
    file.write_text(file.read_text().rstrip()[:-5])
    (stage,) = read_run(tmp_path).stages
    assert list(stage.training['loss']) == [1]


@pytest.mark.parametrize('line', ['{"loss": 1', '[1]', '{"loss": 1}', '7'])
def test_another_wrong_line_is_named(tmp_path: Path, line: str) -> None:
    file = write_log(tmp_path, '20260101_000000', [step(1), step(2)])
    file.write_text(f'{line}\n{file.read_text()}')
    with pytest.raises(DataError, match=r'scalars\.json, line 1: expected values of'):
        read_run(tmp_path)


def test_values_are_numbers_and_prefixes_go(tmp_path: Path) -> None:
    """A log processor with hierarchy writes train/ and val/."""
    lines = [
        {'train/loss': float('nan'), 'name': 'x', 'flag': True, 'iter': 1, 'step': 1},
        {'val/ssim': 0.5, 'val/time': 1.0, 'step': 1},
        {'val/loss': 3, 'step': 1},
    ]
    write_log(tmp_path, '20260101_000000', lines[:2])
    (stage,) = read_run(tmp_path).stages
    assert list(stage.training) == ['loss'] and list(stage.scores) == ['ssim']
    write_log(tmp_path, '20260101_000000', [lines[0], lines[2]])
    (stage,) = read_run(tmp_path).stages
    assert list(stage.curves) == ['loss', 'val/loss']


def test_validations_of_epochs_go_to_their_iteration(tmp_path: Path) -> None:
    lines = [dict(step(50), epoch=1), score(1, l1=0.3)]
    write_log(tmp_path, '20260101_000000', lines)
    assert read_run(tmp_path).stages[0].scores == {'l1': {50: 0.3}}


def test_nothing_to_read_is_said(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / 'empty.json'):
        if path != tmp_path:
            path.touch()
        with pytest.raises(DataError, match='has no log of a training: expected'):
            read_run(path)
    with pytest.raises(DataError, match='does not exist'):
        read_run(tmp_path / 'none')


def test_names_of_runs(run_copy: Path) -> None:
    assert [log.name for log in read_runs([run_copy, f'b={run_copy}'])] == [
        'moved',
        'b',
    ]
    with pytest.raises(ConfigError, match="two runs are called 'moved': name them"):
        read_runs([run_copy, run_copy])
    with pytest.raises(ConfigError, match='must be NAME=RUN or RUN'):
        read_runs([f'={run_copy}'])
