"""Files that are there completely or not at all, and disks that are full."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from posegen.utils.errors import PosegenError

#: Beginning and end of the names that files have while they are written.
_BEGIN, _END = '.', '.partial'
#: No room on the disk, over a quota or a limit, written to read-only, or broken.
_NO_ROOM = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG),
    *(errno.EROFS, errno.EIO),
}


class StorageError(PosegenError, OSError):
    """A result cannot be written, most often because the disk is full."""


@contextmanager
def replacing(path: str | Path) -> Iterator[BinaryIO]:
    """Write a file that takes its name when it is complete and on the disk.

    A crash, a full disk or a loss of power leaves the file that had the name before, or
    the new one, never a part; what is left over of the new one has another name, see
    `remove_partial`.

    Args:
        path: The name. Its folder must be there.

    Yields:
        The file to write to.
    """
    path = Path(path)
    partial = path.with_name(f'{_BEGIN}{path.name}{_END}')
    try:
        with partial.open('wb') as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: str | Path) -> None:
    """Let the names in a folder reach the disk; where that can't be asked, do nothing.

    A file that was renamed is under its new name only once its folder is written.
    """
    try:
        number = os.open(folder, os.O_RDONLY)
    except OSError:  # some systems do not open folders
        return
    try:
        os.fsync(number)
    except OSError:  # some network file systems refuse
        pass
    finally:
        os.close(number)


def remove_partial(folder: str | Path) -> None:
    """Remove what `replacing` left behind when its process was killed."""
    for path in Path(folder).glob(f'{_BEGIN}*{_END}'):
        path.unlink(missing_ok=True)


def storage_problem(error: BaseException) -> OSError | None:
    """The full or broken disk behind an error, or None.

    Args:
        error: What was raised; torch and safetensors raise errors of their own after
            the system's.
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            return error
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return None
