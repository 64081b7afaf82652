"""What is written beside the table."""

from __future__ import annotations

import csv

import numpy as np
import pytest
import torch
from PIL import Image

from posegen.evaluation import score_folder
from posegen.evaluation.report import rank, write_pair_csv, write_sheet
from posegen.utils.errors import ConfigError
from tests.evaluation.toy_set import PAIRS, SIZE, save, write_set


@pytest.fixture
def table(tmp_path):
    root = write_set(tmp_path)
    return score_folder(
        dict(A=root / 'good', B=root / 'poor'),
        root / 'real',
        protocols=['dptn', 'pise'],
    )


def test_pair_csv(table, tmp_path):
    write_pair_csv(table, tmp_path / 'deep' / 'pairs.csv')
    with open(tmp_path / 'deep' / 'pairs.csv', newline='') as file:
        rows = list(csv.DictReader(file))
    assert [(row['method'], row['source'], row['target']) for row in rows] == [
        (method, *pair) for method in 'AB' for pair in sorted(PAIRS)
    ]
    assert rows[0]['file'] == 'a___b.png'
    for method in 'AB':
        got = [float(row['pise.psnr']) for row in rows if row['method'] == method]
        assert np.mean(got) == table.value(method, 'psnr', 'pise')


def test_sheet(table, tmp_path):
    write_sheet(table, tmp_path / 'sheet.png', 'psnr')
    with Image.open(tmp_path / 'sheet.png') as sheet:
        assert sheet.width > 9 * 128
    with pytest.raises(ConfigError, match="no 'fid' to sort by; they have: l1, mae_"):
        write_sheet(table, tmp_path / 'sheet.png', 'fid')


@pytest.mark.parametrize(
    ('values', 'higher', 'expected'),
    [
        ([3, 1, 2], True, dict(best=[0], median=[2], worst=[1])),
        ([3, 1, 2], False, dict(best=[1], median=[2], worst=[0])),
        ([7], True, dict(best=[0], median=[], worst=[])),
        (range(9), True, dict(best=[8, 7], median=[5, 4], worst=[1, 0])),
    ],
)
def test_rank(values, higher, expected):
    assert rank(np.array(values, dtype=float), higher, count=2) == expected


def test_results_that_do_not_name_their_source(tmp_path):
    root = write_set(tmp_path)
    for source, target in PAIRS:
        file = root / 'good' / f'{source}___{target}.png'
        file.rename(root / 'good' / f'{target}.png')
    table = score_folder(root / 'good', root / 'real')
    write_pair_csv(table, tmp_path / 'pairs.csv')
    with open(tmp_path / 'pairs.csv', newline='') as file:
        rows = list(csv.DictReader(file))
    assert [(row['source'], row['target']) for row in rows] == [
        ('', target) for target in 'abc'
    ]
    write_sheet(table, tmp_path / 'sheet.png', 'l1')
    with Image.open(tmp_path / 'sheet.png') as sheet:
        assert sheet.mode == 'RGB'


def test_a_score_that_a_method_lacks_is_an_empty_cell(tmp_path):
    root = write_set(tmp_path)
    flat = torch.full((3, *SIZE), 9, dtype=torch.uint8)
    save(root / 'poor' / 'a___b.png', flat)
    methods = dict(A=root / 'good', B=root / 'poor')
    table = score_folder(methods, root / 'real', protocols=['gfla'])
    write_pair_csv(table, tmp_path / 'pairs.csv')
    with open(tmp_path / 'pairs.csv', newline='') as file:
        rows = list(csv.DictReader(file))
    assert [bool(row['gfla.ssim']) for row in rows] == [True] * 3 + [False] * 3
    assert all(row['gfla.psnr'] for row in rows)
    with pytest.raises(ConfigError, match="no 'ssim' to sort by"):  # not of all
        write_sheet(table, tmp_path / 'sheet.png', 'ssim')
