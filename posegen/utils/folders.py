"""Files below a folder, by one rule for links and for what systems leave behind."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

from posegen.utils.errors import DataError

#: Folders of previews and of resource forks, which hold copies of what lies beside.
_FOREIGN = ('@eaDir', '__MACOSX')


def list_files(top: str | Path, skip: Iterable[str | Path] = ()) -> list[str]:
    """Names, relative to a folder with '/', of all files below it, sorted.

    Folders that are links are followed, each folder once and by its own place rather
    than by a link's; links to a folder around ``top`` are not. Hidden files and folders
    (``.git``, macOS's ``._photo.jpg``) are left out, and so are folders of previews.

    Args:
        top: where to start.
        skip: folders to leave out.

    Raises:
        DataError: a folder cannot be listed.
    """
    root = os.path.realpath(top)
    seen = {os.path.realpath(folder) for folder in skip}
    found: list[str] = []
    starts = ['']
    for start in starts:  # grows while it is read: links come after all folders
        first = os.path.join(top, start) if start else str(top)
        real = os.path.realpath(first)
        if start and f'{root}{os.sep}'.startswith(f'{real.rstrip(os.sep)}{os.sep}'):
            continue
        for place, folders, files in os.walk(first, onerror=_stop):
            real = os.path.realpath(place)
            if real in seen:
                folders.clear()
                continue
            seen.add(real)
            folders[:] = sorted(name for name in folders if _is_shown(name))
            prefix = os.path.relpath(place, top).replace(os.sep, '/')
            prefix = '' if prefix == '.' else f'{prefix}/'
            links = (f for f in folders if os.path.islink(os.path.join(place, f)))
            starts += [f'{prefix}{name}' for name in links]
            found += [f'{prefix}{name}' for name in files if not name.startswith('.')]
    return sorted(found)


def _is_shown(folder: str) -> bool:
    return not folder.startswith('.') and folder not in _FOREIGN


def _stop(error: OSError) -> NoReturn:
    raise DataError(f'{error.filename} cannot be listed: {error.strerror}')
