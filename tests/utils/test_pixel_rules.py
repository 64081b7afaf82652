"""Any mode, orientation and type gives the pixels of the plain form, or a DataError."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from posegen.utils.errors import DataError
from posegen.utils.image_files import Conversion, FileTask, convert_file
from posegen.utils.images import (
    decode_image,
    open_image,
    orientation_of,
    read_image,
    to_rgb,
    unusual_pixels,
    upright_size,
)
from tests.helpers.odd_images import (
    ORIENTATION,
    REFUSED,
    OddImage,
    forms,
    make_odd,
    odd_images,
)


def read_converted(file: Path) -> np.ndarray:
    """Through the writer of prepared sets."""
    target = file.with_name('out.png')
    result = convert_file(FileTask(file, target), Conversion(file_type='png'))
    if result.fault is not None:
        raise DataError(result.fault)
    pixels = read_image(target)
    assert result.size == pixels.shape[:2]
    return pixels


READERS = {
    'bytes': lambda file: decode_image(file.read_bytes(), str(file)),
    'file': read_image,
    'prepare': read_converted,
}


def check(odd: OddImage, folder: Path) -> None:
    file = folder / f'x.{odd.kind}'
    file.write_bytes(odd.data)
    for reader in READERS.values():
        if odd.mode in REFUSED:
            with pytest.raises(DataError, match=r'x\.tif cannot be read: .*8-bit RGB'):
                reader(file)
        else:
            np.testing.assert_array_equal(reader(file), odd.pixels)
    with open_image(file, 'x') as image:
        assert upright_size(image) == odd.pixels.shape[:2]


@pytest.mark.parametrize('mode, kind, orientation', forms())
def test_forms(tmp_path: Path, mode: str, kind: str, orientation: int) -> None:
    check(make_odd(0, mode=mode, kind=kind, orientation=orientation), tmp_path)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(odd=odd_images())
def test_any_form(tmp_path: Path, odd: OddImage) -> None:
    check(odd, tmp_path)


@pytest.mark.parametrize('orientation', range(1, 9))
def test_jpegs_are_turned_as_pillow_turns_them(orientation: int) -> None:
    pixels = np.arange(24, dtype=np.uint8).reshape(4, 6).repeat(8, 0).repeat(8, 1) * 9
    exif, buffer = Image.Exif(), io.BytesIO()
    exif[ORIENTATION] = orientation
    Image.fromarray(pixels).convert('RGB').save(buffer, 'jpeg', exif=exif)
    turned = decode_image(buffer.getvalue())
    assert turned.shape[:2] == ((48, 32) if orientation > 4 else (32, 48))
    corners = {1: 0, 2: 45, 3: 207, 4: 162, 5: 0, 6: 162, 7: 207, 8: 45}
    assert abs(int(turned[2, 2, 0]) - corners[orientation]) < 9


def test_orientation_in_xmp_is_followed(tmp_path: Path) -> None:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/" tiff:Orientation="6"></x:xmpmeta>'
    for name in ('x.jpg', 'x.webp'):
        Image.new('RGB', (8, 4)).save(tmp_path / name, xmp=xmp)
        assert read_image(tmp_path / name).shape == (8, 4, 3)


@pytest.mark.parametrize('note', [b'Exif\0\0garbage', b'Exif\0\0MM\0*\0\0\0\x08\0\x09'])
@pytest.mark.parametrize('kind', ['jpeg', 'png', 'webp'])
def test_broken_notes_are_none(note: bytes, kind: str) -> None:
    buffer = io.BytesIO()
    Image.new('RGB', (8, 4)).save(buffer, kind, exif=note)
    assert decode_image(buffer.getvalue()).shape == (4, 8, 3)


def test_odd_values_of_the_note_are_none() -> None:
    image = Image.new('RGB', (8, 4))
    for value in (0, 9, 'six', (6, 6)):
        image.getexif()[ORIENTATION] = value
        assert orientation_of(image) == 1


def test_half_transparent_pixels_are_mixed_with_white() -> None:
    image = Image.new('RGBA', (1, 1), (100, 0, 255, 128))
    assert to_rgb(image)[0, 0].tolist() == [177, 127, 255]
    magenta = Image.new('RGBA', (1, 1), (255, 0, 255, 0))
    assert to_rgb(magenta)[0, 0].tolist() == [255, 255, 255]
    assert to_rgb(magenta.convert('RGBa'))[0, 0].tolist() == [255, 255, 255]


@pytest.mark.parametrize('mode', ['L', 'RGB', 'I;16', 'P'])
def test_a_transparent_color_is_white(tmp_path: Path, mode: str) -> None:
    if mode == 'I;16':
        image, key = Image.fromarray(np.array([[0, 514]], np.uint16)), 514
    else:
        image = Image.new('RGB', (2, 1))
        image.putpixel((1, 0), (2, 2, 2))
        image = image.convert(mode, palette=Image.Palette.ADAPTIVE)
        key = image.getpixel((1, 0))
    image.save(tmp_path / 'x.png', transparency=key)
    assert read_image(tmp_path / 'x.png')[0, :, 0].tolist() == [0, 255]


@pytest.mark.parametrize('values', [[0, 255], [-0.1, 1], [np.nan, 0.5], [0, np.inf]])
def test_floats_of_another_range_are_refused(values: list[float]) -> None:
    image = Image.fromarray(np.array([values], np.float32))
    with pytest.raises(DataError, match='cannot be read: its floats from'):
        to_rgb(image)


def test_sixteen_bits_are_rounded() -> None:
    values = np.array([[0, 128, 129, 65535, 65406]], np.uint16)
    assert to_rgb(Image.fromarray(values))[0, :, 0].tolist() == [0, 0, 1, 255, 254]


def test_what_is_unusual() -> None:
    kinds = {m: unusual_pixels(Image.new(m, (1, 1))) for m in ('L', 'RGBA', 'I;16')}
    assert kinds['L'] is None
    assert kinds['RGBA'] == 'transparency'
    assert 'more than 8 bits' in kinds['I;16']


@settings(max_examples=80, deadline=None)
@given(odd=odd_images(), places=st.lists(st.integers(0, 2**16), max_size=8), seed=...)
def test_damaged_files_are_pictures_or_data_errors(
    odd: OddImage, places: list[int], seed: int
) -> None:
    data = bytearray(odd.data)
    for place in places:
        data[place % len(data)] = (seed + place * 7) % 256
    try:
        pixels = decode_image(bytes(data))
    except DataError:
        return
    assert pixels.dtype == np.uint8
    assert pixels.ndim == 3
