"""The true flow, visibility and part labels of pairs whose images were moved."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np

from .common import SIDES, truth_of

#: Flows of neighboring pixels of one surface differ by less, in pixels a pixel.
_MAX_GRADIENT = 3.0


def resize_matrix(from_size: tuple[int, int], to_size: tuple[int, int]) -> np.ndarray:
    """Where a resize takes the pixels of an image.

    Args:
        from_size: (height, width).
        to_size: (height, width).

    Returns:
        ``(3, 3)`` float64 on (x, y, 1), integers being pixel centers.
    """
    scale = np.divide(to_size, from_size)[::-1]
    matrix = np.diag([*scale, 1.0])
    matrix[:2, 2] = (scale - 1) / 2
    return matrix


def move_truth_of(
    results: Mapping[str, Any], matrices: Mapping[str, np.ndarray] | None = None
) -> dict[str, Any]:
    """The truth of a pair that is about to be resized, and its ``truth_frame``.

    Args:
        results: pair with its images as they were before.
        matrices: side -> ``(3, 3)``, how the images move within ``image_size``
            afterwards; None if they stay.

    Returns:
        Entries to update; none for a pair without truth.
    """
    truth, size = truth_of(results), tuple(results['image_size'])
    if not truth:
        return {}
    moves = dict(matrices or {side: np.eye(3) for side in SIDES})
    if results.get('truth_frame') == 'image':
        for side, matrix in moves.items():
            shape = results[f'{side}_image'].shape[:2]
            moves[side] = matrix @ resize_matrix(shape, size)
    if any((matrix != np.eye(3)).any() for matrix in moves.values()):
        truth = move_truth(truth, **moves, size=size)
    return truth | {'truth_frame': 'image_size'}


def move_truth(
    truth: Mapping[str, np.ndarray],
    source: np.ndarray,
    target: np.ndarray,
    size: tuple[int, int] | None = None,
) -> dict[str, np.ndarray]:
    """The ground truth of a pair whose images were moved or resized.

    Args:
        truth: ``flow`` ``(2, H, W)``, ``visibility`` and ``part_labels`` ``(H, W)``.
        source, target: ``(3, 3)`` matrices on (x, y, 1) that moved the images, from
            pixels of the old ones to pixels of the new ones.
        size: (height, width) of the new images; None if it is the old one.

    Returns:
        The same arrays at ``size``. A pixel of the new target has the label and the
        visibility of the nearest pixel of the old one. Its flow is read bilinearly
        between those pixels around it that have this label and are of the same surface
        (their flows differ by less than 3 px), so no value is mixed across an outline.
        The flow is exact where it is linear, and at outlines up to half a pixel times
        its gradient. What came from outside the old target is background; what the new
        source does not show is not visible.
    """
    height, width = truth['visibility'].shape
    rows, columns = size or (height, width)
    here = np.stack(np.mgrid[:rows, :columns][::-1]).reshape(2, -1).astype(np.float64)
    before = _apply(np.linalg.inv(target), here)
    nearest = np.rint(before).astype(int)
    inside = _inside(nearest, height, width)
    column, row = nearest.clip(0, [[width - 1], [height - 1]])
    there = _apply(source, before + _read_flow(truth, before, row, column))
    seen = inside & _inside(np.rint(there), rows, columns)
    flow = np.where(inside, there - here, 0)
    labels = np.where(inside, truth['part_labels'][row, column], 0)
    return {
        'flow': flow.reshape(2, rows, columns).astype(np.float32),
        'visibility': (seen & truth['visibility'][row, column]).reshape(rows, columns),
        'part_labels': labels.reshape(rows, columns).astype(np.uint8),
    }


def _read_flow(
    truth: Mapping[str, np.ndarray],
    points: np.ndarray,
    row: np.ndarray,
    column: np.ndarray,
) -> np.ndarray:
    """Flow (2, N) at points (2, N), between pixels of the nearest one's surface."""
    flow, labels = truth['flow'], truth['part_labels']
    height, width = labels.shape
    base, label = flow[:, row, column].astype(np.float64), labels[row, column]
    first = np.floor(points).astype(int)
    x, y = points - first
    total, weights = np.zeros_like(base), np.zeros(len(row))
    for down, right in product((0, 1), repeat=2):
        other = first + [[right], [down]]
        at = tuple(other.clip(0, [[width - 1], [height - 1]])[::-1])
        step = flow[:, *at] - base
        same = (labels[at] == label) & (np.abs(step) < _MAX_GRADIENT).all(0)
        weight = np.where(right, x, 1 - x) * np.where(down, y, 1 - y)
        weight *= same & _inside(other, height, width)
        total += weight * step
        weights += weight
    return base + total / np.maximum(weights, 1e-9)


def _apply(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    return matrix[:2, :2] @ points + matrix[:2, 2:]


def _inside(points: np.ndarray, height: int, width: int) -> np.ndarray:
    return ((points >= 0) & (points < [[width], [height]])).all(0)
