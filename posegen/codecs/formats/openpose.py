"""OpenPose's json: one file a picture, COCO's 18 joints or BODY_25."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from posegen.codecs.joints import NUM_JOINTS
from posegen.utils.errors import DataError

from .frames import check_size
from .json_files import as_numbers, canonical, load_json, most_certain, short
from .layouts import LAYOUTS, from_canonical
from .notes import Notes

_BY_COUNT = {len(LAYOUTS[name]): name for name in ('openpose', 'body25')}
#: What holds a person's numbers: today's name, OpenPose 1.1's, and AlphaPose's.
BODY_KEYS = ('pose_keypoints_2d', 'pose_keypoints', 'joints')
#: What holds the people; the second is AlphaPose's '--format cmu'.
PEOPLE_KEYS = ('people', 'bodies')


def read_openpose_json(path: str | os.PathLike) -> np.ndarray:
    """Read the most certain person of an OpenPose json file.

    Args:
        path: a file with ``people[i].pose_keypoints_2d`` of 54 numbers (the COCO model,
            18 joints) or 75 (BODY_25): x, y and confidence of each joint. Of several
            people the one with the highest sum of confidences is taken, as in published
            annotations.

    Returns:
        ``(18, 3)`` float32 x, y, score in pixels of the photo, zeros where missing: a
        confidence of 0, or -1, NaN or null for a coordinate.

    Raises:
        DataError: the file is missing or not json, holds no person, or a person has
            another number of numbers.
    """
    return read_openpose_canvas(path)[0]


def read_openpose_canvas(
    path: str | os.PathLike,
) -> tuple[np.ndarray, tuple[int, int] | None]:
    """:func:`read_openpose_json`, and the (height, width) that the file states.

    The size is that of ControlNet's ``canvas_height`` and ``canvas_width``, which the
    joints are on; None where the file has neither.
    """
    content, notes = load_json(path), Notes()
    person = parse_openpose(content, path, notes)
    if person is None:
        empty = f' ({len(notes.passed_over)} without joints)' * bool(notes.passed_over)
        raise DataError(f'{path}: there is no person in it{empty}')
    return person, canvas_size(content, path)


def parse_openpose(
    content: Any, path: str | os.PathLike, notes: Notes | None = None
) -> np.ndarray | None:
    """The most certain person in the content of an OpenPose file.

    Args:
        content: the parsed json; also a list with one such object, as ControlNet's
            annotators write, OpenPose 1.1's ``pose_keypoints``, and AlphaPose's
            ``bodies`` of ``joints``.
        path: how errors call it.
        notes: takes down people without a body.

    Returns:
        ``(18, 3)`` float32, or None where nobody was found.

    Raises:
        DataError: it is something else.
    """
    notes, persons = notes or Notes(), []
    for index, person in enumerate(_people(content, path)):
        place = f'{path}: people[{index}]'
        key, numbers = _body(person)
        if numbers is None or numbers == []:  # nobody, hands or a face without a body
            notes.passed_over.append(place)
        else:
            persons.append(_parse_person(numbers, f'{place}.{key}'))
    return most_certain(np.stack(persons)) if persons else None


def canvas_size(content: Any, path: str | os.PathLike) -> tuple[int, int] | None:
    """(height, width) that the content of a file states, as ControlNet's does.

    Raises:
        DataError: what it states is no size.
    """
    if isinstance(content, list) and len(content) == 1:
        content = content[0]
    if not isinstance(content, dict):
        return None
    stated = [content.get(f'canvas_{side}') for side in ('height', 'width')]
    return check_size(stated, f'{path}: the canvas')


def _people(content: Any, path: str | os.PathLike) -> list:
    if isinstance(content, list) and len(content) == 1:
        content = content[0]
    if isinstance(content, list) and len(content) > 1 and _holder(content[0]):
        raise DataError(
            f'{path} has {len(content)} pictures in a list, and nothing says which is '
            'which; give each a file of its own.'
        )
    holder = _holder(content)
    people = content[holder] if holder else None
    if holder and people is None:
        return []
    if not isinstance(people, list):
        raise DataError(f"{path}: expected OpenPose's people[0].pose_keypoints_2d")
    return people


def _holder(content: Any) -> str | None:
    known = content if isinstance(content, dict) else {}
    return next((key for key in PEOPLE_KEYS if key in known), None)


def _body(person: Any) -> tuple[str, Any]:
    """The key of a person's numbers, and these; None where there are none."""
    known = person if isinstance(person, dict) else {}
    key = next((key for key in BODY_KEYS if known.get(key) is not None), BODY_KEYS[0])
    return key, known.get(key)


def _parse_person(numbers: Any, where: str) -> np.ndarray:
    if not isinstance(numbers, list):
        raise DataError(f'{where} is not a list')
    joints = as_numbers(numbers, where)
    if joints.ndim == 1 and joints.size % 3 == 0:
        joints = joints.reshape(-1, 3)
    if joints.ndim != 2 or joints.shape[1] != 3 or len(joints) not in _BY_COUNT:
        raise DataError(
            f'{where} must have 54 numbers (the COCO model of 18 joints) or 75 '
            f'(BODY_25), got {joints.size}'
        )
    return canonical(joints, _BY_COUNT[len(joints)], where)


def openpose_person(keypoints: np.ndarray, layout: str = 'openpose') -> dict:
    """The content of an OpenPose file with one person, or with none.

    Args:
        keypoints: ``(18, 3)`` x, y, score. Without a present joint, ``people`` is
            empty, as OpenPose writes it.
        layout: 'openpose' (18 joints) or 'body25'.
    """
    joints = from_canonical(keypoints, layout)
    numbers = [short(value) for value in joints.ravel()]
    person = {'person_id': [-1], 'pose_keypoints_2d': numbers}
    return {'version': 1.3, 'people': [person] if joints.any() else []}


def write_openpose_json(path: str | os.PathLike, keypoints: np.ndarray) -> None:
    """Write one person, ``(18, 3)`` x, y, score, as an OpenPose json file."""
    keypoints = np.asarray(keypoints, dtype=np.float32)
    if keypoints.shape != (NUM_JOINTS, 3):
        raise ValueError(f'keypoints must be ({NUM_JOINTS}, 3), got {keypoints.shape}')
    text = json.dumps(openpose_person(keypoints))
    Path(path).write_text(text, encoding='utf-8')
