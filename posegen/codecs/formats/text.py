"""NTED's and PIDM's text files: one a picture, a line ``x y`` for each of 18 joints.

Their canvas is the 256x256 one with DeepFashion's white borders, so that x is 40 more
than on the 176 wide crop; -1 marks a missing joint.
"""

from __future__ import annotations

import os

import numpy as np

from posegen.codecs.joints import NUM_JOINTS
from posegen.utils.errors import DataError

from .json_files import canonical, short
from .layouts import MISSING, from_canonical


def read_keypoints_text(text: str, path: str | os.PathLike) -> np.ndarray:
    """Parse the text of one picture.

    Args:
        text: 18 lines of x and y, with blanks or a comma between.
        path: how errors call it.

    Returns:
        ``(18, 3)`` float32 x, y, score 1 or 0; zeros where missing: -1 or nan in either
        coordinate. A joint at 0, 0 is present, as it is to NTED.

    Raises:
        DataError: another number of lines, or one that is not two numbers.
    """
    lines = [line.replace(',', ' ').split() for line in text.splitlines()]
    lines = [line for line in lines if line]
    if len(lines) != NUM_JOINTS or any(len(line) != 2 for line in lines):
        counts = sorted({len(line) for line in lines})
        raise DataError(
            f'{path} must have {NUM_JOINTS} lines of x and y, got {len(lines)} lines '
            f'with {counts} numbers'
        )
    try:
        points = np.array(lines, dtype=np.float64)
    except ValueError:
        raise DataError(f'{path} must hold finite numbers only') from None
    scored = np.concatenate([points, np.ones((NUM_JOINTS, 1))], axis=1)
    return canonical(scored, 'openpose', str(path))


def keypoints_text(keypoints: np.ndarray) -> str:
    """The text of one picture from ``(18, 3)`` x, y, score."""
    joints = from_canonical(keypoints, 'openpose')
    points = np.where(joints[:, 2:] > 0, joints[:, :2], np.float32(MISSING))
    return ''.join(f'{short(x)} {short(y)}\n' for x, y in points)
