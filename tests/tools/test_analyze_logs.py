"""tools/analysis/analyze_logs.py as its users run it."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from tests.helpers.run_logs import score, step, write_log

MAIN = runpy.run_path(str(Path(__file__).parents[2] / 'tools/analysis/analyze_logs.py'))


def test_a_table_and_a_picture(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    write_log(tmp_path / 'run/full', '20260101_000000', [step(1), score(1, ssim=0.5)])
    out = tmp_path / 'curves.png'
    MAIN['main']([str(tmp_path / 'run'), '--out', str(out), '--keys', 'ssim'])
    printed = capsys.readouterr().out
    assert (
        'ssim 0.5, best 0.5 at 1' in printed and f'The curves are in {out}' in printed
    )
    assert out.is_file()


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ([], 'analyze_logs: .* has no log of a training'),
        (['--smooth', '0'], '2'),
    ],
)
def test_errors_are_one_line(
    arguments: list[str], message: str, tmp_path: Path
) -> None:
    with pytest.raises(SystemExit, match=message):
        MAIN['main']([str(tmp_path), *arguments])
