"""The folder that is prepared: what is in it, what may be put there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from posegen.utils.errors import DataError
from posegen.utils.folders import list_files
from posegen.utils.image_files import PARTIAL_SUFFIX

Index = Mapping[str, Path]  # key of an image -> file


def walk_files(top: Path, skip: Iterable[Path] = ()) -> list[str]:
    """Absolute paths, with '/', of the files that :func:`list_files` finds.

    Args:
        top: where to start.
        skip: folders to leave out.

    Raises:
        DataError: a folder cannot be listed.
    """
    folder = top.absolute().as_posix()
    return [f'{folder}/{name}' for name in list_files(top, skip)]


def index_files(paths: Iterable[str], key: Callable[[str], str | None]) -> Index:
    """Files by their key; those without one are left out.

    Raises:
        DataError: two files have the same key.
    """
    index: dict[str, Path] = {}
    for path in paths:
        found = key(path)
        if found is None:
            continue
        if found in index:
            raise DataError(
                f'the same image lies in {index[found]} and in {path}: point --raw to '
                'one of the two trees'
            )
        index[found] = Path(path)
    return index


def list_whole(folder: Path) -> set[str]:
    """Names of the files in a folder that are not empty; none where there is none."""
    try:
        with os.scandir(folder) as entries:
            return {e.name for e in entries if e.is_file() and e.stat().st_size > 0}
    except (FileNotFoundError, NotADirectoryError):
        return set()


def make_folder(folder: Path) -> None:
    """Make a folder and remove what a killed run left half-written there.

    Raises:
        DataError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for partial in folder.glob(f'.*{PARTIAL_SUFFIX}'):
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise DataError(
            f'{folder} cannot be made or written to ({error.strerror}): name another '
            '--out, or see to what is in its place'
        ) from None


def check_ours(paths: Iterable[Path]) -> None:
    """Refuse files that are there already in a folder without a manifest.

    Args:
        paths: files and folders that are about to be written.

    Raises:
        DataError: one of them is there and not an empty folder.
    """
    for path in paths:
        if path.is_file() or (path.is_dir() and any(path.iterdir())):
            raise DataError(
                f'{path} is there already, and nothing says how it was made: name '
                'another --out or move it away'
            )


def check_lists_outside(out: Path, lists: Iterable[Path | None]) -> None:
    """Refuse to read lists from where the results go: they would be overwritten.

    Raises:
        DataError: a list lies directly in ``out``.
    """
    for file in lists:
        if file is not None and file.parent.resolve() == out.resolve():
            raise DataError(
                f'{file} lies in the folder that is to be prepared: move your lists to '
                f'{out / "lists"}, say, and name that with --lists'
            )
