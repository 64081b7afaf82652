"""Names of images in every layout."""

from __future__ import annotations

import gzip

import pytest

from posegen.datasets.prepare.names import market1501_key, parse_deepfashion

FLAT = 'fashionWOMENTees_Tanksid0000796209_1front.jpg'


@pytest.mark.parametrize(
    'path',
    [
        'WOMEN/Tees_Tanks/id_00007962/09_1_front.jpg',
        '/data/In shop/img highres/WOMEN/Tees_Tanks/id_00007962/09_1_front.jpg',
        'img/WOMEN/Tees_Tanks/id_00007962/09_1_front.JPG',
        './dataset/fashion/WOMEN/Tees_Tanks/id_00007962/09_1_front.jpg',
        FLAT,
        f'/home/me/train/{FLAT}',
        'WOMEN-Tees_Tanks-id_00007962-09_1_front.jpg',
        'images/WOMEN-Tees_Tanks-id_00007962-09_1_front.png',
    ],
)
def test_spellings_of_one_name(path):
    assert parse_deepfashion(path).flat == FLAT


def test_old_names_without_underscores_have_the_same_key():
    old = parse_deepfashion('fasionWOMENTeesTanksid0000796209_1front.jpg')
    assert old.key == parse_deepfashion(FLAT).key


@pytest.mark.parametrize(
    'path',
    [
        'WOMEN/Tees_Tanks/id_00007962/._09_1_front.jpg',
        'WOMEN/Tees_Tanks/id_0000796/09_1_front.jpg',
        'WOMEN/Tees_Tanks/id_00007962/09_1_front.jpg.part',
        'HUMAN/Tees_Tanks/id_00007962/09_1_front.jpg',
        'xWOMEN/Tees_Tanks/id_00007962/09_1_front.jpg',
        '0002_c1s1_000451_03.jpg',
    ],
)
def test_what_is_no_deepfashion_image(path):
    assert parse_deepfashion(path) is None


def test_all_published_deepfashion_names(shared):
    """Each name is its own flat spelling, and its nested one leads back to it."""
    packed = shared('data/annotations/train.lst.gz').read_bytes()
    lines = gzip.decompress(packed).decode().split()
    lines += shared('data/annotations/test.lst').read_text().split()
    names = [parse_deepfashion(line) for line in lines]
    assert [name.flat for name in names] == lines
    assert len({name.key for name in names}) == len(lines) == 52712
    for name, line in zip(names, lines):
        folder = f'{name.gender}/{name.category}/id_{name.item}'
        nested = f'{folder}/{name.look}_{name.view[0]}_{name.view[1:]}.jpg'
        assert parse_deepfashion(f'/my data/img/{nested}').flat == line


@pytest.mark.parametrize(
    'name',
    [
        '0265_c6s1_056351_01.jpg',
        '-1_c6s3_094992_04.jpg',
        '0000_c1s6_023071_04.jpg.jpg',
    ],
)
def test_market_names(name):
    assert market1501_key(f'/a b/bounding_box_test/{name}') == name


@pytest.mark.parametrize('path', ['bounding_box_test/Thumbs.db', FLAT, '1_c1.jpg'])
def test_what_is_no_market_image(path):
    assert market1501_key(path) is None
