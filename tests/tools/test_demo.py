"""The demo's scripts: they parse, and the report shows what was scored."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from posegen.datasets import write_annotations, write_pairs
from posegen.evaluation import ScoreRow, ScoreTable

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize('script', ['demo.sh', 'test.sh', '_venv.sh'])
def test_script_parses(script):
    subprocess.run(['bash', '-n', str(ROOT / 'tools' / script)], check=True)


SOURCE, RESULT, TARGET = (90, 10, 20), (10, 90, 20), (10, 20, 90)


def paint(path: Path, color: tuple[int, int, int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new('RGB', (16, 32), color).save(path)


def write_demo(root: Path) -> list[str]:
    """A test split of two images, a result, scores; returns report.py's arguments."""
    data, results = root / 'data', root / 'results'
    paint(data / 'test' / 'a.png', SOURCE)
    paint(data / 'test' / 'b.png', TARGET)
    paint(results / 'a___b.png', RESULT)
    names = ['a.png', 'b.png']
    joints = np.ones((2, 18, 3), np.float32)
    write_annotations(data / 'synthetic-annotation-test.csv', names, joints)
    write_pairs(data / 'synthetic-pairs-test.csv', [('a.png', 'b.png')])
    row = ScoreRow('spig', 'posegen', 1, {'ssim': 0.5})
    ScoreTable((row,)).to_json(root / 'table.json')
    return [f'--data={data}', f'--out={root / "out.png"}']


def run_report(monkeypatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, 'argv', ['report.py', *arguments])
    runpy.run_path(str(ROOT / 'tools' / 'demo' / 'report.py'), run_name='__main__')


@pytest.mark.parametrize('columns', [[''], ['shipped=', 'trained=']])
def test_report_shows_every_folder_of_results(tmp_path, monkeypatch, columns):
    arguments = write_demo(tmp_path)
    results = [f'{name}{tmp_path / "results"}' for name in columns]
    run_report(monkeypatch, *arguments, '--results', *results)
    picture = np.asarray(Image.open(tmp_path / 'out.png'))
    panels = [
        (picture == value).all(axis=2).sum() for value in (SOURCE, RESULT, TARGET)
    ]
    assert panels[0] == panels[2] > 0
    assert panels[1] == panels[0] * len(columns)


def test_report_writes_the_table(tmp_path, monkeypatch):
    arguments = write_demo(tmp_path)
    scores = [f'--scores={tmp_path / "table.json"}', f'--table={tmp_path / "table.md"}']
    run_report(monkeypatch, *arguments, *scores, '--results', str(tmp_path / 'results'))
    table = (tmp_path / 'table.md').read_text(encoding='utf-8')
    assert '| spig | 1 | 0.5000 |' in table


def test_report_needs_scores_for_a_table(tmp_path, monkeypatch, capsys):
    arguments = [*write_demo(tmp_path), f'--table={tmp_path / "table.md"}']
    with pytest.raises(SystemExit):
        run_report(monkeypatch, *arguments, '--results', str(tmp_path / 'results'))
    assert 'belong together' in capsys.readouterr().err
