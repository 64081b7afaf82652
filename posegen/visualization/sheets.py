"""Picture sheets: grids of labelled panels, for training and for comparisons."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from posegen.visualization.flows import part_flows_to_rgb, visibility_to_rgb
from posegen.visualization.poses import draw_pose

Sample = Mapping[str, Any]

_GAP = 4
_LABEL_HEIGHT = 22
_MIN_PANEL_WIDTH = 128
_MISSING = 48  # grey level of a panel that has nothing to show


def draw_label(text: str, width: int, height: int = _LABEL_HEIGHT) -> np.ndarray:
    """Draw text centred on a white bar; text that is too wide is made smaller.

    Returns:
        uint8 (height, width, 3) RGB.
    """
    bar = Image.new('RGB', (width, height), 'white')
    font = ImageFont.load_default(height * 0.64)
    fit = (width - 4) / max(font.getlength(text), 1)
    if fit < 1:
        font = ImageFont.load_default(max(height * 0.64 * fit, 1))
    pen = ImageDraw.Draw(bar)
    pen.text((width / 2, height / 2), text, fill='black', font=font, anchor='mm')
    return np.asarray(bar)


def comparison_sheet(
    rows: Sequence[Sequence[np.ndarray | None]],
    titles: Sequence[str],
    scale: int | None = None,
) -> np.ndarray:
    """Put pictures of one size into a table with a title above each column.

    Args:
        rows: Pictures uint8 (H, W, 3), one list a row; None is shown as an empty panel.
        titles: One text a column.
        scale: Whole factor by which the pictures are enlarged; None enlarges narrow
            pictures until their titles are readable (128 pixels).

    Returns:
        uint8 RGB of the whole sheet.
    """
    for row in rows:
        if len(row) != len(titles):
            raise ValueError(f'a row has {len(row)} pictures for {len(titles)} titles')
    shapes = {image.shape for row in rows for image in row if image is not None}
    if len(shapes) != 1:
        raise ValueError(f'a sheet needs pictures of one size, got {sorted(shapes)}')
    height, width, _ = shapes.pop()
    scale = scale or -(-_MIN_PANEL_WIDTH // width)
    empty = np.full((height, width, 3), _MISSING, np.uint8)
    lines = [_join([draw_label(title, width * scale) for title in titles], axis=1)]
    for row in rows:
        panels = [empty if image is None else image for image in row]
        lines.append(_join([_enlarge(panel, scale) for panel in panels], axis=1))
    return _join(lines, axis=0)


def _enlarge(image: np.ndarray, scale: int) -> np.ndarray:
    return image.repeat(scale, axis=0).repeat(scale, axis=1)


def _join(images: Sequence[np.ndarray], axis: int) -> np.ndarray:
    """Concatenate with a white gap between neighbours."""
    shape = list(images[0].shape)
    shape[axis] = _GAP
    gap = np.full(shape, 255, np.uint8)
    pieces = [piece for image in images for piece in (gap, image)][1:]
    return np.concatenate(pieces, axis=axis)


def _to_hwc(image: Tensor) -> np.ndarray:
    return image.detach().cpu().permute(1, 2, 0).numpy()


def _size(sample: Sample) -> tuple[int, int]:
    height, width = sample['source_image'].shape[1:]
    return height, width


# Column name -> (keys the sample must have, how to draw it).
_PANELS: dict[str, tuple[tuple[str, ...], Callable[[Sample], np.ndarray]]] = {
    'source': (('source_image',), lambda s: _to_hwc(s['source_image'])),
    'source pose': (
        ('source_keypoints',),
        lambda s: draw_pose(s['source_keypoints'].cpu(), _size(s)),
    ),
    'target pose': (
        ('target_keypoints',),
        lambda s: draw_pose(s['target_keypoints'].cpu(), _size(s)),
    ),
    'result': (('image',), lambda s: _to_hwc(s['image'])),
    'target': (('target_image',), lambda s: _to_hwc(s['target_image'])),
    'flow': (
        ('flow', 'target_keypoints'),
        lambda s: part_flows_to_rgb(
            s['flow'], s.get('visibility'), s['target_keypoints'], _size(s)
        ),
    ),
    'visibility': (
        ('visibility',),
        lambda s: visibility_to_rgb(s['visibility'], _size(s)),
    ),
}

GRID_COLUMNS: tuple[str, ...] = tuple(_PANELS)


def sample_grid(
    samples: Sequence[Sample], columns: Sequence[str] = GRID_COLUMNS
) -> np.ndarray:
    """Show predicted samples, one a row, with the names of the columns on top.

    Args:
        samples: Per-sample dicts as ``BasePoseTransfer.val_step`` returns them:
            ``source_image``, ``target_image``, ``image`` uint8 (3, H, W), keypoints
            (18, 3), ``flow`` and ``visibility`` as part name -> map.
        columns: Which columns, in which order; see ``GRID_COLUMNS``. A column for
            which no sample has the data is left out.

    Returns:
        uint8 RGB of the whole grid.
    """
    if not samples:
        raise ValueError('samples is empty: a grid needs one sample or more')
    if unknown := [name for name in columns if name not in _PANELS]:
        raise ValueError(f'unknown columns {unknown}; there are {list(_PANELS)}')
    shown = [c for c in columns if any(_panel(s, c) is not None for s in samples)]
    rows = [[_panel(sample, column) for column in shown] for sample in samples]
    return comparison_sheet(rows, shown)


def _panel(sample: Sample, column: str) -> np.ndarray | None:
    """Draw one panel, or None where the sample lacks the data for it."""
    keys, draw = _PANELS[column]
    return draw(sample) if all(sample.get(key) is not None for key in keys) else None
