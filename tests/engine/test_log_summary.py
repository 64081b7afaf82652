"""Numbers out of logs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console

from posegen.engine.log_summary import (
    Score,
    analyze,
    is_higher_better,
    logs_as_json,
    select_keys,
    summarize,
    summary_table,
)
from posegen.engine.run_logs import RunLog, read_run
from posegen.engine.stage_record import StageRecord
from posegen.utils import ConfigError
from tests.helpers.run_logs import score, step, write_log

START = '20260101_000000'


@pytest.fixture
def log(tmp_path: Path) -> RunLog:
    """One stage: the second line waits for data, the third is a slow outlier."""
    lines = [
        step(10, 3.0, loss_d_adv=9.0, time=1.0, data_time=0.1, memory=100),
        step(20, 2.0, loss_d_adv=8.0, time=1.2, data_time=0.6, memory=300),
        score(20, ssim=0.5, fid=40.0, mine=1.0),
        step(30, 1.0, loss_d_adv=7.0, time=9.0, data_time=0.9, memory=300),
        score(30, ssim=0.4, fid=30.0, mine=2.0),
    ]
    lines[0] |= {'generator.lr': 1e-3, 'grad_norm_generator': 5.0, 'flow_size': 2.0}
    write_log(tmp_path / 'run' / 'full', START, lines)
    return read_run(tmp_path / 'run')


def test_keys_come_by_kind(log: RunLog) -> None:
    assert select_keys([log]) == [
        *('loss_d_adv', 'loss', 'ssim', 'fid', 'mine', 'grad_norm_generator'),
        *('generator.lr', 'flow_size', 'time', 'data_time', 'memory'),
    ]
    assert select_keys([log], ['f*', 'loss', 'loss']) == ['loss', 'fid', 'flow_size']


def test_an_unknown_key_is_named(log: RunLog) -> None:
    with pytest.raises(
        ConfigError, match=r"'los_d_adv' .*mean 'loss_d_adv'.*there are"
    ):
        select_keys([log], ['los_d_adv'])


def test_the_row_of_a_stage(log: RunLog) -> None:
    (row,) = summarize(log)
    assert (row.run, row.stage, row.iterations) == ('run', 'full', 30)
    assert (row.max_iterations, row.finished) == (None, None)
    assert row.seconds == 10 * 1.0 + 10 * 1.2 + 10 * 9.0
    assert row.seconds_per_iteration == 1.2
    assert row.data_share == pytest.approx(0.1)
    assert row.memory == 300
    assert row.last['loss'] == 1.0 and 'time' not in row.last and 'fid' not in row.last
    assert row.scores == dict(
        ssim=Score(0.4, 30, 0.5, 20), fid=Score(30.0, 30, 30.0, 30), mine=Score(2.0, 30)
    )
    (row,) = summarize(log, ['fid'])
    assert row.last == {} and list(row.scores) == ['fid']


def test_the_record_knows_the_time_in_all(log: RunLog, tmp_path: Path) -> None:
    record = StageRecord('full', iterations=35, max_iterations=100, seconds=3700)
    record.save(tmp_path / 'run' / 'full')
    log = read_run(tmp_path / 'run')
    (row,) = summarize(log)
    assert (row.iterations, row.max_iterations, row.seconds) == (35, 100, 3700)
    console = Console(width=200, record=True)
    console.print(summary_table([row]))
    text = console.export_text()
    for part in ('35', 'of 100', '1:01:40', '1.2', 'data 10%', '300 MB', 'loss 1'):
        assert part in text
    assert 'ssim 0.4, best 0.5 at 20' in text and 'run' not in text


def test_a_score_that_is_no_number_is_not_the_best(tmp_path: Path) -> None:
    lines = [step(1), score(1, fid=float('nan')), score(2, fid=9.0)]
    write_log(tmp_path / 'full', START, [*lines, score(3, fid=float('nan'))])
    log = read_run(tmp_path)
    (row,) = summarize(log)
    assert row.scores['fid'].best == 9.0 and row.scores['fid'].best_at == 2
    content = json.dumps(logs_as_json([log], ['fid']), allow_nan=False)
    stage = json.loads(content)[tmp_path.name]['full']
    assert stage['curves'] == {'fid': [[1, None], [2, 9.0], [3, None]]}
    assert stage['scores']['fid']['last'] is None


@pytest.mark.parametrize(
    ('metric', 'higher'),
    [
        *(('ssim', True), ('lpips', False), ('gfla/fid', False), ('val/psnr', True)),
        *(('epe_head', False), ('kd_efficientnet_lite0', False)),
        *(('epe_zero_flow', None), ('mine', None)),
    ],
)
def test_the_better_way_is_that_of_the_evaluation(metric: str, higher: bool | None):
    assert is_higher_better(metric) is higher


def test_all_of_it_in_one_call(log: RunLog, tmp_path: Path, capsys) -> None:
    out, file = tmp_path / 'a' / 'curves.png', tmp_path / 'b' / 'curves.json'
    runs = [tmp_path / 'run', f'again={tmp_path / "run"}']
    analyze(runs, ['loss*', 'fid'], out, file, smooth=2)
    assert out.read_bytes().startswith(b'\x89PNG')
    assert list(json.loads(file.read_text())) == ['run', 'again']
    printed = capsys.readouterr().out
    assert 'again' in printed and 'loss_d_adv 7' in printed
    with pytest.raises(ConfigError, match=r'--out must end in \.png'):
        analyze(runs, out='curves.jpg')
