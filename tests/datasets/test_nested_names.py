"""DeepFashion's nested names, and lists of pairs with the target first."""

from __future__ import annotations

import gzip

import pytest

from posegen.datasets import read_pairs
from posegen.datasets.nested_names import (
    convert_pairs,
    read_target_first_pairs,
    rename,
    write_target_first_pairs,
)
from posegen.utils.errors import ConfigError, DataError

FLAT = 'fashionWOMENTees_Tanksid0000796209_1front.jpg'
NESTED = 'WOMEN/Tees_Tanks/id_00007962/09_1_front.jpg'


def test_one_name():
    assert rename([FLAT], 'nested') == [NESTED]
    assert rename([f'img/{NESTED}', NESTED], 'flat') == [FLAT, FLAT]
    assert rename(['x'], 'keep') == ['x']


@pytest.mark.parametrize('name', ['train.lst.gz', 'test.lst'])
def test_all_published_names_there_and_back(shared, name):
    data = shared(f'data/annotations/{name}').read_bytes()
    text = gzip.decompress(data) if name.endswith('gz') else data
    names = text.decode().split()
    nested = rename(names, 'nested')
    assert len(set(nested)) == len(names)
    assert rename(nested, 'flat') == names


def test_wrong_names():
    with pytest.raises(DataError, match="'0001_c1.jpg' is no name of a DeepFashion"):
        rename([FLAT, '0001_c1.jpg'], 'nested')
    with pytest.raises(ConfigError, match="must be one of .*, got 'deep'"):
        rename([FLAT], 'deep')


def test_the_target_is_first(tmp_path):
    file = tmp_path / 'pairs.txt'
    file.write_text('img/t.jpg,img/s1.jpg,img/s2.jpg\n\nu.jpg, v.jpg\n')
    pairs = read_target_first_pairs(file)
    assert pairs == [('s1.jpg', 't.jpg'), ('s2.jpg', 't.jpg'), ('v.jpg', 'u.jpg')]
    write_target_first_pairs(tmp_path / 'again.txt', pairs)
    assert (tmp_path / 'again.txt').read_text().splitlines() == [
        'img/t.jpg,img/s1.jpg',
        'img/t.jpg,img/s2.jpg',
        'img/u.jpg,img/v.jpg',
    ]
    assert read_target_first_pairs(tmp_path / 'again.txt') == pairs


@pytest.mark.parametrize('text', ['a.jpg\n', 'a.jpg,\n', 'from,to\na.jpg,b.jpg\n'])
def test_broken_lists(tmp_path, text):
    (tmp_path / 'pairs.txt').write_text(text)
    with pytest.raises(DataError, match="pairs.txt, line 1: expected 'target,source"):
        read_target_first_pairs(tmp_path / 'pairs.txt')


def test_no_list(tmp_path):
    with pytest.raises(DataError, match='pairs.txt does not exist'):
        read_target_first_pairs(tmp_path / 'pairs.txt')
    with pytest.raises(DataError, match='a name has a comma'):
        write_target_first_pairs(tmp_path / 'pairs.txt', [('a,b.jpg', 'c.jpg')])


def test_released_pairs_there_and_back(shared, tmp_path):
    file = shared('data/annotations/fashion-pairs-test.csv')
    assert convert_pairs(file, tmp_path / 'p.txt') == 8570
    assert convert_pairs(tmp_path / 'p.txt', tmp_path / 'p.csv') == 8570
    assert read_pairs(tmp_path / 'p.csv') == read_pairs(file)


def test_refusals(tmp_path):
    (tmp_path / 'p.csv').write_text('from,to\na,b\n')
    with pytest.raises(DataError, match='exists already'):
        convert_pairs(tmp_path / 'p.csv', tmp_path / 'p.csv')
    with pytest.raises(ConfigError, match='must end in .csv'):
        convert_pairs(tmp_path / 'p.csv', tmp_path / 'p.json')
    for name in ('p.csv/q.txt', 'p.csv/q.csv'):
        with pytest.raises(DataError, match=f'{name} cannot be written'):
            convert_pairs(tmp_path / 'p.csv', tmp_path / name, 'keep')
    assert convert_pairs(tmp_path / 'p.csv', tmp_path / 'q.txt', 'keep') == 1
    assert (tmp_path / 'q.txt').read_text() == 'img/b,img/a\n'
