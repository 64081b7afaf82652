"""The field's two csv formats: joints of images, and pairs of images.

Annotation: header ``name:keypoints_y:keypoints_x``, then one image a line,
``file.jpg: [18 numbers]: [18 numbers]``; y comes first, -1 means missing, and null and
NaN, which nobody publishes but tools write, are read as -1. Pairs: header
``from,to``, then two file names a line. Both may be gzip'ed (``.gz``).
"""

from __future__ import annotations

import csv
import gc
import gzip
import io
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from mmengine import fileio

from posegen.codecs.formats.units import are_fractions
from posegen.codecs.joints import NUM_JOINTS
from posegen.utils.errors import DataError
from posegen.utils.image_files import make_parent, write_whole

ANNOTATION_HEADER = 'name:keypoints_y:keypoints_x'
PAIR_HEADER = 'from,to'
MISSING = -1
_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Annotations:
    """Joints of many images, in the order of their file.

    Attributes:
        names: file names of the images.
        keypoints: ``(N, 18, 3)`` float32 x, y, score in the pixels of the file's frame;
            the score is 0 for a missing joint, and then x = y = 0, and above 0 for a
            present one: 1 from formats without scores, such as this one.
    """

    names: list[str]
    keypoints: np.ndarray

    def __len__(self) -> int:
        return len(self.names)


def read_annotations(
    file: str | os.PathLike, backend_args: dict | None = None, *, pixels: bool = True
) -> Annotations:
    """Read an annotation file, ``.csv`` or ``.csv.gz``.

    Args:
        file: its path, or any address that MMEngine's file backends know.
        backend_args: arguments of the file backend.
        pixels: people in fractions of their picture are an error; otherwise they are
            given as they stand.

    Raises:
        DataError: the file is missing, or a line is not in the format; the message
            names file and line.
    """
    annotations, problems = scan_annotations(file, backend_args, pixels=pixels)
    raise_first(problems)
    return annotations


def scan_annotations(
    file: str | os.PathLike, backend_args: dict | None = None, *, pixels: bool = True
) -> tuple[Annotations, list[str]]:
    """Read what is sound in an annotation file and describe the rest.

    Returns:
        The annotations of the sound lines, and one sentence per bad line. With
        ``pixels``, people in fractions of their picture
        (:func:`~posegen.codecs.formats.are_fractions`) are bad.

    Raises:
        DataError: the file is missing or does not start with the header.
    """
    annotations, problems = _scan_rows(file, backend_args)
    if not pixels:
        return annotations, problems
    return _without_fractions(annotations, problems, file)


def _without_fractions(
    annotations: Annotations, problems: list[str], file: str | os.PathLike
) -> tuple[Annotations, list[str]]:
    bad = are_fractions(annotations.keypoints)
    if not bad.any():
        return annotations, problems
    more = [
        f"{file}: the joints of '{annotations.names[row]}' are fractions of the "
        'picture, not all coordinates in pixels: multiply x by the width and y by the '
        'height (convert_keypoints --images does)'
        for row in np.flatnonzero(bad)
    ]
    names = [name for name, drop in zip(annotations.names, bad) if not drop]
    return Annotations(names, annotations.keypoints[~bad]), [*problems, *more]


def _scan_rows(
    file: str | os.PathLike, backend_args: dict | None
) -> tuple[Annotations, list[str]]:
    lines = _read_text(file, backend_args).splitlines()
    _check_header(lines[:1], ANNOTATION_HEADER, file)
    with _without_collection():
        sound = _parse_sound_lines(lines[1:])
    if sound is not None:
        return sound, []
    rows: dict[str, tuple[list, list]] = {}
    problems = []
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        try:
            name, ys, xs = _parse_annotation(line)
            if name in rows:
                raise ValueError(f"'{name}' has a row already")
        except ValueError as error:
            problems.append(f'{file}, line {number}: {error}')
        else:
            rows[name] = xs, ys
    return Annotations(list(rows), _to_keypoints(list(rows.values()))), problems


def write_annotations(
    file: str | os.PathLike, names: Sequence[str], keypoints: np.ndarray
) -> None:
    """Write an annotation file; reading it gives the same float32 numbers.

    Args:
        file: local path; ``.gz`` compresses. Written under another name first, so a
            file under its final name is always whole.
        names: N file names.
        keypoints: ``(N, 18, 3)`` x, y, score.

    Raises:
        ValueError: shapes do not fit, a name is there twice, or a present joint cannot
            be written: it is not finite, or has a coordinate of exactly -1, which the
            format reads as missing.
        DataError: the file cannot be written.
    """
    keypoints = np.asarray(keypoints, dtype=np.float32)
    if keypoints.shape != (len(names), NUM_JOINTS, 3):
        raise ValueError(
            f'keypoints must be ({len(names)}, {NUM_JOINTS}, 3) for {len(names)} '
            f'names, got {keypoints.shape}'
        )
    if len(set(names)) != len(names):
        raise ValueError('names must be unique')
    present = keypoints[..., 2:] > 0
    points = np.where(present, keypoints[..., :2], np.float32(MISSING))
    if not np.isfinite(points).all() or ((points == MISSING) & present).any():
        raise ValueError(
            'coordinates of present joints must be finite and not exactly -1'
        )
    rows = (
        f'{name}: {_number_list(row[:, 1])}: {_number_list(row[:, 0])}\n'
        for name, row in zip(names, points)
    )
    _write_text(file, f'{ANNOTATION_HEADER}\n{"".join(rows)}')


def read_pairs(
    file: str | os.PathLike, backend_args: dict | None = None
) -> list[tuple[str, str]]:
    """Read a pair file, ``.csv`` or ``.csv.gz``, as (source name, target name).

    Raises:
        DataError: the file is missing, or a line does not hold two names.
    """
    pairs, problems = scan_pairs(file, backend_args)
    raise_first(problems)
    return [(source, target) for _, source, target in pairs]


def scan_pairs(
    file: str | os.PathLike, backend_args: dict | None = None
) -> tuple[list[tuple[int, str, str]], list[str]]:
    """Read what is sound in a pair file and describe the rest.

    Returns:
        (line number, source name, target name) of the sound lines, and one sentence per
        bad line.

    Raises:
        DataError: the file is missing or does not start with the header.
    """
    lines = _read_text(file, backend_args).splitlines()
    _check_header(lines[:1], PAIR_HEADER, file)
    pairs, problems = [], []
    for number, row in enumerate(csv.reader(lines[1:]), start=2):
        names = [name.strip() for name in row]
        if len(names) == 2 and all(names):
            pairs.append((number, *names))
        elif any(names):
            problems.append(
                f"{file}, line {number}: expected two file names 'from,to', "
                f'got {",".join(row)!r}'
            )
    return pairs, problems


def write_pairs(file: str | os.PathLike, pairs: Iterable[tuple[str, str]]) -> None:
    """Write (source name, target name) pairs; ``.gz`` compresses.

    Raises:
        DataError: the file cannot be written.
    """
    text = io.StringIO()
    csv.writer(text, lineterminator='\n').writerows(pairs)
    _write_text(file, f'{PAIR_HEADER}\n{text.getvalue()}')


def raise_first(problems: Sequence[str]) -> None:
    """Raise a DataError with the first of the problems and the number of the others."""
    if not problems:
        return
    others = f' (and {len(problems) - 1} more)' if len(problems) > 1 else ''
    raise DataError(problems[0] + others)


def _read_text(file: str | os.PathLike, backend_args: dict | None) -> str:
    try:
        data = fileio.get(str(file), backend_args=backend_args)
        return (gzip.decompress(data) if str(file).endswith('.gz') else data).decode()
    except FileNotFoundError:
        raise DataError(f'{file} does not exist; check the path') from None
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise DataError(f'{file} cannot be read as text: {error}') from error


def _check_header(first: list[str], header: str, file: str | os.PathLike) -> None:
    if [line.strip().lstrip('\ufeff') for line in first] != [header]:
        got = repr(first[0][:80]) if first else 'an empty file'
        raise DataError(f"{file}: the first line must be '{header}', got {got}")


@contextmanager
def _without_collection() -> Iterator[None]:
    """No garbage collection, which walks all lists again and again as they grow.

    It would take half of the time of reading a large file.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _parse_sound_lines(lines: list[str]) -> Annotations | None:
    """All lines in one go, several times as fast; None where any is not sound."""
    fields = [line.rsplit(':', 2) for line in lines if line.strip()]
    names = [field[0].strip() for field in fields]
    text = ','.join([column for field in fields for column in field[1:]])
    if len(set(names)) < len(names) or any(len(field) != 3 for field in fields):
        return None
    if 't' in text or 'f' in text:  # true and false would pass as numbers
        return None
    try:
        numbers = np.array(json.loads(f'[{text}]'))
    except ValueError:  # no JSON, or lists of different lengths
        return None
    if numbers.shape != (2 * len(names), NUM_JOINTS) or numbers.dtype.kind not in 'if':
        return None
    if not (np.abs(numbers) <= _LARGEST).all():
        return None
    rows = numbers.reshape(-1, 2, NUM_JOINTS)[:, ::-1]
    return Annotations(names, _to_keypoints(rows))


def _parse_annotation(line: str) -> tuple[str, list, list]:
    """One line to name, y list, x list; ValueError says what is wrong with it."""
    fields = line.rsplit(':', 2)
    if len(fields) != 3:
        raise ValueError(f"expected 'name: [y ...]: [x ...]', got {line[:60]!r}")
    name, *columns = fields
    try:
        ys, xs = json.loads(f'[{",".join(columns)}]')
    except ValueError:
        raise ValueError(
            f"the keypoints of '{name.strip()}' are not two JSON lists"
        ) from None
    name = name.strip()
    if all(values is None or values == [] for values in (ys, xs)):
        return name, [MISSING] * NUM_JOINTS, [MISSING] * NUM_JOINTS  # nobody
    return name, _check_numbers(name, 'y', ys), _check_numbers(name, 'x', xs)


def _check_numbers(name: str, axis: str, values: object) -> list:
    """The numbers; null and NaN, as other tools spell missing, become -1."""
    if not isinstance(values, list) or len(values) != NUM_JOINTS:
        count = len(values) if isinstance(values, list) else repr(values)
        raise ValueError(
            f"'{name}' must have {NUM_JOINTS} numbers in keypoints_{axis}, got {count}"
        )
    if _all_finite(values):
        return values
    known = [MISSING if v is None or v != v else v for v in values]
    if not _all_finite(known):
        raise ValueError(
            f"keypoints_{axis} of '{name}' must hold finite numbers only, got {values}"
        )
    return known


def _all_finite(values: list) -> bool:
    return set(map(type, values)) <= {int, float} and all(
        -_LARGEST <= value <= _LARGEST for value in values
    )


def _to_keypoints(rows: list[tuple[list, list]] | np.ndarray) -> np.ndarray:
    """N (x list, y list) to (N, 18, 3) with scores; missing joints become zeros."""
    points = np.array(rows, dtype=np.float32).reshape(-1, 2, NUM_JOINTS)
    present = (points != MISSING).all(1, keepdims=True)
    joints = np.concatenate([points * present, present], axis=1, dtype=np.float32)
    return np.ascontiguousarray(joints.transpose(0, 2, 1))


def _number_list(values: np.ndarray) -> str:
    """Shortest digits that give the same float32 again; integers without a point."""
    if (values == np.trunc(values)).all():
        return str([int(value) for value in values.tolist()])
    return f'[{", ".join(str(int(v)) if v == int(v) else str(v) for v in values)}]'


def _write_text(file: str | os.PathLike, text: str) -> None:
    """Write all or nothing: under another name first."""
    data = text.encode()
    if str(file).endswith('.gz'):
        data = gzip.compress(data, mtime=0)
    make_parent(Path(file))
    write_whole(Path(file), data)
