"""The picture of a score curve."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from posegen.visualization import draw_score_curve


def row(stage: str, iteration: int, loss: str, l1: str) -> dict[str, str]:
    return dict(stage=stage, iteration=str(iteration), loss=loss, l1=l1)


def draw(rows: list[dict[str, str]], file: Path) -> np.ndarray:
    draw_score_curve(rows, file)
    with Image.open(file) as picture:
        return np.asarray(picture.convert('RGB')).copy()


def test_both_halves_show_their_columns(tmp_path: Path) -> None:
    rows = [row('flow', 0, '', '0.5'), row('flow', 5, '2', '0.4')]
    rows += [row('full', 0, '', '0.9'), row('full', 9, '1', '0.2')]
    plain = draw(rows, tmp_path / 'a.png')
    half = plain.shape[1] // 2
    rows[-1]['l1'] = '0.8'
    changed = draw(rows, tmp_path / 'b.png')
    assert np.array_equal(plain[:, : half - 20], changed[:, : half - 20])
    assert not np.array_equal(plain[:, half:], changed[:, half:])
    assert not list(tmp_path.glob('.*'))
