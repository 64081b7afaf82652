"""Joints on their way from the user's annotation file to the frame of the images.

DeepFashion has two frames, and neither a file nor its name says which one it is in: the
square pictures of 256 columns (the 'canvas'), and their columns 40 to 215 alone, which
is what the high-resolution pictures show too (baseline codes shift x by -40 for it).
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from posegen.codecs.formats import scale_keypoints
from posegen.datasets.annotations import MISSING, Annotations, read_annotations
from posegen.utils.errors import DataError

SHIFT = 40
CANVAS_WIDTH, CROP_WIDTH = 256, 176
#: Published joints lie around the middle of their frame: 128 or 88. Halfway between
#: them, and this far to either side, a file does not tell its frame.
_HALFWAY, _UNCERTAIN = 108, 8
_FEWEST_JOINTS = 20


@dataclass(frozen=True)
class View:
    """Which part of the annotated picture the prepared images show.

    Attributes:
        left: its first column.
        size: its (height, width), before the resize.
    """

    left: int
    size: tuple[int, int]


CANVAS = View(0, (256, CANVAS_WIDTH))
PERSON = View(SHIFT, (256, CROP_WIDTH))
STREET = View(0, (128, 64))  # Market-1501 as it is


@dataclass(frozen=True)
class Placed:
    """Joints in the frame of the prepared images, and what became of odd ones.

    Attributes:
        annotations: x, y, score in pixels of ``frame``.
        frame: (height, width).
        outside: present joints left or right of the view; they are kept, as published.
        lost: present joints on column or row -1, which the format reads as missing.
    """

    annotations: Annotations
    frame: tuple[int, int]
    outside: int
    lost: int


def place_joints(
    annotations: Annotations, view: View, frame: tuple[int, int]
) -> Placed:
    """Move joints of the annotated picture to images of the size ``frame``.

    What GFLA's loader computes, ``int((x - left) * width / view width)``, done once.
    Where nothing moves, nothing is rounded either. Joints beside the view keep their
    coordinates, negative ones too, as in the published files; only exactly -1 is
    missing there, before the scaling as after it.

    Args:
        annotations: in the frame of the picture that was annotated.
        view: what the images show of it.
        frame: (height, width) that the view is resized to.
    """
    if view.left == 0 and frame == view.size:
        return Placed(annotations, frame, 0, 0)
    before = annotations.keypoints
    moved = before - np.array([view.left, 0, 0], np.float32) * (before[..., 2:] > 0)
    moved = _drop_minus_one(moved)
    moved = _drop_minus_one(scale_keypoints(moved, view.size, frame))
    present = moved[..., 2] > 0
    beside = (moved[..., 0] < 0) | (moved[..., 0] >= frame[1])
    lost = int((before[..., 2] > 0).sum() - present.sum())
    outside = int((beside & present).sum())
    return Placed(Annotations(annotations.names, moved), frame, outside, lost)


def describe_joints(placed: Placed, width: int) -> list[str]:
    """Sentences on what was done to joints of a file with ``width`` columns."""
    height, columns = placed.frame
    notes = [f'joints of {width} columns, written for {height}x{columns} pictures']
    if placed.outside:
        notes.append(
            f'{placed.outside:,} joints lie left or right of their picture and are '
            'kept, as in the published files'
        )
    if placed.lost:
        notes.append(
            f'{placed.lost:,} joints came to lie on -1, which means missing in these '
            'files, as published'
        )
    return notes


def guess_frame(annotations: Annotations, file: Path) -> int:
    """Width of the frame, 256 or 176, from the middle of all joints.

    In the published files the median of x is 128 or 40 less.

    Raises:
        DataError: too few joints, or a median between the two.
    """
    x = annotations.keypoints[..., 0][annotations.keypoints[..., 2] > 0]
    middle = float(np.median(x)) if len(x) else float('nan')
    if len(x) < _FEWEST_JOINTS or not abs(middle - _HALFWAY) > _UNCERTAIN:
        raise DataError(
            f'{file} does not tell whether its joints lie on 256 or 176 columns '
            f'({len(x)} joints, median of x {middle:.0f}): say --annotation-frame 256 '
            'or 176'
        )
    return CANVAS_WIDTH if middle > _HALFWAY else CROP_WIDTH


def read_canvas_joints(file: Path, frame: int | None) -> tuple[Annotations, int]:
    """Read DeepFashion joints into the frame of 256 columns.

    For a file of 176 columns this undoes the published shift: 40 is added to every x
    that is not missing, also to negative ones. A joint at column 39 became -1 by that
    shift; it shows as x = -1 beside a y that is not -1, and comes back as 39.

    Args:
        file: ``.csv`` or ``.csv.gz``.
        frame: 256 or 176; None finds it out (:func:`guess_frame`).

    Returns:
        The joints, and the frame that the file is in.
    """
    annotations = read_annotations(file)
    frame = frame or guess_frame(annotations, file)
    if frame == CANVAS_WIDTH:
        return annotations, frame
    points = _read_points(file)
    present = (points != MISSING).any(-1, keepdims=True)
    points = np.where(present, points + [SHIFT, 0], 0)
    keypoints = np.concatenate([points, present], -1, dtype=np.float32)
    return Annotations(annotations.names, keypoints), frame


def _read_points(file: Path) -> np.ndarray:
    """(N, 18, 2) x, y as they are written, of a file that has been checked."""
    data = file.read_bytes()
    data = gzip.decompress(data) if file.suffix == '.gz' else data
    lines = [line for line in data.decode().splitlines()[1:] if line.strip()]
    rows = [json.loads(f'[{",".join(line.rsplit(":", 2)[1:])}]') for line in lines]
    return np.array(rows, np.float64).reshape(-1, 2, 18)[:, ::-1].transpose(0, 2, 1)


def _drop_minus_one(keypoints: np.ndarray) -> np.ndarray:
    """Make joints with a coordinate of exactly -1 missing, as the format has it."""
    present = (keypoints[..., :2] != MISSING).all(-1) & (keypoints[..., 2] > 0)
    return np.where(present[..., None], keypoints, np.float32(0))
