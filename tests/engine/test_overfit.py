"""Overfitting a few pairs, and the curve that it leaves."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from PIL import Image

from posegen.datasets import read_pairs
from posegen.engine import load_config
from posegen.engine.hooks.score_curve import generator_losses, read_curve
from posegen.engine.overfit import overfit
from posegen.utils.errors import ConfigError, DataError
from posegen.utils.paths import configs_root
from tests.helpers.pair_set import write_pair_set

TINY = configs_root() / 'spig' / 'spig_synthetic-128x64_tiny.py'


@pytest.fixture(name='cfg')
def _cfg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    write_pair_set(tmp_path / 'data', num_people=2, views=3, size=(128, 64))
    # Its package is an extra; the course of training is what counts here.
    scores = [dict(type='L1'), dict(type='SSIM')]
    monkeypatch.setattr('posegen.engine.overfit.METRICS', scores)
    return load_config(TINY, [f'data_root={tmp_path / "data"}'])


def test_trains_on_few_pairs_and_scores_them(cfg: Config, tmp_path: Path) -> None:
    out = tmp_path / 'out'
    rows = overfit(cfg, out, num_pairs=4, iterations=[2, 3], interval=2)
    assert [(row['stage'], int(row['iteration'])) for row in rows] == [
        *[('flow', 0), ('flow', 2)],
        *[('full', 0), ('full', 2), ('full', 3)],
    ]
    assert rows == read_curve(out / 'curve.csv')
    # No step was taken yet, and stage 1 has no image to compare.
    assert not rows[0]['loss'] and float(rows[1]['loss']) > 0
    assert not rows[1]['loss_rec'] and float(rows[3]['loss_rec']) > 0
    assert all(0 < float(row['l1']) < 1 for row in rows)
    assert all(-1 <= float(row['ssim']) <= 1 for row in rows)
    everything = read_pairs(tmp_path / 'data' / 'synthetic-pairs-train.csv')
    assert read_pairs(out / 'pairs.csv') == [everything[i] for i in (0, 3, 6, 9)]
    with Image.open(out / 'curve.png') as picture:
        assert picture.width > picture.height > 100


@pytest.mark.parametrize(
    ('change', 'error', 'message'),
    [
        (dict(num_pairs=13), DataError, 'has 12 pairs, so that 13 cannot be taken'),
        (dict(num_pairs=0), DataError, 'has 12 pairs, so that 0 cannot be taken'),
        (
            dict(num_pairs=2, iterations=[5]),
            ConfigError,
            'expected 2 numbers, one for each of the stages flow, full, got 1',
        ),
    ],
)
def test_names_what_is_wrong(
    change: dict, error: type, message: str, cfg: Config, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        overfit(cfg, tmp_path / 'out', **change)


def test_losses_of_the_generator_are_summed() -> None:
    logs = dict(
        loss_rec=torch.tensor(2.0, requires_grad=True),
        loss_adv=0.5,
        loss_d_image=7.0,
        sam_head=1.0,
    )
    assert generator_losses(logs) == dict(loss=2.5, loss_rec=2.0)
    assert generator_losses(dict(loss_sam=1.5)) == dict(loss=1.5)
    assert generator_losses(dict(sam_head=1.0)) == {}
