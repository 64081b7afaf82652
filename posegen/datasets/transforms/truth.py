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
        visibility of the nearest pixel of the old one. A person's flow is read
        bilinearly between those pixels around it that have this label and are of the
        same surface (their flows differ by less than 3 px), so no value is mixed across
        an outline. It is exact where it is linear, and at outlines up to half a pixel
        times its gradient. What came from outside the old target is background; what
        the new source does not show is not visible.
    """
    old, new = truth['visibility'].shape, size or truth['visibility'].shape
    here = np.indices(new)[::-1].reshape(2, -1).astype(np.float64)
    before = _apply(np.linalg.inv(target), here)
    nearest = np.rint(before).astype(int)
    inside, index = _inside(nearest, old), _flat(nearest, old)
    labels = np.where(inside, truth['part_labels'].ravel()[index], 0)
    flow = truth['flow'].reshape(2, -1)[:, index].astype(np.float64)
    person = np.flatnonzero(labels)
    flow[:, person] += _steps(truth, before[:, person], index[person])
    there = _apply(source, before + flow)
    seen = inside & _inside(np.rint(there), new) & truth['visibility'].ravel()[index]
    return {
        'flow': np.where(inside, there - here, 0).reshape(2, *new).astype(np.float32),
        'visibility': seen.reshape(new),
        'part_labels': labels.reshape(new).astype(np.uint8),
    }


def _steps(
    truth: Mapping[str, np.ndarray], points: np.ndarray, nearest: np.ndarray
) -> np.ndarray:
    """What the flow (2, N) between pixels adds to that of the nearest pixel.

    Args:
        truth: ``flow`` and ``part_labels``.
        points: (2, N) x, y.
        nearest: (N,) flat index of the pixel that each is in.
    """
    size, labels = truth['part_labels'].shape, truth['part_labels'].ravel()
    flow = truth['flow'].reshape(2, -1)
    first = np.floor(points).astype(int)
    x, y = points - first
    total, weights = np.zeros(points.shape), np.zeros(len(nearest))
    for down, right in product((0, 1), repeat=2):
        pixel = first + [[right], [down]]
        index = _flat(pixel, size)
        step = flow[:, index] - flow[:, nearest]
        same = (labels[index] == labels[nearest]) & _inside(pixel, size)
        same &= (np.abs(step[0]) < _MAX_GRADIENT) & (np.abs(step[1]) < _MAX_GRADIENT)
        weight = same * (x if right else 1 - x) * (y if down else 1 - y)
        total += weight * step
        weights += weight
    return total / np.maximum(weights, 1e-9)


def _flat(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Flat index (N,) of pixels (2, N) x, y, or of those nearest to them inside."""
    x, y = (values.clip(0, limit - 1) for values, limit in zip(pixels, size[::-1]))
    return y * size[1] + x


def _apply(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    return matrix[:2, :2] @ points + matrix[:2, 2:]


def _inside(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    x, y = pixels
    return (x >= 0) & (x < size[1]) & (y >= 0) & (y < size[0])
