"""Keypoints of other tools and other frames, to and from the canonical record."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np

from posegen.utils.errors import DataError

from .joints import NUM_JOINTS

SCALINGS = ('gfla', 'center')


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


def read_openpose_json(path: str | os.PathLike) -> np.ndarray:
    """Read the first person of an OpenPose json file (COCO, 18 joints).

    Args:
        path: a file with ``people[0].pose_keypoints_2d`` of 54 numbers: x, y and
            confidence of each joint, a confidence of 0 for a missing one.

    Returns:
        ``(18, 3)`` float32 x, y, score in pixels of the photo, zeros where missing.

    Raises:
        DataError: the file is missing or not json, holds no person, or its person has
            not 54 numbers.
    """
    numbers = _first_person(path)
    if len(numbers) != 3 * NUM_JOINTS:
        raise DataError(
            f'{path}: people[0].pose_keypoints_2d must have {3 * NUM_JOINTS} numbers '
            f'(the COCO model of {NUM_JOINTS} joints), got {len(numbers)}'
        )
    try:
        keypoints = np.array(numbers, dtype=np.float32).reshape(NUM_JOINTS, 3)
    except (TypeError, ValueError):
        keypoints = np.full((NUM_JOINTS, 3), np.nan)
    if not np.isfinite(keypoints).all():
        raise DataError(
            f'{path}: people[0].pose_keypoints_2d must hold finite numbers only'
        )
    return np.where(keypoints[:, 2:] > 0, keypoints, np.float32(0))


def write_openpose_json(path: str | os.PathLike, keypoints: np.ndarray) -> None:
    """Write one person, ``(18, 3)`` x, y, score, as an OpenPose json file."""
    keypoints = np.asarray(keypoints, dtype=np.float32)
    if keypoints.shape != (NUM_JOINTS, 3):
        raise ValueError(f'keypoints must be ({NUM_JOINTS}, 3), got {keypoints.shape}')
    keypoints = np.where(keypoints[:, 2:] > 0, keypoints, np.float32(0))
    person = {'person_id': [-1], 'pose_keypoints_2d': keypoints.ravel().tolist()}
    text = json.dumps({'version': 1.3, 'people': [person]})
    Path(path).write_text(text, encoding='utf-8')


def _first_person(path: str | os.PathLike) -> list:
    try:
        content = json.loads(Path(path).read_text(encoding='utf-8'))
    except FileNotFoundError:
        raise DataError(f'{path} does not exist; check the path') from None
    except (OSError, ValueError) as error:
        raise DataError(f'{path} cannot be read as json: {error}') from error
    try:
        people = content['people']
        numbers = people[0]['pose_keypoints_2d'] if people else None
    except (KeyError, IndexError, TypeError):
        raise DataError(
            f"{path}: expected OpenPose's people[0].pose_keypoints_2d"
        ) from None
    if numbers is None:
        raise DataError(f'{path}: there is no person in it')
    if not isinstance(numbers, list):
        raise DataError(f'{path}: people[0].pose_keypoints_2d is not a list')
    return numbers
