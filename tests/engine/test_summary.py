"""Tables at the end of a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from posegen.engine.stage_record import StageRecord, read_record
from posegen.engine.summary import print_metrics, print_summary


def test_everything_about_a_run_is_shown(capsys: pytest.CaptureFixture) -> None:
    done = StageRecord(
        'flow',
        finished=True,
        iterations=12_000,
        seconds=3_725.4,
        losses=dict(loss_sam=0.123456),
        metrics=dict(ssim=0.5),
        checkpoint='iter_12000.pth',
    )
    print_summary([done, StageRecord('full')], 'work_dirs/a')
    shown = capsys.readouterr().out
    for text in ('flow', '12,000', '1:02:05', 'loss_sam 0.1235', 'ssim 0.5'):
        assert text in shown
    assert 'full (unfinished)' in shown
    assert 'weights of flow: work_dirs/a/flow/iter_12000.pth' in shown


def test_metrics_are_shown(capsys: pytest.CaptureFixture) -> None:
    print_metrics(dict(ssim=0.43219), 'full.pth')
    shown = capsys.readouterr().out
    assert 'full.pth' in shown and '0.4322' in shown


def test_brackets_in_names_are_no_markup(capsys: pytest.CaptureFixture) -> None:
    print_metrics(dict(ssim=0.5), 'run[/1]/[b]full.pth')
    print_summary([StageRecord('full', checkpoint='a.pth')], 'run[/1]/[b]')
    shown = capsys.readouterr().out
    assert 'run[/1]/[b]full.pth' in shown and 'Results in run[/1]/[b]' in shown
    assert 'run[/1]/[b]/full/a.pth' in shown


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert read_record(tmp_path) is None
    record = StageRecord('flow', losses=dict(loss=1.5), validated_at=3)
    record.save(tmp_path)
    assert read_record(tmp_path) == record
    assert [path.name for path in tmp_path.iterdir()] == ['stage.json']
