"""From one format of keypoints to another: what ``convert_keypoints.py`` does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from posegen.codecs.formats import CROP_LEFT
from posegen.utils.errors import ConfigError, DataError

from .annotations import Annotations
from .keypoint_files import (
    ImageSizes,
    check_format,
    format_of_ending,
    read_image_sizes,
    read_keypoint_file,
    write_keypoint_file,
)
from .keypoint_formats import detect_format
from .keypoint_units import KeypointReport
from .nested_names import rename


def convert_keypoints(
    source: str | os.PathLike,
    target: str | os.PathLike,
    source_format: str | None = None,
    target_format: str | None = None,
    *,
    frame: int | None = None,
    target_frame: int | None = None,
    images: str | os.PathLike | None = None,
    image_size: tuple[int, int] | None = None,
    names: str = 'keep',
    suffix: str = '.jpg',
    min_score: float | None = None,
    normalized: bool | None = None,
    zeros_missing: bool = False,
    overwrite: bool = False,
) -> Iterator[str]:
    """Convert keypoints, and say what was read and what is there now.

    What was written is read again, so that the second count is of the file as it is.

    Args:
        source: file or folder to read.
        target: file or folder to write.
        source_format: by default told from the content.
        target_format: by default told from the ending.
        frame: width of DeepFashion's canvas that the source is on, 176 or 256.
        target_frame: and the one to write. Without it, x is not moved if ``frame`` is
            not given either, else the target is on the 256x256 canvas.
        images: folder of the pictures, for their names and sizes.
        image_size: (height, width) of all pictures, instead.
        names: 'keep', or how to call DeepFashion's pictures, see
            :func:`~posegen.datasets.nested_names.rename`.
        suffix: ending of the pictures' names where a format knows their stems only.
        min_score: joints with a lower score become missing; None takes the format's
            own, see :data:`~posegen.datasets.keypoint_units.MIN_SCORES`.
        normalized, zeros_missing: see
            :func:`~posegen.datasets.keypoint_files.read_keypoint_file`.
        overwrite: replace the target.

    Yields:
        Lines to print.

    Raises:
        ConfigError: arguments contradict each other, or a format cannot be told.
        DataError: the source is broken, or the target cannot be written.
    """
    source, target = Path(source), Path(target)
    _check_places(source, target)
    if images is not None and image_size is not None:
        raise ConfigError('give images or image_size, not both')
    source_format = source_format or detect_format(source)
    target_format = target_format or format_of_ending(target)
    check_format(target_format)
    sizes = image_size if images is None else read_image_sizes(images)
    report = KeypointReport()
    annotations = read_keypoint_file(
        source,
        source_format,
        frame,
        sizes,
        suffix=suffix,
        min_score=min_score,
        normalized=normalized,
        zeros_missing=zeros_missing,
        report=report,
    )
    yield f'{source} ({source_format}): {count(annotations)}'
    yield from (f'  {line}' for line in report.lines())
    if note := _zeros(annotations, frame):
        yield note
    renamed = Annotations(rename(annotations.names, names), annotations.keypoints)
    sizes = _rename_sizes(sizes, names)
    write_keypoint_file(
        target, renamed, target_format, target_frame, sizes, overwrite=overwrite
    )
    again = read_keypoint_file(
        target, target_format, target_frame, sizes, suffix=suffix, min_score=0.0
    )
    yield f'{target} ({target_format}): {count(again)}'


def _check_places(source: Path, target: Path) -> None:
    if source.exists() and target.exists() and source.samefile(target):
        raise ConfigError(f'{target} is what is read; write to another place')
    if not source.exists():
        raise DataError(f'{source} does not exist; check the path')


def count(annotations: Annotations) -> str:
    """How many images, how many of them with a person, and joints present in all."""
    present = annotations.keypoints[..., 2] > 0
    return (
        f'{len(annotations):,} images, {present.any(1).sum():,} with a person, '
        f'{present.sum():,} joints'
    )


def _zeros(annotations: Annotations, frame: int | None) -> str | None:
    """Some people have a joint in the corner, nobody has two there."""
    corner = [CROP_LEFT if frame == 176 else 0, 0]
    present = annotations.keypoints[..., 2] > 0
    there = present & (annotations.keypoints[..., :2] == corner).all(-1)
    rows = there.sum(1) > 1
    if not rows.any():
        return None
    return (
        f'  {there[rows].sum():,} joints lie at (0, 0), several in a row, which some '
        'tools write for missing ones; --zeros-missing makes them missing'
    )


def _rename_sizes(sizes: ImageSizes | None, names: str) -> ImageSizes | None:
    if not isinstance(sizes, dict) or names == 'keep':
        return sizes
    return dict(zip(rename(list(sizes), names), sizes.values()))
