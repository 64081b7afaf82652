"""Sheets with captions."""

from __future__ import annotations

import numpy as np
import pytest

from posegen.visualization.score_sheet import CaptionedRow, score_sheet

RED, BLUE = (
    np.full((8, 6, 3), colour, np.uint8) for colour in ([255, 0, 0], [0, 0, 255])
)


def _colours(sheet):
    return {tuple(colour) for colour in sheet.reshape(-1, 3).tolist()}


def test_rows_stand_in_a_grid():
    best = CaptionedRow(['best', 'a___b'], [RED, BLUE])
    worst = CaptionedRow(['worst', 'c___d'], [BLUE, RED])
    titles = ['result', 'target']
    one = score_sheet([[best]], titles)
    sheet = score_sheet([[best, worst], [worst]], titles)
    height, width = one.shape[:2]
    assert sheet.dtype == np.uint8
    assert (sheet[:height, :width] == one).all()
    assert (sheet[-height:, :width] == score_sheet([[worst]], titles)).all()
    assert (sheet[-height:, width:] == 255).all()
    reds = (sheet == [255, 0, 0]).all(-1).sum()
    assert reds == 3 * (one == [255, 0, 0]).all(-1).sum()


def test_pictures_of_other_sizes_and_missing_ones():
    small = np.full((2, 2, 3), [0, 255, 0], np.uint8)
    sheet = score_sheet([[CaptionedRow([], [RED, small, None])]], ['a', 'b', 'c'])
    assert {(255, 0, 0), (0, 255, 0), (255, 255, 255)} <= _colours(sheet)


@pytest.mark.parametrize('grid', [[], [[CaptionedRow(['x'], [None])]]])
def test_refuses_nothing(grid):
    with pytest.raises(ValueError, match='one picture or more'):
        score_sheet(grid, ['a'])


def test_refuses_ragged_rows():
    with pytest.raises(ValueError, match='2 pictures for 1 titles'):
        score_sheet([[CaptionedRow([''], [RED, BLUE])]], ['a'])
