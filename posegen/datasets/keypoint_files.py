"""Files and folders of keypoints in the field's formats, to and from one record.

========== ============================================= =============================
format     what                                          as
========== ============================================= =============================
csv        PATN, GFLA and most of the field              one file for all pictures
txt        NTED, PIDM                                    a folder, a file for each
openpose   OpenPose with COCO's 18 joints                a folder, a file for each
body25     OpenPose's BODY_25                            a folder, a file for each
coco       COCO data sets, detections, MMPose (17),      one file, or one for each
           HALPE (26, 136), to read
wholebody  COCO-WholeBody, DWPose (133)                  one file, or one for each
mediapipe  MediaPipe Pose (33)                           one file, or one for each
========== ============================================= =============================
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from mmengine.logging import print_log

from posegen.codecs.formats import (
    Notes,
    canvas_size,
    coco_dataset,
    keypoints_text,
    mediapipe_record,
    move_frame,
    openpose_person,
    outside_frame,
    parse_openpose,
    read_coco,
    read_keypoints_text,
    read_mediapipe,
)
from posegen.codecs.formats.json_files import load_json
from posegen.codecs.joints import NUM_JOINTS
from posegen.codecs.names import name_key
from posegen.utils.errors import ConfigError, DataError
from posegen.utils.folders import list_files
from posegen.utils.image_files import make_parent, write_whole
from posegen.utils.image_types import describe_unread, is_image
from posegen.utils.images import open_image, upright_size
from posegen.utils.progress import track

from .annotations import (
    MISSING,
    Annotations,
    read_annotations,
    write_annotations,
)
from .keypoint_formats import FORMATS, detect_format, ending_of, joint_files, read_text
from .keypoint_units import KeypointReport, least_score, to_pictures

Size = tuple[int, int]
ImageSizes = Mapping[str, Size] | Size

_FILE_ENDINGS = {
    'txt': '.txt',
    'openpose': '_keypoints.json',
    'body25': '_keypoints.json',
}
FOLDER_FORMATS = tuple(_FILE_ENDINGS)
"""Formats with a file for each picture."""


def read_keypoint_file(
    path: str | os.PathLike,
    format: str | None = None,
    frame: int | None = None,
    image_sizes: ImageSizes | None = None,
    *,
    suffix: str = '.jpg',
    min_score: float | None = None,
    normalized: bool | None = None,
    zeros_missing: bool = False,
    strict: bool = True,
    keep_outside: bool = True,
    report: KeypointReport | None = None,
) -> Annotations:
    """Read the joints of many pictures, or of one, in pixels of these pictures.

    People in fractions of their picture are found one by one, and multiplied where the
    picture's size is known. Joints on a canvas of a stated size (ControlNet's json, the
    images of a COCO data set) are scaled to the picture where that is known.

    Args:
        path: a file, or a folder with a file for each picture (found in subfolders
            too; the picture is then called as the file is, below the folder).
        format: one of :data:`FORMATS`; by default told from the content.
        frame: width of DeepFashion's canvas that x is on: 176 adds the 40 columns that
            the crop took, so that the result is on the 256x256 canvas; None and 256
            leave x as it is.
        image_sizes: (height, width) by name of the picture, see
            :func:`read_image_sizes`, or one for all. Fractions need it; for files that
            are called as their pictures without the ending, and detections with numbers
            for pictures, it also has the names.
        suffix: ending of the names of pictures where only their stems are known.
        min_score: joints with a lower score become missing; None takes the format's
            own, :data:`~posegen.datasets.keypoint_units.MIN_SCORES`.
        normalized: whether coordinates are fractions of the picture (True) or pixels
            (False); by default told from each person.
        zeros_missing: joints at exactly (0, 0) become missing. Some tools write that
            into files without scores, where it is a place otherwise.
        strict: with ``image_sizes`` of many pictures, joints of any other picture are
            an error. Otherwise they keep the name that they have, or are left out where
            the size is needed to read them.

    Returns:
        Names and the canonical record of each picture, in the order of the file or of
        the sorted names; of several people the one with the highest sum of scores. A
        picture without anybody has no joint present.

    Raises:
        ConfigError: the format cannot be told, or an argument is not one of its values.
        DataError: a file is missing, broken or not in the format, there is no person in
            any picture, or coordinates are fractions of a picture of unknown size.
    """
    path = Path(path)
    if not path.exists():
        raise DataError(f'{path} does not exist; check the path')
    format = check_format(format) if format else detect_format(path)
    report = report if report is not None else KeypointReport()
    report.min_score = least = least_score(format, min_score)
    images = _Images(
        image_sizes, suffix, normalized, strict, keep_outside, report.notes
    )
    found = _READERS[format](path, format, images)
    keypoints = np.array(list(found.values()), dtype=np.float32)
    keypoints = keypoints.reshape(-1, NUM_JOINTS, 3)
    report.drop(keypoints, keypoints[..., 2] < least)
    if zeros_missing:
        keypoints[(keypoints[..., :2] == 0).all(-1)] = 0
    _check_people(keypoints, path, format, least)
    names = images.spell(found)
    if len(set(names)) < len(names):
        raise DataError(f'{path}: a picture is there twice, in two spellings')
    read = Annotations(names, keypoints)
    normalized = False if format == 'mediapipe' else normalized  # done by its reader
    read = to_pictures(read, images.size, path, normalized, strict, report)
    return Annotations(read.names, _move(read.keypoints, frame, 256))


def write_keypoint_file(
    path: str | os.PathLike,
    annotations: Annotations,
    format: str | None = None,
    frame: int | None = None,
    image_sizes: ImageSizes | None = None,
    *,
    overwrite: bool = False,
) -> None:
    """Write the joints of pictures, whole or not at all.

    Args:
        path: file or, for a format with a file for each picture, folder to make. The
            latter write one file if the path ends like one and there is one picture.
        annotations: names and joints. A coordinate of exactly -1 cannot be told from a
            missing joint in any of the formats and is written as one, with a warning.
        format: one of :data:`FORMATS`; by default told from the ending (csv and txt).
        frame: width of DeepFashion's canvas to write x on: 176 takes 40 from x, which
            makes joints left of the crop negative, as published; None and 256 leave x.
        image_sizes: as for :func:`read_keypoint_file`; MediaPipe needs it, COCO's
            ``images`` get it.
        overwrite: replace what is there. A folder is replaced if it holds nothing but
            files of this format.

    Raises:
        ConfigError: the format cannot be told from the ending, or sizes are missing.
        DataError: the path exists, or cannot be written.
    """
    path = Path(path)
    format = check_format(format) if format else format_of_ending(path)
    if path.exists() and not overwrite:
        raise DataError(f'{path} exists already; remove it, or say to overwrite it')
    keypoints = _move(annotations.keypoints, 256, frame)
    keypoints = _drop_unwritable(keypoints, path)
    records = dict(zip(annotations.names, keypoints))
    if len(records) != len(annotations):
        raise DataError(f'{path} cannot be written: a picture is there twice')
    make_parent(path)
    _WRITERS[format](path, format, records, _Images(image_sizes))


def read_image_sizes(folder: str | os.PathLike) -> dict[str, Size]:
    """(height, width) of each picture below a folder, by its name below the folder.

    The size is that after the turn that a camera noted, as everywhere in posegen: what
    OpenCV, and with it most detectors, see. Only headers are read, but for PNGs without
    such a note in front. Pictures of types that are not read are named in a warning.

    Raises:
        DataError: there is no such folder, no picture in it, or one cannot be read.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f'{folder} is no folder; check the path')
    files = list_files(folder)
    unread = describe_unread(files)
    names = [name for name in files if is_image(name)]
    if not names:
        reasons = ''.join(f'; {sentence}' for sentence in unread)
        raise DataError(f'{folder} has no pictures such as .jpg or .png{reasons}')
    for sentence in unread:
        print_log(f'{folder}: {sentence}', 'current', logging.WARNING)
    sizes = {}
    for name in track(names, 'sizes of pictures', len(names)):
        with open_image(folder / name, str(folder / name)) as image:
            sizes[name] = upright_size(image)
    return sizes


# -- what is known of the pictures -----------------------------------------------------


@dataclass
class _Images:
    """Names and sizes of pictures, and what else readers ask for."""

    sizes: ImageSizes | None = None
    suffix: str = '.jpg'
    normalized: bool | None = None
    strict: bool = True
    keep_outside: bool = True
    notes: Notes = field(default_factory=Notes)
    _by_key: dict[str, str | None] = field(default_factory=dict)
    _by_stem: dict[str, list[str]] = field(default_factory=dict)
    _by_number: dict[int, list[str]] = field(default_factory=dict)
    _by_base: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.sizes if isinstance(self.sizes, Mapping) else ():
            key = name_key(name)
            self._by_key[key] = None if key in self._by_key else name
            pure = PurePosixPath(key).with_suffix('')
            self._by_stem.setdefault(str(pure), []).append(name)
            self._by_base.setdefault(pure.name, []).append(name)
            if pure.name.isdecimal():
                self._by_number.setdefault(int(pure.name), []).append(name)

    def size(self, name: str) -> Size | None:
        """Of the picture; where names need not be strict, also in another folder."""
        if not isinstance(self.sizes, Mapping):
            return self.sizes
        spelled = self._spell(name)
        if spelled in self.sizes or self.strict:
            return self.sizes.get(spelled)
        pure = PurePosixPath(name_key(name)).with_suffix('')
        same = self._by_stem.get(str(pure), []) or self._by_base.get(pure.name, [])
        return self.sizes[same[0]] if len(same) == 1 else None

    def spell(self, names: Iterable[str]) -> list[str]:
        """Names as the pictures have them, or else with '/' between folders."""
        return [self._spell(name) for name in names]

    def _spell(self, name: str) -> str:
        if isinstance(self.sizes, Mapping) and name in self.sizes:
            return name
        return self._by_key.get(name_key(name)) or name.replace('\\', '/')

    def of_stem(self, stem: str, file: Path) -> str:
        """Name of the picture that a file of joints belongs to."""
        key = name_key(stem)
        if not isinstance(self.sizes, Mapping):
            return stem + self.suffix
        if key not in self._by_stem:
            if not self.strict:
                return stem + self.suffix
            raise DataError(f"{file}: there is no picture '{stem}.*' for it")
        return _only(self._by_stem[key], file)

    def of_number(self, number: int, file: Path) -> str:
        """Name of the picture with COCO's id: the one that is called so."""
        if number not in self._by_number:
            if not self.strict and self._by_number:
                return f'{number}{self.suffix}'
            raise DataError(
                f'{file}: image_id {number} is no name, and no picture is called so; '
                'give the pictures (image_sizes or --images), or a COCO data set'
            )
        return _only(self._by_number[number], file)

    def of_frame(self, number: int, stem: str, file: Path) -> str:
        """Name of a video's frame: the picture with its number, or one below it."""
        if number in self._by_number:
            return _only(self._by_number[number], file)
        return f'{stem}_{number:06}{self.suffix}'


def _only(names: list[str], file: Path) -> str:
    if len(names) > 1:
        raise DataError(
            f"{file}: it is not clear whose joints these are, as the pictures '"
            f"{names[0]}' and '{names[1]}' differ in their ending or folder only"
        )
    return names[0]


# -- formats ---------------------------------------------------------------------------


def check_format(format: str) -> str:
    """The format, or a ConfigError that names those there are."""
    if format not in FORMATS:
        raise ConfigError(f"format must be one of {FORMATS}, got '{format}'")
    return format


def format_of_ending(path: Path) -> str:
    """What a path that is to be written says: csv or txt, else a ConfigError."""
    format = {'.csv': 'csv', '.txt': 'txt'}.get(ending_of(path))
    if format is None:
        raise ConfigError(
            f'the ending of {path} does not say what to write: name the format, one of '
            f'{FORMATS}'
        )
    return format


# -- reading ---------------------------------------------------------------------------

_Found = dict[str, np.ndarray]


def _read_csv(path: Path, format: str, images: _Images) -> _Found:
    annotations = read_annotations(path, pixels=False)
    return dict(zip(annotations.names, annotations.keypoints))


def _read_each(
    parse: Callable[[Path, str, _Images], _Found],
) -> Callable[[Path, str, _Images], _Found]:
    """A reader of a file, made one of a file or a folder of them."""

    def read(path: Path, format: str, images: _Images) -> _Found:
        found: _Found = {}
        for file, stem in _files(path, format):
            for name, keypoints in parse(file, stem, images).items():
                if name in found:
                    raise DataError(f"{file}: '{name}' has joints in another file too")
                found[name] = keypoints
        return found

    return read


def _files(path: Path, format: str) -> Iterator[tuple[Path, str]]:
    """The file, or those of the folder, and what their pictures are called."""
    if not path.is_dir():
        yield path, path.stem.removesuffix('_keypoints')
        return
    ending = '.txt' if format == 'txt' else '.json'
    files = [file for file in joint_files(path) if file.suffix.lower() == ending]
    if not files:
        raise DataError(f'{path} has no {ending} file, which {format} files are')
    for file in track(files, f'read {path.name}', len(files)):
        stem = file.relative_to(path).as_posix()[: -len(ending)]
        yield file, stem.removesuffix('_keypoints')


def _parse_txt(file: Path, stem: str, images: _Images) -> _Found:
    text, name = read_text(file), images.of_stem(stem, file)
    if text.strip():
        return {name: read_keypoints_text(text, file)}
    images.notes.passed_over.append(str(file))
    return {name: np.zeros((NUM_JOINTS, 3), dtype=np.float32)}


def _parse_openpose(file: Path, stem: str, images: _Images) -> _Found:
    content, name = load_json(file), images.of_stem(stem, file)
    person = parse_openpose(content, file, images.notes)
    if (canvas := canvas_size(content, file)) is not None:
        images.notes.sizes[name] = canvas
    nobody = np.zeros((NUM_JOINTS, 3), dtype=np.float32)
    return {name: nobody if person is None else person}


def _parse_coco(file: Path, stem: str, images: _Images) -> _Found:
    content = load_json(file)
    return read_coco(
        content,
        file,
        name_of=lambda number: images.of_number(number, file),
        own_name=lambda: images.of_stem(stem, file),
        frame_name=lambda number: images.of_frame(number, stem, file),
        notes=images.notes,
    )


def _parse_mediapipe(file: Path, stem: str, images: _Images) -> _Found:
    found = read_mediapipe(
        load_json(file), file, lambda: images.of_stem(stem, file), images.notes
    )
    joints = {}
    for name, landmarks in found.items():
        if landmarks.size:
            images.notes.sizes[name] = landmarks.size
        size = landmarks.size or images.size(name)
        if not images.strict and size is None:
            continue
        best = landmarks.best(size, images.normalized, f"{file}: '{name}'")
        if not images.keep_outside and landmarks.is_normalized(images.normalized):
            beyond = outside_frame(best, size)
            images.notes.outside += int(beyond.sum())
            best[beyond] = 0
        joints[name] = best
    return joints


_READERS: dict[str, Callable[[Path, str, _Images], _Found]] = {
    'csv': _read_csv,
    'txt': _read_each(_parse_txt),
    'openpose': _read_each(_parse_openpose),
    'body25': _read_each(_parse_openpose),
    'coco': _read_each(_parse_coco),
    'wholebody': _read_each(_parse_coco),
    'mediapipe': _read_each(_parse_mediapipe),
}


def _check_people(
    keypoints: np.ndarray, path: Path, format: str, min_score: float
) -> None:
    if not (keypoints[..., 2] > 0).any():
        least = f' with a score of {min_score} or more' if min_score > 0 else ''
        raise DataError(f'{path}: there is no person in it{least}, read as {format}')


def _move(keypoints: np.ndarray, source: int | None, target: int | None) -> np.ndarray:
    if source is None or target is None:
        return keypoints
    try:
        return move_frame(keypoints, source, target)
    except ValueError as error:
        raise ConfigError(str(error)) from None


# -- writing ---------------------------------------------------------------------------


def _drop_unwritable(keypoints: np.ndarray, path: Path) -> np.ndarray:
    present = keypoints[..., 2] > 0
    lost = present & (keypoints[..., :2] == MISSING).any(-1)
    if lost.any():
        print_log(
            f'{path}: joints with a coordinate of exactly {MISSING}: {lost.sum():,}; '
            'readers take that as missing, and so it is written',
            'current',
            logging.WARNING,
        )
    return np.where((present & ~lost)[..., None], keypoints, np.float32(0))


def _write_csv(path: Path, format: str, records: _Found, images: _Images) -> None:
    write_annotations(path, list(records), np.array(list(records.values())))


def _write_each(path: Path, format: str, records: _Found, images: _Images) -> None:
    """A file for each picture, in a folder that is complete once it has its name."""
    ending = _FILE_ENDINGS[format]
    suffix = PurePosixPath(f'name{ending}').suffix
    if path.suffix.lower() == suffix:
        if len(records) != 1:
            raise ConfigError(
                f'{format} has a file for each picture, and there are {len(records)}: '
                f'name a folder instead of {path}'
            )
        write_whole(path, _text(format, *records.values()).encode())
        return
    files = _file_names(records, ending, path)
    if path.exists():
        _check_replaceable(path, suffix)
    partial = path.with_name(f'.{path.name}.{os.getpid()}')
    try:
        for file, keypoints in track(files, f'write {path.name}', len(files)):
            file = partial / file
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(_text(format, keypoints), encoding='utf-8')
        _replace_folder(partial, path)
    except OSError as error:
        raise DataError(f'{path} cannot be written: {error}') from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _text(format: str, keypoints: np.ndarray) -> str:
    if format == 'txt':
        return keypoints_text(keypoints)
    return json.dumps(openpose_person(keypoints, format))


def _file_names(
    records: _Found, ending: str, path: Path
) -> list[tuple[str, np.ndarray]]:
    files: dict[str, np.ndarray] = {}
    for name, keypoints in records.items():
        pure = PurePosixPath(name)
        if pure.is_absolute() or '..' in pure.parts:
            raise DataError(f"the picture '{name}' does not lie below a folder")
        file = f'{pure.with_suffix("")}{ending}'
        if file in files:
            raise DataError(
                f"{path} cannot be written: two pictures differ from '{name}' in their "
                'ending only'
            )
        files[file] = keypoints
    return list(files.items())


def _check_replaceable(path: Path, ending: str) -> None:
    others = [
        file
        for file in (path.rglob('*') if path.is_dir() else [path])
        if not file.is_dir() and file.suffix.lower() != ending
    ]
    if others or not path.is_dir():
        raise DataError(
            f'{path} is not replaced, as it holds something else ({others[0].name}); '
            'name another folder'
        )


def _replace_folder(partial: Path, path: Path) -> None:
    if not path.exists():
        os.replace(partial, path)
        return
    old = partial.with_name(f'{partial.name}.old')
    os.replace(path, old)
    os.replace(partial, path)
    shutil.rmtree(old)


def _write_coco(path: Path, format: str, records: _Found, images: _Images) -> None:
    sizes = {name: size for name in records if (size := images.size(name))}
    _write_json(path, coco_dataset(records, sizes, format == 'wholebody'))


def _write_mediapipe(path: Path, format: str, records: _Found, images: _Images) -> None:
    unknown = [name for name in records if images.size(name) is None]
    if unknown:
        raise ConfigError(
            f"mediapipe needs the size of every picture, and that of '{unknown[0]}' is "
            'not known: give image_sizes, --images or --image-size'
        )
    _write_json(
        path,
        {
            name: mediapipe_record(keypoints, images.size(name))
            for name, keypoints in records.items()
        },
    )


def _write_json(path: Path, content: Any) -> None:
    if path.is_dir():
        raise DataError(f'{path} is a folder; name a file for one json')
    write_whole(path, json.dumps(content).encode())


_WRITERS: dict[str, Callable[[Path, str, _Found, _Images], None]] = {
    'csv': _write_csv,
    'txt': _write_each,
    'openpose': _write_each,
    'body25': _write_each,
    'coco': _write_coco,
    'wholebody': _write_coco,
    'mediapipe': _write_mediapipe,
}
