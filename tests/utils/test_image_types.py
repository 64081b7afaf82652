"""Which files are pictures, and what is said of those that are not read."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from posegen.utils.errors import DataError
from posegen.utils.image_types import (
    describe_unread,
    image_endings,
    is_image,
    type_of,
    unread_images,
)
from posegen.utils.images import decode_image, read_image

HEIC = b'\0\0\0\x18ftypheic' + bytes(40)


@pytest.mark.parametrize(
    'ending', ['.jpg', '.jpeg', '.jfif', '.png', '.bmp', '.webp', '.tif', '.tiff']
)
def test_pictures_are_read_by_all_their_endings(tmp_path: Path, ending: str) -> None:
    assert ending in image_endings()
    for name in (f'x{ending}', f'X{ending.upper()}'):
        assert is_image(f'folder/{name}')
        Image.new('RGB', (3, 2)).save(tmp_path / name)
        assert read_image(tmp_path / name).shape == (2, 3, 3)


def test_avif_is_read_where_pillow_reads_it(tmp_path: Path) -> None:
    if '.avif' not in image_endings():
        pytest.skip('this Pillow reads no AVIF')
    Image.new('RGB', (16, 8)).save(tmp_path / 'x.avif')
    assert read_image(tmp_path / 'x.avif').shape == (8, 16, 3)


def test_what_is_not_read_is_named_with_the_cure() -> None:
    names = ['a.GIF', 'b.heic', 'c.jpg', 'd.txt', 'Thumbs.db', 'e.dng']
    if '.heic' in image_endings():
        pytest.skip('pillow-heif is installed')
    assert list(unread_images(names).values()) == [['a.GIF', 'e.dng'], ['b.heic']]
    others, heic = describe_unread(names)
    assert '2 not read (a.GIF, e.dng)' in others
    assert heic.startswith('1 not read (b.heic): each is HEIC')
    assert heic.endswith('(pip install pillow-heif)')
    many = describe_unread([f'{n}.gif' for n in range(9)])
    assert '4.gif and 4 more): each' in many[0]


@pytest.mark.parametrize('name', ['x.heic', 'x.jpg'])
def test_heic_is_known_by_its_bytes(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(HEIC)
    if '.heic' in image_endings():
        pytest.skip('pillow-heif is installed')
    with pytest.raises(DataError, match=f'{name} cannot be decoded: is HEIC, .*heif'):
        read_image(tmp_path / name)
    with pytest.raises(DataError, match='x cannot be decoded: is HEIC'):
        decode_image(HEIC, 'x')


def test_types_have_one_ending() -> None:
    assert {type_of(f'x{end}') for end in ('.JPG', '.jpeg', '.jfif')} == {'.jpg'}
