"""Folders to pairs, and files to pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from posegen.evaluation.pairs import (
    ImageFolder,
    cut_strip,
    find_pairs,
    image_size,
    read_image,
)
from posegen.utils.errors import DataError

NESTED = 'WOMEN/Dresses/id_00002629/02_{}.jpg'
FLAT = 'fashionWOMENDressesid0000262902_{}.jpg'


def _touch(folder: Path, *names: str) -> ImageFolder:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new('RGB', (4, 6)).save(folder / name)
    return ImageFolder(folder)


def test_an_image_of_absurd_size_is_an_error_with_its_name(tmp_path, monkeypatch):
    Image.new('RGB', (4, 4)).save(tmp_path / 'huge.png')
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 7)
    with pytest.raises(DataError, match=r'huge\.png.*exceeds limit of 14 pixels'):
        read_image(tmp_path / 'huge.png')


@pytest.mark.parametrize('mode', ['RGBA', 'LA', 'I;16', 'F', '1'])
def test_refuses_other_types(tmp_path, mode):
    file = tmp_path / ('x.tif' if mode == 'F' else 'x.png')
    Image.new(mode, (4, 4)).save(file)
    with pytest.raises(
        DataError, match=f'{file.name}. must be 8-bit RGB.*it is {mode}'
    ):
        read_image(file)


def test_reads_grey_images_as_rgb(tmp_path):
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    Image.fromarray(grey).save(tmp_path / 'x.png')
    assert (read_image(tmp_path / 'x.png') == grey[..., None]).all()
    assert image_size(tmp_path / 'x.png') == (3, 4)


@pytest.mark.parametrize(
    ('real_names', 'result'),
    [
        (FLAT, f'{FLAT[:-4]}_2_{FLAT[:-4]}_vis.jpg'),
        (NESTED, f'{FLAT[:-4]}_2_{FLAT[:-4]}_vis.jpg'),
        (NESTED, f'{FLAT[:-4]}___{FLAT[:-4]}.png'),
        (FLAT, f'{NESTED[:-4]}_to_{NESTED[:-4]}.png'.replace('/', '_')),
    ],
)
def test_nested_and_flat_folders(tmp_path, real_names, result):
    views = '3_back', '1_front'
    if real_names is FLAT:
        views = '3back', '1front'
    real = _touch(tmp_path / 'real', *map(real_names.format, views))
    shown = ('3back', '1front') if 'fashion' in result else ('3_back', '1_front')
    generated = _touch(tmp_path / 'out', result.format(*shown))
    _, (pair,) = find_pairs(generated, real)
    assert pair.source == real.path / real_names.format(views[0])
    assert pair.target == real.path / real_names.format(views[1])
    assert (
        pair.name
        == 'WOMEN/Dresses/00002629/02/3back___WOMEN/Dresses/00002629/02/1front'
    )


def test_targets_alone(tmp_path):
    real = _touch(tmp_path / 'real', *(NESTED.format(v) for v in ('3_back', '1_front')))
    generated = _touch(tmp_path / 'out', NESTED.format('3_back'))
    scheme, (pair,) = find_pairs(generated, real)
    assert (scheme.name, pair.source) == ('target', None)
    assert pair.target == real.path / NESTED.format('3_back')
    with pytest.raises(DataError, match='no source is known to copy'):
        pair.copy_source()


def test_folders_below_count_where_there_is_no_image_beside_them(tmp_path):
    assert _touch(tmp_path / 'x', 'a/1.png', 'b/2.png').keys == {'1', '2'}
    assert _touch(tmp_path / 'x', '3.png', '.hidden/4.png').keys == {'3'}


def test_refuses_two_images_of_a_name_only_where_it_is_wanted(tmp_path):
    real = _touch(tmp_path / 'real', 'x/a.png', 'y/a.png', 'x/b.png', 'x/c.png')
    find_pairs(_touch(tmp_path / 'one', 'b___c.png'), real)
    with pytest.raises(DataError, match=r"has both 'x/a.png' and 'y/a.png': keep one"):
        find_pairs(_touch(tmp_path / 'two', 'a___c.png'), real)


@pytest.mark.parametrize('names', [('a___b.png', 'a___b.jpg'), ('x/b.png', 'y/b.png')])
def test_refuses_two_results_of_a_pair(tmp_path, names):
    real = _touch(tmp_path / 'real', 'a.png', 'b.png')
    with pytest.raises(DataError, match=r'are results of one pair: keep one'):
        find_pairs(_touch(tmp_path / 'out', *names), real)


def test_results_of_sources_that_are_elsewhere(tmp_path):
    real = _touch(tmp_path / 'real', 'a.png', 'b.png')
    generated = _touch(tmp_path / 'out', 'x_2_a_vis.png', 'y_2_a_vis.png')
    _, pairs = find_pairs(generated, real)
    assert [pair.names for pair in pairs] == [(None, 'a'), (None, 'a')]


@pytest.mark.parametrize('size', [(128, 64), (256, 256), (256, 176)])
@pytest.mark.parametrize('panels', [3, 5])
def test_cuts_the_last_panel_of_strips(size, panels):
    strip = np.repeat(np.arange(panels, dtype=np.uint8), size[1])[None, :, None]
    strip = np.broadcast_to(strip, (size[0], size[1] * panels, 3))
    cut = cut_strip(strip, size)
    assert cut.shape == (*size, 3)
    assert (cut == panels - 1).all()


def test_cuts_panels_of_the_crop_beside_whole_targets():
    strip = np.zeros((256, 5 * 176, 3), np.uint8)
    assert cut_strip(strip, (256, 256)).shape == (256, 176, 3)


@pytest.mark.parametrize('size', [(128, 64), (256, 256), (256, 176), (512, 352)])
def test_leaves_pictures_alone(size):
    image = np.zeros((*size, 3), np.uint8)
    assert cut_strip(image, (256, 256)) is image
    assert cut_strip(image, size) is image
