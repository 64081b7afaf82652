"""The tool as users call it: one command, several processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.evaluation.toy_set import write_joints, write_set
from tests.helpers import warm

TOOL = Path(__file__).resolve().parents[2] / 'tools' / 'evaluate.py'


def _run(
    folder: Path, *arguments: str, python: str | None = None
) -> subprocess.CompletedProcess:
    return subprocess.run(
        [python or warm.python(), str(TOOL), *arguments],
        cwd=folder,
        env={**os.environ, 'TORCH_HOME': str(folder / 'hub'), 'COLUMNS': '80'},
        capture_output=True,
        text=True,
    )


def test_one_command_scores_several_methods_in_two_processes(tmp_path):
    write_set(tmp_path)
    write_joints(tmp_path / 'joints.csv')
    done = _run(
        tmp_path,
        *('--generated', 'A=good', 'poor', '--real', 'real', '--copy-source'),
        *('--protocol', 'patn', 'pise', '--annotations', 'joints.csv', '--slices'),
        *('--processes', '2', '--json', 'out/scores.json', '--per-pair', 'out/p.csv'),
        *('--sheet', 'out/sheet.png', '--sheet-by', 'psnr'),
        python=sys.executable,  # whose processes import the tool again
    )
    assert done.returncode == 0, done.stderr
    for text in ('ssim ↑', 'copy the source', 'pose distance: ', 'pise: PISE: PSNR'):
        assert text in done.stdout
    assert 'written: out/scores.json, out/p.csv, out/sheet.png' in done.stdout
    scores = json.loads((tmp_path / 'out' / 'scores.json').read_text())
    assert [row['name'] for row in scores['rows']][:2] == ['A', 'poor']
    assert scores['options']['processes'] == 2
    assert len((tmp_path / 'out' / 'p.csv').read_text().splitlines()) == 10
    assert (tmp_path / 'out' / 'sheet.png').is_file()


def test_errors_are_one_line(tmp_path):
    write_set(tmp_path)
    (tmp_path / 'good' / 'a___b.png').rename(tmp_path / 'good' / 'a___q.png')
    done = _run(tmp_path, '--generated', 'good', '--real', 'real')
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("posegen: error: 'good': 1 of 3 names")
    assert line.endswith("'a___q.png'; the first lacks 'q'")
