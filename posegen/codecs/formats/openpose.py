"""OpenPose's json: one file a picture, COCO's 18 joints or BODY_25."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from posegen.codecs.joints import NUM_JOINTS
from posegen.utils.errors import DataError

from .json_files import as_numbers, canonical, load_json, most_certain, short
from .layouts import LAYOUTS, from_canonical

_BY_COUNT = {3 * len(LAYOUTS[name]): name for name in ('openpose', 'body25')}


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
    person = parse_openpose(load_json(path), path)
    if person is None:
        raise DataError(f'{path}: there is no person in it')
    return person


def parse_openpose(content: Any, path: str | os.PathLike) -> np.ndarray | None:
    """The most certain person in the content of an OpenPose file.

    Args:
        content: the parsed json; also a list with one such object, as ControlNet's
            annotators write.
        path: how errors call it.

    Returns:
        ``(18, 3)`` float32, or None where nobody was found.

    Raises:
        DataError: it is something else.
    """
    if isinstance(content, list) and len(content) == 1:
        content = content[0]
    try:
        people = [person['pose_keypoints_2d'] for person in content['people']]
    except (KeyError, TypeError):
        raise DataError(
            f"{path}: expected OpenPose's people[0].pose_keypoints_2d"
        ) from None
    persons = [
        _parse_person(numbers, f'{path}: people[{index}].pose_keypoints_2d')
        for index, numbers in enumerate(people)
        if numbers is not None and numbers != []  # hands or a face without a body
    ]
    return most_certain(np.stack(persons)) if persons else None


def _parse_person(numbers: Any, where: str) -> np.ndarray:
    if not isinstance(numbers, list):
        raise DataError(f'{where} is not a list')
    if len(numbers) not in _BY_COUNT:
        raise DataError(
            f'{where} must have 54 numbers (the COCO model of 18 joints) or 75 '
            f'(BODY_25), got {len(numbers)}'
        )
    joints = as_numbers(numbers, where).reshape(-1, 3)
    return canonical(joints, _BY_COUNT[len(numbers)], where)


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
