"""Picture sheets."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from posegen.visualization import (
    GRID_COLUMNS,
    comparison_sheet,
    draw_label,
    sample_grid,
)

GAP, LABEL = 4, 22


def _picture(value, size=(64, 64)):
    return np.full((*size, 3), value, np.uint8)


@pytest.fixture
def sample():
    """A sample as ``val_step`` returns it, with panels of one grey each."""
    return dict(
        source_image=torch.full((3, 64, 32), 10, dtype=torch.uint8),
        target_image=torch.full((3, 64, 32), 20, dtype=torch.uint8),
        image=torch.full((3, 64, 32), 30, dtype=torch.uint8),
        source_keypoints=torch.rand(18, 3) * 32,
        target_keypoints=torch.rand(18, 3) * 32,
        source_name='a.png',
        target_name='b.png',
        flow={'head': torch.randn(2, 16, 8), 'leg': torch.randn(2, 16, 8)},
        visibility={'head': torch.rand(1, 16, 8), 'leg': torch.rand(1, 16, 8)},
    )


def test_grid_has_a_panel_for_each_column(sample):
    grid = sample_grid([sample, sample])
    assert (
        *('source', 'source pose', 'target pose', 'result', 'target'),
        *('flow', 'visibility'),
    ) == GRID_COLUMNS
    # 64x32 is enlarged four times for its titles.
    assert grid.shape == (LABEL + 2 * (GAP + 256), 7 * 128 + 6 * GAP, 3)
    middle = grid[LABEL + GAP + 128]
    centres = {
        name: middle[index * (128 + GAP) + 64].tolist()
        for index, name in enumerate(GRID_COLUMNS)
    }
    assert centres['source'] == [10] * 3
    assert centres['result'] == [30] * 3
    assert centres['target'] == [20] * 3


def test_columns_without_data_are_left_out(sample):
    del sample['flow'], sample['visibility'], sample['image']
    assert sample_grid([sample]).shape[1] == 4 * 128 + 3 * GAP


def test_a_single_gap_is_an_empty_panel(sample):
    bare = {k: v for k, v in sample.items() if k not in ('flow', 'visibility')}
    assert sample_grid([sample, bare]).shape == sample_grid([sample, sample]).shape


def test_columns_can_be_chosen(sample):
    grid = sample_grid([sample], columns=('target', 'source'))
    assert grid[-1, 0].tolist() == [20] * 3 and grid[-1, -1].tolist() == [10] * 3
    with pytest.raises(ValueError, match=r"unknown columns \['depth'\]"):
        sample_grid([sample], columns=('depth',))
    with pytest.raises(ValueError, match='samples is empty'):
        sample_grid([])


def test_comparison_sheet():
    rows = [[_picture(50), _picture(60)], [_picture(70), None]]
    sheet = comparison_sheet(rows, ['left', 'right'], scale=1)
    assert sheet.shape == (LABEL + 2 * (GAP + 64), 2 * 64 + GAP, 3)
    assert sheet[LABEL + GAP, 0].tolist() == [50] * 3
    assert sheet[LABEL + GAP, -1].tolist() == [60] * 3
    assert sheet[-1, 0].tolist() == [70] * 3
    assert comparison_sheet(rows, ['l', 'r']).shape[1] == 2 * 128 + GAP


def test_comparison_sheet_refusals():
    with pytest.raises(ValueError, match='1 pictures for 2 titles'):
        comparison_sheet([[_picture(0)]], ['a', 'b'])
    with pytest.raises(ValueError, match='pictures of one size'):
        comparison_sheet([[_picture(0), _picture(0, (8, 8))]], ['a', 'b'])
    with pytest.raises(ValueError, match='pictures of one size'):
        comparison_sheet([[None]], ['a'])


@pytest.mark.parametrize('text', ['flow', 'a title that is far too long for its bar'])
def test_label_stays_inside_its_bar(text):
    bar = draw_label(text, 128)
    assert bar.shape == (LABEL, 128, 3)
    assert bar.min() < 100
    assert (bar[:, [0, -1]] == 255).all() and (bar[[0, -1]] == 255).all()
