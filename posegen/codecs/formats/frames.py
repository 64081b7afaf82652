"""Frames that keypoints are in: resized pictures, and DeepFashion's cropped canvas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from posegen.utils.errors import DataError

SCALINGS = ('gfla', 'center')

#: Widths of the two canvases that DeepFashion's joints are published on.
FRAMES = (256, 176)
#: Where the narrow canvas begins: columns 40 to 215 of the wide one.
CROP_LEFT = 40
#: Share of a picture's size that estimators put joints beyond its edge.
OVERSHOOT = 0.05
#: The least score of a joint that its estimator is sure of.
SURE = 0.5
#: Arguments of :func:`other_frame` for published lists.
PUBLISHED = {'sure': float('inf'), 'share': 0.5}
#: A canvas that was rounded to multiples of 64 is stretched by less.
MOST_STRETCH = 1.3


def scale_keypoints(
    keypoints: np.ndarray,
    from_size: tuple[int, int],
    to_size: tuple[int, int],
    scaling: str = 'gfla',
) -> np.ndarray:
    """Move keypoints from one frame to another, as a resize of the image does.

    Args:
        keypoints: ``(..., J, 3)`` x, y, score in pixels of ``from_size``.
        from_size: ``(height, width)`` of the frame they were annotated in.
        to_size: ``(height, width)`` of the frame they are wanted in.
        scaling: 'gfla' is ``int(x * s)``, the published way, which cuts off fractions
            even when nothing is scaled; 'center' is ``(x + 0.5) * s - 0.5``, where
            pixel centres go to pixel centres, as image resizing has it.

    Returns:
        ``(..., J, 3)`` float32; missing joints are zeros.
    """
    if scaling not in SCALINGS:
        raise ValueError(f"scaling must be one of {SCALINGS}, got '{scaling}'")
    keypoints = np.asarray(keypoints)
    (from_height, from_width), (to_height, to_width) = from_size, to_size
    scale = np.array([to_width / from_width, to_height / from_height])
    points = keypoints[..., :2].astype(np.float64)
    if scaling == 'gfla':
        points = np.trunc(points * scale)
    else:
        points = (points + 0.5) * scale - 0.5
    score = keypoints[..., 2:]
    points = np.where(score > 0, points, 0.0)
    return np.concatenate([points, score], axis=-1, dtype=np.float32)


def move_frame(keypoints: np.ndarray, from_frame: int, to_frame: int) -> np.ndarray:
    """Move joints between DeepFashion's canvases, 256x256 and its 176 wide crop.

    The published crop takes 40 from x and leaves y alone. A joint left of the crop gets
    a negative x there, which is a place, not a mark: it stays present, and moving it
    back is exact. The published crop, being in integers, has one exception: x = 39
    becomes -1, which its readers take as missing. Here the joint stays present; a file
    format that marks missing joints with -1 cannot hold it.

    Args:
        keypoints: ``(..., J, 3)`` x, y, score.
        from_frame: width of the canvas that they are on, 256 or 176.
        to_frame: width of the canvas that they are wanted on, 256 or 176.

    Returns:
        ``(..., J, 3)`` float32; missing joints are zeros.
    """
    for frame in (from_frame, to_frame):
        if frame not in FRAMES:
            raise ValueError(f'a frame must be one of {FRAMES}, got {frame!r}')
    keypoints = np.array(keypoints, dtype=np.float32)
    shift = CROP_LEFT * (int(from_frame == 176) - int(to_frame == 176))
    keypoints[..., 0] += shift
    return np.where(keypoints[..., 2:] > 0, keypoints, np.float32(0))


def outside_frame(
    keypoints: np.ndarray, size: tuple[int, int], overshoot: float = 0.0
) -> np.ndarray:
    """Present joints that are not on a picture.

    Args:
        keypoints: ``(..., J, 3)`` x, y, score.
        size: (height, width) of the picture.
        overshoot: share of the picture's size that they may lie beyond its edge; where
            that is not 0, a pixel at least.

    Returns:
        ``(..., J)`` bool.
    """
    limit = np.array(size[::-1], dtype=np.float64)
    points = keypoints[..., :2].astype(np.float64) + 0.5
    margin = np.maximum(overshoot * limit, 1.0) if overshoot else 0.0
    beyond = (points < -margin) | (points > limit + margin)
    return beyond.any(-1) & (keypoints[..., 2] > 0)


def other_frame(
    keypoints: np.ndarray,
    size: tuple[int, int],
    sure: float = SURE,
    share: float = 1 / 3,
) -> str | None:
    """Whether a person's joints were found in a picture of another size.

    They were if a joint clearly leaves the picture, by more than estimators overshoot
    (:data:`OVERSHOOT`), and its estimator was sure of it, or if more than a third of
    the joints do. What else lies outside is a guess beyond the edge, or the overshoot
    itself. Published lists have single joints beside DeepFashion's crop, with which
    ``sure`` and ``share`` (:data:`PUBLISHED`) bear.

    Args:
        keypoints: ``(J, 3)`` x, y, score.
        size: (height, width) of the picture.
        sure: score of a joint that proves it alone.
        share: of the present joints that proves it.

    Returns:
        What is wrong in words, with both frames; None where the joints fit.
    """
    clearly = outside_frame(keypoints, size, OVERSHOOT)
    present = keypoints[:, 2] > 0
    proof = clearly & (keypoints[:, 2] >= sure)
    if not proof.any() and clearly.sum() <= share * present.sum():
        return None
    points = keypoints[present, :2]
    (left, top), (right, bottom) = points.min(0), points.max(0)
    return (
        f'{clearly.sum()} of {present.sum()} joints lie outside the picture of '
        f'{size[0]}x{size[1]} (height x width): they reach from ({left:g}, {top:g}) to '
        f'({right:g}, {bottom:g}) (x, y), as in a frame of {_at_least(bottom)}x'
        f'{_at_least(right)} or more'
    )


def _at_least(last: float) -> int:
    return max(1, int(np.ceil(last + 0.5)))


def rescale(
    keypoints: np.ndarray, stated: tuple[int, int], size: tuple[int, int], where: str
) -> np.ndarray:
    """Joints of the canvas that a file states, on a picture that is of another size.

    Args:
        keypoints: ``(..., J, 3)`` x, y, score in pixels of ``stated``.
        stated: (height, width) of the canvas.
        size: (height, width) of the picture.
        where: whose joints they are, for errors.

    Raises:
        DataError: the two differ in shape by more than a canvas that was rounded to
            multiples of 64 does, so that joints and picture do not belong together.
    """
    if tuple(stated) == tuple(size):
        return keypoints
    ratio = (stated[0] / size[0]) / (stated[1] / size[1])
    if not 1 / MOST_STRETCH <= ratio <= MOST_STRETCH:
        raise DataError(
            f'{where} has joints on a canvas of {stated[0]}x{stated[1]} (height x '
            f'width), which is of another shape than the picture of {size[0]}x'
            f'{size[1]}; take the picture that the joints were found in.'
        )
    return scale_keypoints(keypoints, stated, size, 'center')


def check_size(size: Sequence[Any], where: str) -> tuple[int, int] | None:
    """(height, width) that a file states; None where it states none.

    Raises:
        DataError: it is no size.
    """
    if any(value is None for value in size):
        return None
    numbers = [
        isinstance(value, int | float) and not isinstance(value, bool) for value in size
    ]
    if not all(numbers) or not all(1 <= value < 1e6 for value in size):
        raise DataError(
            f'{where} states a height and width of {size[0]} and {size[1]}, which is '
            'no size in pixels'
        )
    return size[0], size[1]
