"""Picture sheets of scored pairs: rows with a caption each, for good and bad cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from posegen.visualization.sheets import comparison_sheet, draw_label


@dataclass(frozen=True)
class CaptionedRow:
    """One row of a sheet.

    Attributes:
        caption: Line of text above the pictures.
        panels: uint8 (H, W, 3) each, of any size; None is shown as an empty panel.
    """

    caption: str
    panels: Sequence[np.ndarray | None]


def score_sheet(rows: Sequence[CaptionedRow], titles: Sequence[str]) -> np.ndarray:
    """Put rows of pictures under each other, each with its caption and titles.

    Args:
        rows: One or more; pictures smaller than the largest get white margins.
        titles: One text a column.

    Returns:
        uint8 (H, W, 3) RGB.

    Raises:
        ValueError: There is no row, or a row has more or fewer panels than titles.
    """
    if not rows:
        raise ValueError('rows is empty: a sheet needs one row or more')
    shapes = [panel.shape for row in rows for panel in row.panels if panel is not None]
    height, width = (max(shape[axis] for shape in shapes) for axis in (0, 1))
    lines = []
    for row in rows:
        panels = [_centred(panel, height, width) for panel in row.panels]
        grid = comparison_sheet([panels], titles)
        lines += [draw_label(row.caption, grid.shape[1]), grid]
    return np.concatenate(lines)


def _centred(panel: np.ndarray | None, height: int, width: int) -> np.ndarray | None:
    """The panel in the middle of a white canvas."""
    if panel is None or panel.shape[:2] == (height, width):
        return panel
    canvas = np.full((height, width, 3), 255, np.uint8)
    top, left = (height - panel.shape[0]) // 2, (width - panel.shape[1]) // 2
    canvas[top : top + panel.shape[0], left : left + panel.shape[1]] = panel
    return canvas
