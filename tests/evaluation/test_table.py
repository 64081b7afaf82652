"""The table of scores."""

from __future__ import annotations

import json
import math

import pytest
from rich.console import Console

from posegen.evaluation import ScoreRow, ScoreTable
from posegen.evaluation.cli import print_uncut
from posegen.evaluation.table import SliceRow

TABLE = ScoreTable(
    (
        ScoreRow('one [1]', 'posegen', 60, dict(psnr=math.inf, ssim=0.5, l1=0.25)),
        ScoreRow('two', 'posegen', 59, dict(psnr=17.73555, ssim=0.25, l1=0.125)),
    )
)


def test_markdown():
    assert TABLE.to_markdown().splitlines() == [
        '| method | n | ssim ↑ | psnr ↑ | l1 ↓ |',
        '| --- | ---: | ---: | ---: | ---: |',
        '| one [1] | 60 | **0.5000** | **inf** | 0.2500 |',
        '| two | 59 | 0.2500 | 17.74 | **0.1250** |',
    ]


def test_json_is_strict_and_not_rounded(tmp_path):
    text = TABLE.to_json(tmp_path / 'deep' / 'scores.json')
    assert (tmp_path / 'deep' / 'scores.json').read_text() == text
    content = json.loads(text, parse_constant=pytest.fail)
    assert content['higher_is_better'] == dict(ssim=True, psnr=True, l1=False)
    assert content['rows'][0]['values'] == dict(psnr='inf', ssim=0.5, l1=0.25)
    assert content['rows'][1]['values']['psnr'] == 17.73555
    assert ScoreTable.from_json(text) == TABLE


def test_several_protocols_are_compared_apart():
    rows = [*TABLE.rows, ScoreRow('two', 'other', 59, dict(ssim=0.9))]
    lines = ScoreTable(tuple(rows)).to_markdown().splitlines()
    assert lines[0].startswith('| method | protocol | n |')
    assert lines[2].startswith('| one [1] | posegen | 60 | **0.5000** |')
    assert lines[4] == '| two | other | 59 | 0.9000 | - | - |'


def test_terminal_shows_all_digits_however_narrow(capsys):
    print_uncut(TABLE.to_rich(), Console(width=20))
    printed = capsys.readouterr().out
    for text in ('one [1]', '0.5000', '17.74', '0.1250', 'psnr ↑'):
        assert text in printed


FULL = ScoreTable(
    (
        ScoreRow(
            'A',
            'posegen',
            9,
            dict(ssim=0.5),
            missing=dict(fid='no weights', lpips='no weights'),
            intervals=dict(ssim=(0.25, math.inf)),
        ),
        ScoreRow('A', 'gfla', 9, dict(ssim=0.6), missing=dict(fid='no weights')),
    ),
    slices=(SliceRow('A', 'posegen', 'part', 'head', 8, dict(psnr=20.0)),),
    disagreements=('SSIM of A differs.',),
    manifest=dict(format=2, inputs=dict(real=dict(images=3))),
)


def test_json_keeps_everything():
    text = FULL.to_json()
    json.loads(text, parse_constant=pytest.fail)
    assert ScoreTable.from_json(text) == FULL


def test_reads_tables_of_before():
    rows = [dict(name='A', protocol='posegen', n=1, values=dict(psnr='inf'))]
    text = json.dumps(dict(higher_is_better=dict(psnr=True), rows=rows))
    table = ScoreTable.from_json(text)
    assert table.value('A', 'psnr') == math.inf
    assert table.rows[0].missing == {} and table.slices == ()


def test_reasons_are_said_once():
    assert FULL.reasons() == {'no weights': ['fid (posegen, gfla)', 'lpips (posegen)']}
    assert 'fid' not in FULL.metrics
    with pytest.raises(KeyError, match="no fid of 'A': no weights"):
        FULL.value('A', 'fid')


def test_slices_are_printed(capsys):
    print_uncut(FULL.slices_to_rich(), Console(width=20))
    printed = capsys.readouterr().out
    assert 'part: head' in printed and '20.00' in printed


def test_value():
    assert TABLE.value('two', 'l1') == 0.125
    with pytest.raises(KeyError, match='no row'):
        TABLE.value('three', 'l1')
