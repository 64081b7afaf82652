"""Picture sheets of scored pairs: good and bad cases, each with its captions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from posegen.visualization.sheets import comparison_sheet, draw_label

_GAP = 12


@dataclass(frozen=True)
class CaptionedRow:
    """Pictures beside each other.

    Attributes:
        captions: Lines of text above the pictures.
        panels: uint8 (H, W, 3) each, of any size; None is shown as an empty panel.
    """

    captions: Sequence[str]
    panels: Sequence[np.ndarray | None]


def score_sheet(
    grid: Sequence[Sequence[CaptionedRow]], titles: Sequence[str]
) -> np.ndarray:
    """Put rows of pictures with their captions and titles into a grid.

    Args:
        grid: One list a line, from left to right; lines may be of different length.
            Pictures smaller than the largest get white margins.
        titles: One text for each picture of a row.

    Returns:
        uint8 (H, W, 3) RGB.

    Raises:
        ValueError: There is nothing to show, or a row has more or fewer panels than
            titles.
    """
    panels = [panel for line in grid for row in line for panel in row.panels]
    shapes = [panel.shape for panel in panels if panel is not None]
    if not shapes:
        raise ValueError('grid is empty: a sheet needs one picture or more')
    size = max(shape[0] for shape in shapes), max(shape[1] for shape in shapes)
    blocks = [[_draw_row(row, titles, size) for row in line] for line in grid]
    width = max(sum(block.shape[1] + _GAP for block in line) for line in blocks) - _GAP
    return np.concatenate([*_draw_lines(blocks, width)])[:-_GAP]


def _draw_row(
    row: CaptionedRow, titles: Sequence[str], size: tuple[int, int]
) -> np.ndarray:
    panels = [_centred(panel, *size) for panel in row.panels]
    grid = comparison_sheet([panels], titles)
    labels = [draw_label(caption, grid.shape[1]) for caption in row.captions]
    return np.concatenate([*labels, grid])


def _draw_lines(blocks: list[list[np.ndarray]], width: int) -> Iterator[np.ndarray]:
    """Pictures of the same width, to be put under each other."""
    for line in blocks:
        canvas = np.full((line[0].shape[0] + _GAP, width, 3), 255, np.uint8)
        left = 0
        for block in line:
            canvas[: block.shape[0], left : left + block.shape[1]] = block
            left += block.shape[1] + _GAP
        yield canvas


def _centred(panel: np.ndarray | None, height: int, width: int) -> np.ndarray | None:
    """The panel in the middle of a white canvas."""
    if panel is None or panel.shape[:2] == (height, width):
        return panel
    canvas = np.full((height, width, 3), 255, np.uint8)
    top, left = (height - panel.shape[0]) // 2, (width - panel.shape[1]) // 2
    canvas[top : top + panel.shape[0], left : left + panel.shape[1]] = panel
    return canvas
