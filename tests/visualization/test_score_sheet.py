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


def test_rows_stand_under_each_other():
    one = score_sheet([CaptionedRow('best', [RED, BLUE])], ['result', 'target'])
    two = score_sheet(
        [CaptionedRow('best', [RED, BLUE]), CaptionedRow('worst', [BLUE, RED])],
        ['result', 'target'],
    )
    assert two.dtype == np.uint8
    assert two.shape == (2 * one.shape[0], one.shape[1], 3)
    assert (two[: len(one)] == one).all()
    count = (two == [255, 0, 0]).all(-1).sum()
    assert count == (two == [0, 0, 255]).all(-1).sum() > 2 * RED[..., 0].size


def test_pictures_of_other_sizes_and_missing_ones():
    small = np.full((2, 2, 3), [0, 255, 0], np.uint8)
    sheet = score_sheet([CaptionedRow('', [RED, small, None])], ['a', 'b', 'c'])
    assert {(255, 0, 0), (0, 255, 0), (255, 255, 255)} <= _colours(sheet)


def test_refuses_nothing_and_ragged_rows():
    with pytest.raises(ValueError, match='one row or more'):
        score_sheet([], ['a'])
    with pytest.raises(ValueError, match='2 pictures for 1 titles'):
        score_sheet([CaptionedRow('', [RED, BLUE])], ['a'])
