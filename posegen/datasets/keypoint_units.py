"""Joints as estimators write them, in pixels of the pictures that they belong to."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from posegen.codecs.formats import (
    Notes,
    are_fractions,
    fractions_to_pixels,
    rescale,
)
from posegen.utils.errors import ConfigError, DataError

from .annotations import Annotations

#: The score below which a joint is a guess, where a format has scores: estimators
#: report every joint, however unsure. OpenPose leaves out what is below 0.05 itself;
#: MMPose, DWPose and AlphaPose do not draw below 0.3, MediaPipe not below a visibility
#: of 0.5.
MIN_SCORES = {
    'openpose': 0.05,
    'body25': 0.05,
    'coco': 0.3,
    'wholebody': 0.3,
    'mediapipe': 0.5,
}
_SIZE_CURE = 'give its size (image_sizes, --images or --image-size)'


def least_score(format: str, min_score: float | None) -> float:
    """The least score of a joint that counts; by default that of the format."""
    if min_score is None:
        return MIN_SCORES.get(format, 0.0)
    if not 0 <= min_score < np.inf:
        raise ConfigError(f'min_score must be a number of 0 or more, got {min_score}')
    return min_score


@dataclass
class KeypointReport:
    """What became of joints on their way from a file.

    Attributes:
        notes: what the reader passed over.
        min_score: the least score that was asked for.
        unsure: joints that had a lower one and are missing now.
        fractions: pictures whose joints were fractions of their size.
        scaled: pictures whose joints were on a canvas of another size.
        refused: what is wrong with people who were left out.
    """

    notes: Notes = field(default_factory=Notes)
    min_score: float = 0.0
    unsure: int = 0
    fractions: list[str] = field(default_factory=list)
    scaled: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def drop(self, keypoints: np.ndarray, unsure: np.ndarray) -> None:
        """Make joints missing, in place, and count them."""
        self.unsure += int((unsure & (keypoints[..., 2] > 0)).sum())
        keypoints[unsure] = 0

    def lines(self) -> list[str]:
        """A sentence on each thing that happened."""
        lines = []
        if over := self.notes.passed_over:
            count = f'{len(over):,} entries without joints are passed over'
            lines.append(f'{count}: {_some(over)}')
        if self.unsure:
            lines.append(
                f'{self.unsure:,} joints with a score below {self.min_score:g} are '
                'guesses and count as missing; --min-score changes that'
            )
        if self.fractions:
            lines.append(
                f'{len(self.fractions):,} pictures had fractions of their size as '
                f'coordinates, which are pixels now: {_some(self.fractions)}'
            )
        if self.scaled:
            lines.append(
                f'{len(self.scaled):,} pictures had joints on a canvas of another '
                f'size, which were scaled: {_some(self.scaled)}'
            )
        if self.notes.outside:
            lines.append(
                f'{self.notes.outside:,} joints lie outside their picture, which '
                'estimators guess, and count as missing'
            )
        return [*lines, *(f'not read: {reason}' for reason in self.refused[:3])]


def _some(names: list[str], limit: int = 3) -> str:
    more = f' and {len(names) - limit:,} more' if len(names) > limit else ''
    return ', '.join(names[:limit]) + more


def to_pictures(
    annotations: Annotations,
    size_of: Callable[[str], tuple[int, int] | None],
    path: str | os.PathLike,
    normalized: bool | None,
    strict: bool,
    report: KeypointReport,
) -> Annotations:
    """Bring joints into the pixels of their pictures.

    Args:
        annotations: as the file has them.
        size_of: gives the (height, width) of a picture, or None.
        path: the file, for errors.
        normalized: whether the coordinates are fractions; None tells it of each person.
        strict: people who cannot be brought there are an error; otherwise they are left
            out.
        report: has the sizes that the file states, and takes down what is moved.

    Raises:
        DataError: the size of a picture is needed and not known, or joints are on a
            canvas of another shape; or nobody is left.
    """
    keypoints = annotations.keypoints
    present = (keypoints[..., 2] > 0).any(1)
    judged = are_fractions(keypoints) if normalized is None else present & normalized
    rows: dict[str, np.ndarray] = {}
    for name, joints, fractions in zip(annotations.names, keypoints, judged):
        stated = report.notes.sizes.get(name) if joints.any() else None
        if not fractions and stated is None:
            rows[name] = joints
            continue
        size = size_of(name)
        if strict or size or stated:
            try:
                where = f"{path}: '{name}'"
                rows[name] = _to_picture(joints, fractions, stated, size, where)
            except DataError as error:
                if strict:
                    raise
                report.refused.append(str(error))
                continue
            moved = bool(stated and size and tuple(stated) != tuple(size))
            report.fractions += [name] * bool(fractions)
            report.scaled += [name] * moved
    if report.refused and not any(joints.any() for joints in rows.values()):
        raise DataError(report.refused[0])
    joints = np.array(list(rows.values()), dtype=np.float32)
    return Annotations(list(rows), joints.reshape(-1, *keypoints.shape[1:]))


def _to_picture(
    joints: np.ndarray,
    fractions: bool,
    stated: tuple[int, int] | None,
    size: tuple[int, int] | None,
    where: str,
) -> np.ndarray:
    if fractions:
        joints = fractions_to_pixels(joints, stated or size, where, _SIZE_CURE)
    return rescale(joints, stated, size, where) if stated and size else joints
