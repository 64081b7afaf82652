"""Files below folders, through links and past what systems leave behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from posegen.utils.errors import DataError
from posegen.utils.folders import list_files


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_hidden_and_foreign_files_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, 'b.jpg', 'a/1.jpg', '._b.jpg', '.DS_Store', '.git/2.jpg')
    write(tmp_path, 'a/@eaDir/1.jpg/SYNO_THUMB.jpg', '__MACOSX/a/1.jpg')
    assert list_files(tmp_path) == ['a/1.jpg', 'b.jpg']


def test_links_are_followed_once(tmp_path: Path) -> None:
    write(tmp_path, 'store/anna/1.jpg', 'store/ben/2.jpg', 'photos/carl/3.jpg')
    photos = tmp_path / 'photos'
    (photos / 'anna').symlink_to(tmp_path / 'store/anna')
    (photos / 'again').symlink_to(tmp_path / 'store/anna')
    (photos / 'a_carl').symlink_to('carl')  # lies here by its own name
    (photos / 'up').symlink_to('..')
    (photos / 'self').symlink_to('.')
    (tmp_path / 'store/anna/back').symlink_to(photos)
    (tmp_path / 'store/anna/ben').symlink_to('../ben')
    (photos / 'file.jpg').symlink_to('carl/3.jpg')
    names = list_files(photos)
    assert names == ['again/1.jpg', 'again/ben/2.jpg', 'carl/3.jpg', 'file.jpg']


def test_a_link_itself_may_be_the_start(tmp_path: Path) -> None:
    write(tmp_path, 'store/a/1.jpg', 'store/b/2.jpg')
    (tmp_path / 'link').symlink_to('store')
    assert list_files(tmp_path / 'link') == ['a/1.jpg', 'b/2.jpg']
    assert list_files(tmp_path, skip=[tmp_path / 'store/a']) == ['store/b/2.jpg']


def test_links_into_hidden_folders_show_what_is_there(tmp_path: Path) -> None:
    write(tmp_path, '.store/anna/1.jpg')
    (tmp_path / 'anna').symlink_to('.store/anna')
    assert list_files(tmp_path) == ['anna/1.jpg']


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(DataError, match='none cannot be listed: No such file'):
        list_files(tmp_path / 'none')
