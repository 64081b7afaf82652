"""Telling the format of a file or folder of keypoints from its content."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import Any

from posegen.codecs.formats import LAYOUTS
from posegen.codecs.formats.json_files import load_json
from posegen.codecs.formats.openpose import BODY_KEYS, PEOPLE_KEYS
from posegen.codecs.joints import NUM_JOINTS
from posegen.utils.errors import ConfigError, DataError
from posegen.utils.folders import list_files

FORMATS = ('csv', 'txt', 'openpose', 'body25', 'coco', 'wholebody', 'mediapipe')
"""Names of the formats."""
_NOBODY = {'openpose', 'body25'}
#: What an entry of a list of detections, instances or frames has.
_ENTRY = {'keypoints', 'image_id', 'instances'}


def detect_format(path: str | os.PathLike) -> str:
    """Tell the format of a file or folder from its content.

    Returns:
        One of :data:`FORMATS`.

    Raises:
        ConfigError: it could be several, or none; the message names the choices.
        DataError: a file cannot be read.
    """
    path = Path(path)
    files = joint_files(path) if path.is_dir() else [path]
    endings = {ending_of(file) for file in files}
    if len(endings) > 1:
        kinds = ' and '.join(sorted(endings))
        raise ConfigError(
            f'{path} has {kinds} files: say which format to read, one of {FORMATS}'
        )
    undecided: set[str] = set()
    for file in files:
        choices = _choices(file)
        if len(choices) == 1:
            return choices.pop()
        undecided |= choices
    if undecided == _NOBODY:
        return 'openpose'  # which reads both; there is nobody anyway
    what = 'could be ' + ' or '.join(sorted(undecided)) if undecided else 'is not clear'
    raise ConfigError(f'the format of {path} {what}: say which it is, one of {FORMATS}')


def ending_of(path: Path) -> str:
    """The ending in lower case, without ``.gz``."""
    name = path.name.lower().removesuffix('.gz')
    return PurePosixPath(name).suffix


def joint_files(folder: Path) -> list[Path]:
    """Files of joints below a folder, sorted.

    Raises:
        DataError: there is none.
    """
    files = [
        folder / name
        for name in list_files(folder)
        if name.lower().endswith(('.json', '.txt'))
    ]
    if not files:
        raise DataError(f'{folder} has no json or txt file with joints')
    return files


def read_text(file: Path) -> str:
    """Text of a file.

    Raises:
        DataError: it is none.
    """
    try:
        return file.read_text(encoding='utf-8-sig')
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f'{file} cannot be read as text: {error}') from error


def _choices(file: Path) -> set[str]:
    """Formats that a file fits."""
    ending = ending_of(file)
    if ending == '.csv':
        return {'csv'}
    if ending == '.json':
        content = load_json(file)
        if isinstance(content, list):
            return _choices_of_list(content)
        return _choices_of_object(content) if isinstance(content, dict) else set()
    rows = [line.replace(',', ' ').split() for line in read_text(file).splitlines()]
    return {'txt'} if [len(row) for row in rows if row] == [2] * NUM_JOINTS else set()


def _choices_of_list(items: list) -> set[str]:
    known = [item for item in items if item is not None]
    first = known[0] if known else None
    if isinstance(first, list):
        mmpose = any(isinstance(item, dict) and 'keypoints' in item for item in first)
        return {_coco_kind(known) if mmpose else 'mediapipe'}
    if any(map(_is_mediapipe, known)):
        return {'mediapipe'}
    if not isinstance(first, dict):
        return set()
    if any(isinstance(item, dict) and _ENTRY & set(item) for item in known):
        return {_coco_kind(known)}
    pictures = any(key in first for key in PEOPLE_KEYS)
    return _choices_of_object(first) if pictures or len(items) == 1 else set()


def _choices_of_object(content: dict) -> set[str]:
    choices = set()
    for key in PEOPLE_KEYS:
        if key in content:
            choices |= _openpose_kind(content[key])
    for key in ('annotations', 'instance_info', 'predictions'):
        if key in content:
            choices.add(_coco_kind(content[key]))
    values = list(content.values())
    values += [item for value in values if isinstance(value, list) for item in value]
    if _is_mediapipe(content) or (not choices and any(map(_is_mediapipe, values))):
        choices.add('mediapipe')
    return choices


def _is_mediapipe(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    return {'x', 'y'} <= set(value) or any('landmark' in key.lower() for key in value)


def _openpose_kind(people: Any) -> set[str]:
    for person in people if isinstance(people, list) else ():
        known = person if isinstance(person, dict) else {}
        numbers = next((known[key] for key in BODY_KEYS if known.get(key)), None)
        if isinstance(numbers, list):
            size = len(LAYOUTS['body25'])
            return {'body25' if len(numbers) in (size, 3 * size) else 'openpose'}
    return set(_NOBODY)


def _coco_kind(people: Any) -> str:
    """Which of the two; instances may lie in lists, or below a video's frames."""
    whole = len(LAYOUTS['wholebody'])
    for person in people if isinstance(people, list) else ():
        inner = person.get('instances') if isinstance(person, dict) else person
        if isinstance(inner, list) and _coco_kind(inner) == 'wholebody':
            return 'wholebody'
        if isinstance(person, dict) and isinstance(person.get('keypoints'), list):
            if not person['keypoints']:
                continue
            many = len(person['keypoints']) in (whole, 3 * whole)
            return 'wholebody' if many or 'face_kpts' in person else 'coco'
    return 'coco'
