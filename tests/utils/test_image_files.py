"""Conversion of image files: pixels, bytes, faults, and nothing half-written."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from posegen.utils import image_files
from posegen.utils.errors import DataError
from posegen.utils.image_files import (
    Conversion,
    FileTask,
    convert_file,
    convert_files,
    write_whole,
)


def picture(size: tuple[int, int] = (40, 30), mode: str = 'RGB') -> Image.Image:
    rng = np.random.default_rng(0)
    image = Image.fromarray(rng.integers(0, 255, (5, 4, 3), dtype=np.uint8))
    return image.resize(size[::-1], Image.Resampling.BICUBIC).convert(mode)


def save(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


def convert(source: Path, target: Path, **options: object) -> image_files.FileResult:
    return convert_file(FileTask(source, target), Conversion(**options))


@pytest.mark.parametrize('filter', ['nearest', 'bilinear', 'lanczos'])
def test_resize_is_pillows(tmp_path, filter):
    source = save(tmp_path / 'a.png', picture())
    result = convert(
        source, tmp_path / 'b.png', size=(16, 20), filter=filter, file_type='png'
    )
    expected = picture().resize((20, 16), Image.Resampling[filter.upper()])
    assert result.size == (40, 30)
    assert result.fault is None
    assert np.array_equal(Image.open(tmp_path / 'b.png'), expected)


def test_crop_is_scaled_with_the_picture(tmp_path):
    source = save(tmp_path / 'a.png', picture((32, 32)))
    convert(source, tmp_path / 'b.png', crop=(40, 216, 256), file_type='png')
    expected = np.asarray(picture((32, 32)))[:, 5:27]
    assert np.array_equal(Image.open(tmp_path / 'b.png'), expected)


def test_crop_comes_before_the_resize(tmp_path):
    source = save(tmp_path / 'a.png', picture((32, 32)))
    convert(source, tmp_path / 'b.png', crop=(8, 24, 32), size=(32, 8), file_type='png')
    cropped = picture((32, 32)).crop((8, 0, 24, 32))
    expected = cropped.resize((8, 32), Image.Resampling.BILINEAR)
    assert np.array_equal(Image.open(tmp_path / 'b.png'), expected)


@pytest.mark.parametrize('size', [None, (40, 30)])
def test_bytes_are_copied_where_nothing_changes(tmp_path, size):
    source = save(tmp_path / 'a.jpg', picture(), quality=31, comment=b'as it was')
    convert(source, tmp_path / 'b.jpg', size=size)
    assert (tmp_path / 'b.jpg').read_bytes() == source.read_bytes()


def test_jpeg_has_the_quality_and_all_colours(tmp_path):
    source = save(tmp_path / 'a.png', picture())
    convert(source, tmp_path / 'b.jpg', quality=77)
    stream = io.BytesIO()
    picture().save(stream, 'JPEG', quality=77, subsampling=0)
    assert (tmp_path / 'b.jpg').read_bytes() == stream.getvalue()


@pytest.mark.parametrize('mode', ['L', 'CMYK'])
def test_other_modes_become_rgb_when_written_anew(tmp_path, mode):
    source = save(tmp_path / 'a.jpg', picture(mode=mode))
    convert(source, tmp_path / 'b.jpg', size=(20, 20))
    assert Image.open(tmp_path / 'b.jpg').mode == 'RGB'


@pytest.mark.parametrize('size', [None, (8, 8)])
def test_a_truncated_file_is_a_fault_that_says_why(tmp_path, size):
    source = save(tmp_path / 'a.jpg', picture((64, 64)))
    source.write_bytes(source.read_bytes()[:-300])
    result = convert(source, tmp_path / 'b.jpg', size=size)
    assert result.size is None
    assert f'{source} cannot be decoded: image file is truncated' in result.fault
    assert [path.name for path in tmp_path.iterdir()] == ['a.jpg']


@pytest.mark.parametrize(
    ('data', 'reason'),
    [(b'', 'not an image'), (b'<html>', 'not an image'), (None, 'No such file')],
)
def test_no_image_is_a_fault(tmp_path, data, reason):
    if data is not None:
        (tmp_path / 'a.jpg').write_bytes(data)
    result = convert(tmp_path / 'a.jpg', tmp_path / 'b.jpg')
    assert reason in result.fault
    assert not (tmp_path / 'b.jpg').exists()


def test_a_picture_that_should_be_square(tmp_path):
    source = save(tmp_path / 'a.jpg', picture())
    result = convert(source, tmp_path / 'b.jpg', square=True)
    assert (
        result.fault == f'{source} is 30 wide and 40 high, in a set of square pictures'
    )


def test_a_file_in_its_place_is_only_decoded(tmp_path):
    source = save(tmp_path / 'a.jpg', picture())
    before = source.stat().st_mtime_ns
    assert convert(source, source).size == (40, 30)
    assert source.stat().st_mtime_ns == before


def test_what_cannot_be_written_is_an_error(tmp_path):
    source = save(tmp_path / 'a.jpg', picture())
    (tmp_path / 'file').write_text('in the way')
    with pytest.raises(DataError, match='b.jpg cannot be written'):
        convert(source, tmp_path / 'file/b.jpg')


def test_the_final_name_comes_last(tmp_path, monkeypatch):
    seen = {}

    def replace(partial: Path, path: Path) -> None:
        seen.update(partial=partial.read_bytes(), there=path.exists())
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(image_files.os, 'replace', replace)
    with pytest.raises(DataError, match=r'a cannot be written \(No space left'):
        write_whole(tmp_path / 'a', b'whole')
    assert seen == {'partial': b'whole', 'there': False}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('workers', [1, 2])
def test_results_come_in_order(tmp_path, workers):
    tasks = []
    for i in range(70):
        source = save(tmp_path / f'{i}.png', picture((8, 4 + i % 7)))
        tasks.append(FileTask(source, tmp_path / f'{i}.jpg'))
    tasks[40].source.write_bytes(b'')
    results = list(convert_files(tasks, Conversion(size=(6, 6)), workers))
    assert [result.task for result in results] == tasks
    assert [i for i, result in enumerate(results) if result.fault] == [40]
    assert len(list(tmp_path.glob('*.jpg'))) == 69
