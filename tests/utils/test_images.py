"""Image files, whole and damaged."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from posegen.utils.errors import DataError
from posegen.utils.images import (
    decode_image,
    is_plain_jpeg,
    open_image,
    read_image,
    save_image,
)


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (20, 12, 3), dtype=np.uint8)


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def test_what_is_saved_is_read(tmp_path: Path, picture: np.ndarray) -> None:
    path = tmp_path / 'deep' / 'x.png'
    save_image(path, picture)
    np.testing.assert_array_equal(read_image(path), picture)
    np.testing.assert_array_equal(decode_image(path.read_bytes()), picture)


def test_jpegs_keep_most(tmp_path: Path) -> None:
    ramp = np.arange(60, dtype=np.uint8).repeat(3).reshape(5, 12, 3)
    save_image(tmp_path / 'x.jpg', ramp)
    assert np.abs(read_image(tmp_path / 'x.jpg').astype(int) - ramp).max() <= 3


@pytest.mark.parametrize('bad', [np.zeros((4, 4, 3)), np.zeros((4, 4), np.uint8)])
def test_saves_nothing_else(tmp_path: Path, bad: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r'must be uint8 \(H, W, 3\), got'):
        save_image(tmp_path / 'x.png', bad)


@pytest.mark.parametrize('name', ['x', 'x.foo', 'x.txt', 'file/x.png', 'dir.png'])
def test_places_that_cannot_be_written(
    tmp_path: Path, picture: np.ndarray, name: str
) -> None:
    (tmp_path / 'file').touch()
    (tmp_path / 'dir.png').mkdir()
    with pytest.raises(DataError, match=f'{name} (does not end|cannot be written)'):
        save_image(tmp_path / name, picture)


@pytest.mark.parametrize('mode', ['RGB', 'L', 'P', 'RGBA', '1', 'CMYK'])
def test_every_mode_becomes_rgb(picture: np.ndarray, mode: str) -> None:
    kind = 'jpeg' if mode == 'CMYK' else 'png'
    decoded = decode_image(encode(Image.fromarray(picture).convert(mode), kind))
    assert decoded.shape == (20, 12, 3)
    assert decoded.dtype == np.uint8
    assert decoded.flags.writeable


@pytest.mark.parametrize('kind', ['jpeg', 'png'])
@pytest.mark.parametrize('part', [0, 0.02, 0.5, 0.9])
def test_cut_images_are_named(picture: np.ndarray, kind: str, part: float) -> None:
    data = encode(Image.fromarray(picture.repeat(4, axis=0)), kind)
    with pytest.raises(DataError, match=r'x\.png cannot be decoded: .'):
        decode_image(data[: int(len(data) * part)], 'x.png')


JPEGS = [
    ({}, True),
    ({'subsampling': 0, 'quality': 95}, True),
    ({'optimize': True, 'comment': b'\xff\xd8 a comment \xff\xd9'}, True),
    ({'restart_marker_blocks': 1}, True),
    ({'exif': b'Exif\0\0' + b'\xff\xda' * 100}, True),
    ({'progressive': True}, False),
]


def smooth(size: tuple[int, int]) -> Image.Image:
    """A picture with slow and fast changes, as photos have."""
    small = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    return Image.fromarray(small).resize(size[::-1], Image.Resampling.BICUBIC)


def by_pillow(data: bytes) -> np.ndarray | None:
    """Pixels, or None where Pillow finds fault."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            return np.array(image.convert('RGB'))
    except (OSError, SyntaxError, ValueError):
        return None


@pytest.mark.parametrize('options, plain', JPEGS)
@pytest.mark.parametrize('size', [(64, 48), (33, 17), (1, 1)])
def test_jpegs_have_pillows_pixels(
    options: dict, plain: bool, size: tuple[int, int]
) -> None:
    data = encode(smooth(size), 'jpeg', **options)
    assert is_plain_jpeg(data) == plain
    np.testing.assert_array_equal(decode_image(data), by_pillow(data))


@pytest.mark.parametrize('mode', ['L', 'CMYK'])
def test_other_jpegs_are_not_plain(mode: str) -> None:
    data = encode(smooth((16, 8)).convert(mode), 'jpeg')
    assert not is_plain_jpeg(data)
    np.testing.assert_array_equal(decode_image(data), by_pillow(data))


def test_cut_jpegs_are_not_plain() -> None:
    data = encode(smooth((64, 48)), 'jpeg')
    assert is_plain_jpeg(data)
    assert not any(is_plain_jpeg(data[:end]) for end in range(len(data)))
    assert not is_plain_jpeg(data[: len(data) // 2] + b'\xff\xd9' + data[-9:])


@pytest.mark.parametrize('options', [options for options, _ in JPEGS])
def test_damaged_jpegs_are_read_or_refused_as_by_pillow(options: dict) -> None:
    rng = np.random.default_rng(0)
    data = encode(smooth((64, 48)), 'jpeg', **options)
    kinds = set()
    for _ in range(300):
        damaged = bytearray(data)
        for place in rng.integers(0, len(data), 3):
            damaged[place] = rng.integers(256)
        expected = by_pillow(bytes(damaged))
        kinds.add(expected is None)
        if expected is None:
            with pytest.raises(DataError, match='the image cannot be decoded: '):
                decode_image(bytes(damaged))
        else:
            np.testing.assert_array_equal(decode_image(bytes(damaged)), expected)
    assert kinds == {True, False}


@pytest.mark.parametrize('folder', ['market1501/bounding_box_test', 'deepfashion/test'])
def test_photos_have_pillows_pixels(shared: Callable[[str], Path], folder: str) -> None:
    for file in sorted(shared(f'data/real/{folder}').glob('*.jpg'))[::10]:
        data = file.read_bytes()
        assert is_plain_jpeg(data)
        np.testing.assert_array_equal(decode_image(data), by_pillow(data))


@pytest.mark.parametrize('kind', ['jpeg', 'png'])
def test_damaged_images_are_images_or_data_errors(
    picture: np.ndarray, kind: str
) -> None:
    rng = np.random.default_rng(0)
    data = encode(Image.fromarray(picture), kind)
    for _ in range(200):
        damaged = bytearray(data)
        for place in rng.integers(0, len(data), 8):
            damaged[place] = rng.integers(256)
        try:
            assert decode_image(bytes(damaged)).ndim == 3
        except DataError as error:
            assert 'the image cannot be decoded: ' in str(error)


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r'none\.png cannot be decoded: .*No such file'):
        read_image(tmp_path / 'none.png')


def test_huge_images_are_refused(
    tmp_path: Path, picture: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 10)
    for name in ('x.png', 'x.jpg'):
        save_image(tmp_path / name, picture)
        with pytest.raises(DataError, match=f'{name} cannot be decoded: .*exceeds'):
            read_image(tmp_path / name)
        with pytest.raises(DataError, match='y cannot be decoded: .*exceeds limit'):
            decode_image((tmp_path / name).read_bytes(), 'y')


def test_data_errors_of_the_block_pass(tmp_path: Path, picture: np.ndarray) -> None:
    save_image(tmp_path / 'x.png', picture)
    with (
        pytest.raises(DataError, match='^too dark$'),
        open_image(tmp_path / 'x.png', 'x'),
    ):
        raise DataError('too dark')


def test_imports_no_torch() -> None:
    code = 'import sys, posegen.utils.images; assert "torch" not in sys.modules'
    subprocess.run([sys.executable, '-c', code], check=True)
