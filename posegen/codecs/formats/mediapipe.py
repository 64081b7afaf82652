"""MediaPipe Pose: 33 landmarks, as fractions of the picture's size or in pixels.

MediaPipe has no file format of its own; people store what its Python objects hold. What
is read: ``pose_landmarks`` (a list of people, each 33 landmarks; or the older
``{'landmark': [...]}``), alone for one picture, or by picture.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from posegen.codecs.joints import NUM_JOINTS
from posegen.utils.errors import DataError

from .json_files import as_numbers, canonical, most_certain
from .layouts import LAYOUTS, from_canonical, is_present

_SIZE = len(LAYOUTS['mediapipe'])
_HOLDERS = ('pose_landmarks', 'poseLandmarks', 'landmarks', 'landmark')
_NAMES = ('image', 'file_name', 'image_name', 'name')
#: People are never this small in pixels, nor landmarks this far outside a picture.
_NORMALIZED_EXTENT = 5.0


@dataclass(frozen=True)
class Landmarks:
    """The people of one picture.

    Attributes:
        people: ``(P, 33, 3)`` float64 x, y, visibility.
        size: (height, width) of the picture if the file says, else None.
        normalized: whether the file says that x and y are fractions, else None.
    """

    people: np.ndarray
    size: tuple[int, int] | None = None
    normalized: bool | None = None

    def is_normalized(self) -> bool:
        """What the file says; else whether everybody is less than 5 units large."""
        if self.normalized is not None:
            return self.normalized
        points, present = self.people[..., :2], self._present()[..., None]
        high = points.max(1, where=present, initial=-np.inf)
        low = points.min(1, where=present, initial=np.inf)
        with np.errstate(invalid='ignore'):  # an infinite one is an error later on
            return bool((high - low <= _NORMALIZED_EXTENT).all())

    def _present(self) -> np.ndarray:
        # Of the numbers as they stand: scaled, a -1 would look like a place.
        return is_present(self.people[..., :2], self.people[..., 2])

    def best(
        self, size: tuple[int, int] | None, normalized: bool | None, where: str
    ) -> np.ndarray:
        """``(18, 3)`` of the most visible person in pixels; zeros without people.

        Raises:
            DataError: coordinates are fractions and the size is not known.
        """
        if not len(self.people):
            return np.zeros((NUM_JOINTS, 3), dtype=np.float32)
        person = most_certain(np.where(self._present()[..., None], self.people, 0.0))
        if normalized if normalized is not None else self.is_normalized():
            if (size := self.size or size) is None:
                raise DataError(
                    f'{where} has fractions of the picture as coordinates; give its '
                    'size (image_sizes, --images or --image-size)'
                )
            # An edge of the picture is half a pixel off the centre of its first one.
            points = person[:, :2] * size[::-1] - 0.5
            points = np.where(person[:, 2:] > 0, points.round(6), 0.0)
            person = np.column_stack([points, person[:, 2]])
        return canonical(person, 'mediapipe', where)


def read_mediapipe(
    content: Any, path: str | os.PathLike, own_name: Callable[[], str]
) -> dict[str, Landmarks]:
    """The landmarks of each picture in the content of a file.

    Args:
        content: the parsed json: the landmarks of one picture; an object of them by
            name of the picture; or a list of objects with ``image`` and
            ``pose_landmarks``. Beside ``pose_landmarks`` may stand ``height`` and
            ``width`` of the picture, and ``normalized``.
        path: how errors call it.
        own_name: gives the picture, where the file names none.

    Raises:
        DataError: it is something else.
    """
    if isinstance(content, list) and content and _name(content[0]) is not None:
        return {
            str(_name(record)): _record(record, f'{path}: [{index}]')
            for index, record in enumerate(content)
        }
    if isinstance(content, dict) and not _holder(content):
        return {
            str(name): _record(record, f"{path}: '{name}'")
            for name, record in content.items()
        }
    return {own_name(): _record(content, str(path))}


def mediapipe_record(keypoints: np.ndarray, size: tuple[int, int]) -> dict:
    """What is stored of one picture: its size, and landmarks as fractions of it.

    Args:
        keypoints: ``(18, 3)`` x, y, score in pixels.
        size: (height, width) of the picture.

    Returns:
        ``height``, ``width``, ``normalized`` and ``pose_landmarks``: 33 landmarks in a
        list of one person, or an empty list without a present joint. What MediaPipe has
        and the canonical record has not (mouth, fingers, heels, ...) has visibility 0.
    """
    height, width = (int(value) for value in size)
    joints = from_canonical(keypoints, 'mediapipe').astype(np.float64)
    points = (joints[:, :2] + 0.5) / (width, height)
    points = np.where(joints[:, 2:] > 0, points, 0.0)
    person = [
        dict(x=x, y=y, z=0.0, visibility=visibility)
        for (x, y), visibility in zip(points.tolist(), joints[:, 2].tolist())
    ]
    people = [person] if joints.any() else []
    return dict(height=height, width=width, normalized=True, pose_landmarks=people)


def _holder(value: Mapping) -> str | None:
    return next((name for name in _HOLDERS if name in value), None)


def _name(record: Any) -> Any:
    if not isinstance(record, dict) or not _holder(record):
        return None
    return next((record[name] for name in _NAMES if name in record), None)


def _record(record: Any, where: str) -> Landmarks:
    facts = record if isinstance(record, dict) else {}
    size = facts.get('height'), facts.get('width')
    normalized = facts.get('normalized')
    people = list(_people(record, where))
    return Landmarks(
        np.stack(people) if people else np.zeros((0, _SIZE, 3)),
        None if None in size else size,
        None if normalized is None else bool(normalized),
    )


def _people(value: Any, where: str) -> list[np.ndarray]:
    """Every person below ``value``, ``(33, 3)`` each."""
    if value is None or value == []:
        return []
    if isinstance(value, dict) and (holder := _holder(value)):
        return _people(value[holder], where)
    if not isinstance(value, list):
        raise DataError(f'{where}: expected pose_landmarks of MediaPipe')
    if _is_landmark(value[0]):
        return [_person(value, where)]
    return [person for item in value for person in _people(item, where)]


def _is_landmark(value: Any) -> bool:
    if isinstance(value, dict):
        return 'x' in value
    return (
        isinstance(value, list)
        and bool(value)
        and not isinstance(value[0], list | dict)
    )


def _person(landmarks: list, where: str) -> np.ndarray:
    if len(landmarks) != _SIZE:
        raise DataError(f'{where} must have {_SIZE} landmarks, got {len(landmarks)}')
    rows = [_landmark(landmark, where) for landmark in landmarks]
    return as_numbers(rows, where)


def _landmark(landmark: Any, where: str) -> list:
    if isinstance(landmark, dict) and {'x', 'y'} <= set(landmark):
        return [landmark['x'], landmark['y'], landmark.get('visibility', 1.0)]
    if isinstance(landmark, list) and len(landmark) == 4:
        x, y, _, visibility = landmark
        return [x, y, visibility]
    raise DataError(
        f'{where}: a landmark must have x and y, or be a list of x, y, z, visibility'
    )
