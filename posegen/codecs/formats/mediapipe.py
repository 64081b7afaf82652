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

from .frames import check_size
from .json_files import as_numbers, canonical, most_certain
from .layouts import LAYOUTS, from_canonical, is_present
from .notes import Notes
from .units import are_fractions

_SIZE = len(LAYOUTS['mediapipe'])
_HOLDERS = ('pose_landmarks', 'poseLandmarks', 'landmarks', 'landmark')
_METERS = ('pose_world_landmarks', 'poseWorldLandmarks', 'worldLandmarks')
_METERS += ('world_landmarks',)
_NAMES = ('image', 'file_name', 'image_name', 'name')
#: People are never this small in pixels, nor landmarks this far outside a picture.
_NORMALIZED_EXTENT = 5.0
_HIPS = [LAYOUTS['mediapipe'].joints.index(f'{side}_hip') for side in ('left', 'right')]
#: Meters count from the middle of the hips, to within rounding.
_ORIGIN = 0.01


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

    def best(
        self, size: tuple[int, int] | None, normalized: bool | None, where: str
    ) -> np.ndarray:
        """``(18, 3)`` of the most visible person in pixels; zeros without people.

        Coordinates are what the caller says, else what the file says, else fractions if
        the person is less than 5 units large.

        Raises:
            DataError: coordinates are fractions and the size is not known, or meters.
        """
        person = self._most_visible()
        if person is None:
            return np.zeros((NUM_JOINTS, 3), dtype=np.float32)
        if self.is_normalized(normalized):
            if normalized is None and self.normalized is None:
                _refuse_meters(person, where)
            if (size := self.size or size) is None:
                raise DataError(
                    f'{where} has fractions of the picture as coordinates; give its '
                    'size (image_sizes, --images or --image-size)'
                )
            # An edge of the picture is half a pixel off the centre of its first one.
            with np.errstate(over='ignore', invalid='ignore'):  # refused below
                points = (person[:, :2] * size[::-1] - 0.5).round(6)
            points = np.where(person[:, 2:] > 0, points, 0.0)
            person = np.column_stack([points, person[:, 2]])
        return canonical(person, 'mediapipe', where)

    def is_normalized(self, normalized: bool | None = None) -> bool:
        """Whether x and y are fractions: as is said here, in the file, or by size."""
        stated = self.normalized if normalized is None else normalized
        if stated is not None:
            return stated
        person = self._most_visible()
        return person is not None and bool(are_fractions(person, _NORMALIZED_EXTENT))

    def _most_visible(self) -> np.ndarray | None:
        """``(33, 3)``, zeros where missing."""
        if not len(self.people):
            return None
        # Of the numbers as they stand: scaled, a -1 would look like a place.
        present = is_present(self.people[..., :2], self.people[..., 2])
        return most_certain(np.where(present[..., None], self.people, 0.0))


def _refuse_meters(person: np.ndarray, where: str) -> None:
    hips = person[_HIPS]
    if (hips[:, 2] > 0).all() and (np.abs(hips[:, :2].mean(0)) < _ORIGIN).all():
        raise DataError(_meters(where))


def _meters(where: str) -> str:
    return (
        f'{where} has world landmarks, which are meters from the hips and say nothing '
        "of the picture; give MediaPipe's pose_landmarks"
    )


def read_mediapipe(
    content: Any,
    path: str | os.PathLike,
    own_name: Callable[[], str],
    notes: Notes | None = None,
) -> dict[str, Landmarks]:
    """The landmarks of each picture in the content of a file.

    Args:
        content: the parsed json: the landmarks of one picture; an object of them by
            name of the picture; or a list of objects with ``image`` and
            ``pose_landmarks``. Beside ``pose_landmarks`` may stand ``height`` and
            ``width`` of the picture, and ``normalized``.
        path: how errors call it.
        own_name: gives the picture, where the file names none.
        notes: takes down entries without landmarks.

    Raises:
        DataError: it is something else, or has world landmarks only.
    """
    notes = notes or Notes()
    if isinstance(content, list) and any(_name(item) is not None for item in content):
        return _read_list(content, path, notes)
    if isinstance(content, dict) and not _holder(content):
        _refuse_world(content, str(path))
        return {
            str(name): _record(record, f"{path}: '{name}'", notes)
            for name, record in content.items()
        }
    return {own_name(): _record(content, str(path), notes)}


def _read_list(
    content: list, path: str | os.PathLike, notes: Notes
) -> dict[str, Landmarks]:
    """A list of objects that name their picture; those without are passed over."""
    found: dict[str, Landmarks] = {}
    for index, record in enumerate(content):
        where = f'{path}: [{index}]'
        if record is None or (isinstance(record, dict) and not _holder(record)):
            _refuse_world(record or {}, where)
            notes.passed_over.append(where)
            continue
        if (name := _name(record)) is None:
            raise DataError(f'{where} does not name its picture ({", ".join(_NAMES)})')
        if str(name) in found:
            raise DataError(f"{where}: '{name}' has joints in another entry too")
        found[str(name)] = _record(record, where, notes)
    return found


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


def _record(record: Any, where: str, notes: Notes) -> Landmarks:
    facts = record if isinstance(record, dict) else {}
    normalized = facts.get('normalized')
    people = list(_people(record, where, notes))
    return Landmarks(
        np.stack(people) if people else np.zeros((0, _SIZE, 3)),
        check_size([facts.get('height'), facts.get('width')], where),
        None if normalized is None else bool(normalized),
    )


def _people(value: Any, where: str, notes: Notes) -> list[np.ndarray]:
    """Every person below ``value``, ``(33, 3)`` each."""
    if value is None or value == [] or value == {}:
        notes.passed_over.append(where)
        return []
    if isinstance(value, dict):
        if holder := _holder(value):
            return _people(value[holder], where, notes)
        _refuse_world(value, where)
    if not isinstance(value, list):
        raise DataError(f'{where}: expected pose_landmarks of MediaPipe')
    if any(map(_is_landmark, value)):
        return [_person(value, where)]
    return [
        person
        for index, item in enumerate(value)
        for person in _people(item, f'{where}: [{index}]', notes)
    ]


def _refuse_world(record: Mapping, where: str) -> None:
    if any(key in record for key in _METERS):
        raise DataError(_meters(where))


def _is_landmark(value: Any) -> bool:
    if isinstance(value, dict):
        return 'x' in value
    numbers = value if isinstance(value, list) else []
    scalars = not any(isinstance(number, list | dict) for number in numbers)
    return scalars and any(number is not None for number in numbers)


def _person(landmarks: list, where: str) -> np.ndarray:
    if len(landmarks) != _SIZE:
        raise DataError(f'{where} must have {_SIZE} landmarks, got {len(landmarks)}')
    rows = [_landmark(landmark, where) for landmark in landmarks]
    return as_numbers(rows, where)


def _landmark(landmark: Any, where: str) -> list:
    if landmark is None or landmark == []:
        return [None, None, 0.0]
    if isinstance(landmark, dict) and {'x', 'y'} <= set(landmark):
        visibility = landmark.get('visibility')
        return [landmark['x'], landmark['y'], 1.0 if visibility is None else visibility]
    if isinstance(landmark, list) and len(landmark) == 4:
        x, y, _, visibility = landmark
        return [x, y, visibility]
    raise DataError(
        f'{where}: a landmark must have x and y, or be a list of x, y, z, visibility'
    )
