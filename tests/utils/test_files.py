"""A file is there completely or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from posegen.utils.files import (
    StorageError,
    remove_partial,
    replacing,
    storage_problem,
    sync_folder,
)


def test_a_file_takes_its_name_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / 'a.txt'
    path.write_text('old')
    with replacing(path) as file:
        file.write(b'new')
        assert path.read_text() == 'old'
    assert path.read_text() == 'new'
    assert [p.name for p in tmp_path.iterdir()] == ['a.txt']


@pytest.mark.parametrize('error', [OSError, KeyboardInterrupt])
def test_an_error_leaves_the_old_file(tmp_path: Path, error: type) -> None:
    path = tmp_path / 'a.txt'
    path.write_text('old')
    with pytest.raises(error), replacing(path) as file:
        file.write(b'half')
        raise error
    assert path.read_text() == 'old'
    assert [p.name for p in tmp_path.iterdir()] == ['a.txt']


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    for name in ('.iter_4.pth.partial', '.a.partial', 'iter_2.pth', 'a.partial'):
        (tmp_path / name).touch()
    remove_partial(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ['a.partial', 'iter_2.pth']


def test_folders_that_cannot_be_opened_are_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, 'fsync', synced.append)
    sync_folder(tmp_path / 'none')
    assert not synced
    sync_folder(tmp_path)
    assert len(synced) == 1


def test_the_disk_is_found_behind_an_error() -> None:
    full = OSError(errno.ENOSPC, 'No space left on device')
    assert storage_problem(full) is full
    assert storage_problem(OSError(errno.EACCES, 'Permission denied')) is None
    try:
        try:
            raise full
        except OSError:
            raise RuntimeError('unexpected pos 704 vs 598')  # noqa: B904 - as torch does
    except RuntimeError as error:
        assert storage_problem(error) is full
    assert storage_problem(RuntimeError('other')) is None


def test_a_storage_error_is_an_os_error_with_a_sentence() -> None:
    with pytest.raises(OSError, match='^no room$'):
        raise StorageError('no room')
