"""Hue correlation of folders."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch

from posegen import cli
from posegen.evaluation import COPY_SOURCE, score_folder
from posegen.evaluation import functional as F
from posegen.evaluation.hue import find_truths, score_hues
from posegen.evaluation.pairs import Pair
from posegen.utils.errors import DataError
from tests.evaluation.helpers import random_images, read_image
from tests.evaluation.toy_set import PAIRS, SIZE, save, write_set


@pytest.fixture(autouse=True)
def no_downloads(monkeypatch):
    def offline(*args, **kwargs):
        raise URLError('no network')

    monkeypatch.setattr(torch.hub, 'download_url_to_file', offline)


@pytest.fixture
def folders(tmp_path):
    """The toy set with a truth of each pair: torso above, legs below."""
    write_set(tmp_path)
    labels = np.repeat(np.array([[2], [3]], np.uint8), SIZE[0] // 2, 0)
    labels = labels.repeat(SIZE[1], 1)
    (tmp_path / 'truth').mkdir()
    for source, target in PAIRS:
        np.savez(
            tmp_path / 'truth' / f'{source}___{target}.npz',
            flow=np.zeros((2, *SIZE), np.float32),
            visibility=np.ones(SIZE, bool),
            part_labels=labels,
        )
    return tmp_path


def expected(root: Path, method: str) -> float:
    labels = torch.from_numpy(np.load(root / 'truth/a___b.npz')['part_labels'])
    hues = []
    for images in ([f'{method}/{s}___{t}.png' for s, t in PAIRS],) + (
        [f'real/{t}.png' for _, t in PAIRS],
    ):
        stack = torch.stack([read_image(root / name) for name in images])
        hues.append(F.region_hues(stack, labels.expand(len(PAIRS), -1, -1)))
    return F.hue_correlation(*hues)


def test_a_column_of_the_first_protocol(folders):
    methods = {name: folders / name for name in ('good', 'poor')}
    table = score_folder(
        methods,
        folders / 'real',
        protocols=['patn', 'pise'],
        truth=folders / 'truth',
        copy_source=True,
    )
    for row in table.rows:
        assert ('hue_correlation' in row.values) == (row.protocol == 'patn')
    for name in methods:
        value = table.value(name, 'hue_correlation', 'patn')
        assert value == pytest.approx(expected(folders, name))
    assert -1 <= table.value(COPY_SOURCE, 'hue_correlation', 'patn') <= 1
    assert 'hue_correlation ↑' in table.to_markdown()
    assert table.manifest['inputs']['truth']['files'] == 3


def test_the_command_prints_and_writes_it(folders, monkeypatch, capsys):
    monkeypatch.chdir(folders)
    command = ['evaluate', '--generated', 'good', '--real', 'real', '--truth', 'truth']
    options = ['--protocol', 'patn', '--processes', '1', '--json', 'out.json']
    assert cli.main([*command, *options]) == 0
    assert 'correlation ↑' in capsys.readouterr().out
    (row,) = json.loads((folders / 'out.json').read_text())['rows']
    assert row['values']['hue_correlation'] == pytest.approx(expected(folders, 'good'))
    assert len(row['intervals']['hue_correlation']) == 2


def test_without_truth_there_is_no_column(folders):
    table = score_folder(folders / 'good', folders / 'real', ['patn'])
    assert 'hue_correlation' not in table.metrics


def test_too_few_regions_are_a_reason(folders):
    for file in (folders / 'truth').iterdir():
        arrays = dict(np.load(file))
        np.savez(file, **arrays | {'part_labels': arrays['part_labels'] // 4})
    arguments = folders / 'good', folders / 'real', ['patn']
    table = score_folder(*arguments, truth=folders / 'truth')
    with pytest.raises(KeyError, match='needs two regions or more, of differing hues'):
        table.value('good', 'hue_correlation', 'patn')


def test_results_of_another_size_are_a_reason(folders):
    save(folders / 'small.png', random_images(1, (16, 12))[0])
    source, target = folders / 'real/a.png', folders / 'real/b.png'
    pair = Pair(source, target, folders / 'small.png', ('a', 'b'))
    reason = score_hues([pair], find_truths([pair], folders / 'truth'))
    assert reason.endswith("real/b.png': the result is 16x12 but its target 32x24")


def test_the_source_must_be_known(folders):
    pair = Pair(None, folders / 'real/b.png', folders / 'x.png', (None, 'b'))
    with pytest.raises(DataError, match="x.png': no source is known"):
        find_truths([pair], folders / 'truth')


def test_what_is_missing_is_named(folders):
    arguments = folders / 'good', folders / 'real', ['patn']
    with pytest.raises(DataError, match="--truth '.*nowhere' is not a folder"):
        score_folder(*arguments, truth=folders / 'nowhere')
    (folders / 'truth/b___a.npz').unlink()
    message = r"truth' has no truth 'b___a.npz' of '.*good/b___a.png'"
    with pytest.raises(DataError, match=message):
        score_folder(*arguments, truth=folders / 'truth')
