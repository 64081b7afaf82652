"""The user's copies of the published lists: found, and read.

posegen ships none of them. Their file names come in several spellings, plain and
gzip'ed; names of images inside them do too (see :mod:`.names`).
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from posegen.utils.errors import DataError


@dataclass(frozen=True)
class SplitLists:
    """Files of one split; None where there is none.

    Attributes:
        images: names of the images, one a line.
        annotation: joints.
        pairs: pairs of images; without it they are built from the joints.
    """

    images: Path | None
    annotation: Path | None
    pairs: Path | None

    def files(self) -> tuple[Path | None, ...]:
        """The three paths."""
        return self.images, self.annotation, self.pairs

    def digests(self) -> dict[str, str]:
        """SHA-256 of the bytes of each file."""
        files = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            key: hashlib.sha256(file.read_bytes()).hexdigest()
            for key, file in files.items()
            if file is not None
        }

    def file_names(self) -> dict[str, str | None]:
        """Name of each file, without its folder."""
        files = {field.name: getattr(self, field.name) for field in fields(self)}
        return {key: file and file.name for key, file in files.items()}


def find_lists(
    folder: Path,
    split: str,
    patterns: Mapping[str, Sequence[str]],
    given: Mapping[str, Path | None],
) -> SplitLists:
    """Find the lists of a split.

    Args:
        folder: where to look, not below it.
        split: fills ``{split}`` of the patterns.
        patterns: file names of each list, the first choice first; each may end in .gz.
        given: paths that the user named, by the same keys; they need no finding.

    Raises:
        DataError: a path that was given does not exist.
    """
    found: dict[str, Path | None] = dict.fromkeys(('images', 'annotation', 'pairs'))
    for key, names in patterns.items():
        found[key] = given.get(key) or _first_there(folder, split, names)
        if found[key] is not None and not found[key].is_file():
            raise DataError(f'{found[key]} is not a file; check the path')
    return SplitLists(**found)


def explain_missing(
    folder: Path, split: str, what: str, names: Sequence[str], optional: bool
) -> str:
    """One sentence on a list that is not there, with the cures.

    Args:
        folder: where it was looked for.
        split: 'train' or 'test'.
        what: 'images' or 'annotation'.
        names: of the file, with ``{split}``.
        optional: whether an incomplete set may do without it.
    """
    wanted = ' or '.join(name.format(split=split) for name in names)
    cure = ', or prepare the images alone with --allow-missing'
    return (
        f'there is no {wanted} (plain or .gz) in {folder}: put it there, name it with '
        f'--{split}-{what}{cure if optional else ""}, or prepare the other '
        'split alone with --splits'
    )


def read_image_list(
    file: Path, parse: Callable[[str], str | None], example: str
) -> list[str]:
    """Lines of a list of images, in its order, each once.

    Args:
        file: plain or ``.gz``.
        parse: a line to the image's name, None if it is not one.
        example: of a line, for the error.

    Raises:
        DataError: the file cannot be read, is empty, or a line is not a name.
    """
    names: dict[str, None] = {}
    for number, line in enumerate(_read_lines(file), start=1):
        if not line.strip():
            continue
        name = parse(line.strip())
        if name is None:
            raise DataError(
                f'{file}, line {number}: {line.strip()[:80]!r} is not the name of an '
                f"image of this set; expected lines like '{example}'"
            )
        names[name] = None
    if not names:
        raise DataError(f'{file} lists no image; get the file again')
    return list(names)


def _first_there(folder: Path, split: str, names: Sequence[str]) -> Path | None:
    for name in names:
        for ending in ('', '.gz'):
            path = folder / f'{name.format(split=split)}{ending}'
            if path.is_file():
                return path
    return None


def _read_lines(file: Path) -> list[str]:
    try:
        data = file.read_bytes()
        data = gzip.decompress(data) if file.suffix == '.gz' else data
        return data.decode('utf-8-sig').splitlines()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise DataError(f'{file} cannot be read as text: {error}') from error
