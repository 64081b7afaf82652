"""Telling the format of a file or folder of keypoints from its content."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import Any

from posegen.codecs.formats import LAYOUTS
from posegen.codecs.formats.json_files import load_json
from posegen.codecs.joints import NUM_JOINTS
from posegen.utils.errors import ConfigError, DataError
from posegen.utils.folders import list_files

FORMATS = ('csv', 'txt', 'openpose', 'body25', 'coco', 'wholebody', 'mediapipe')
"""Names of the formats."""
_NOBODY = {'openpose', 'body25'}


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
    first = items[0] if items else None
    if isinstance(first, list) or _is_mediapipe(first):
        return {'mediapipe'}
    if not isinstance(first, dict):
        return set()
    if 'keypoints' in first:
        return {_coco_kind(items)}
    return _choices_of_object(first) if len(items) == 1 else set()


def _choices_of_object(content: dict) -> set[str]:
    choices = set()
    if 'people' in content:
        choices |= _openpose_kind(content['people'])
    for key in ('annotations', 'instance_info'):
        if key in content:
            choices.add(_coco_kind(content[key]))
    values = content.values()
    if _is_mediapipe(content) or (not choices and any(map(_is_mediapipe, values))):
        choices.add('mediapipe')
    return choices


def _is_mediapipe(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    return {'x', 'y'} <= set(value) or any('landmark' in key.lower() for key in value)


def _openpose_kind(people: Any) -> set[str]:
    for person in people if isinstance(people, list) else ():
        if isinstance(person, dict) and person.get('pose_keypoints_2d'):
            whole = len(person['pose_keypoints_2d']) == 3 * len(LAYOUTS['body25'])
            return {'body25' if whole else 'openpose'}
    return set(_NOBODY)


def _coco_kind(people: Any) -> str:
    whole = len(LAYOUTS['wholebody'])
    for person in people if isinstance(people, list) else ():
        if isinstance(person, dict) and person.get('keypoints'):
            many = len(person['keypoints']) in (whole, 3 * whole)
            return 'wholebody' if many or 'face_kpts' in person else 'coco'
    return 'coco'
