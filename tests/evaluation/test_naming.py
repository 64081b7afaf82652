"""Names of results: every published scheme, chosen by what it reads."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posegen.codecs.names import pair_stem
from posegen.evaluation.naming import (
    NAMING_SCHEMES,
    get_scheme,
    image_key,
    read_names,
)
from posegen.utils.errors import ConfigError, DataError

MARKET = ['0003_c1s6_015996_02', '0003_c4s6_015716_03', '0003_c2s3_070952_01']
FLAT = [
    'fashionWOMENBlouses_Shirtsid0000010804_3back',
    'fashionWOMENBlouses_Shirtsid0000010804_1front',
    'fashionWOMENBlouses_Shirtsid0000010804_2side',
]
NESTED = [
    'WOMEN/Blouses_Shirts/id_00000108/04_3_back',
    'WOMEN/Blouses_Shirts/id_00000108/04_1_front',
    'WOMEN/Blouses_Shirts/id_00000108/04_2_side',
]


def _known(names):
    return frozenset(map(image_key, names))


def _names(scheme, stems):
    """Results of the first image in the poses of the others."""
    text = NAMING_SCHEMES[scheme].pattern
    source, *targets = stems
    return [
        text.replace('<source>', source).replace('<target>', target) + '.png'
        for target in targets
    ]


@pytest.mark.parametrize('scheme', NAMING_SCHEMES)
@pytest.mark.parametrize('stems', [MARKET, FLAT], ids=['market', 'deepfashion'])
def test_every_scheme_is_recognised(scheme, stems):
    found, readings = read_names(_names(scheme, stems), _known(stems))
    source = image_key(stems[0]) if NAMING_SCHEMES[scheme].separator else None
    assert found.name == scheme
    assert readings == [(source, image_key(stem)) for stem in stems[1:]]


@pytest.mark.parametrize(
    'name',
    [
        *('fashionWOMENBlouses_Shirtsid0000010804_3back.jpg',),
        'fasionWOMENBlousesShirtsid0000010804_3back.png',
        'test/fashionWOMENBlouses_Shirtsid0000010804_3back.png',
        'img/WOMEN/Blouses_Shirts/id_00000108/04_3_back.jpg',
        'a/b/img_highres/WOMEN/Blouses_Shirts/id_00000108/04_3_back.JPEG',
        'WOMEN-Blouses_Shirts-id_00000108-04_3_back.png',
        'WOMEN_Blouses_Shirts_id_00000108_04_3_back.jpg',
        'WOMEN\\Blouses_Shirts\\id_00000108\\04_3_back.jpg',
    ],
)
def test_one_key_for_all_names_of_a_deepfashion_image(name):
    assert image_key(name) == 'WOMEN/BlousesShirts/00000108/04/3back'


def test_men_are_not_women():
    assert image_key('fashionMENDenimid0000008001_7additional').startswith('MEN/Denim')


def test_other_names_are_their_stem():
    assert image_key('folder/-1_c1s1_000401_03.jpg') == '-1_c1s1_000401_03'
    assert image_key('version 1.5') == 'version 1.5'


@pytest.mark.parametrize(('left', 'right'), [(FLAT, NESTED), (NESTED, FLAT)])
def test_flat_results_of_nested_images_and_the_other_way(left, right):
    joined = [name.replace('/', '_') for name in left]
    found, readings = read_names(_names('gfla', joined), _known(right))
    assert found.name == 'gfla'
    assert readings == [(image_key(right[0]), image_key(name)) for name in right[1:]]


def test_results_in_nested_folders():
    found, readings = read_names([f'{name}.jpg' for name in NESTED], _known(FLAT))
    assert found.name == 'target'
    assert readings == [(None, image_key(name)) for name in FLAT]


def test_a_separator_inside_the_names():
    # '02_2_side' of the nested layout holds GFLA's separator.
    names = ['a_2_b', 'c_2_d']
    found, readings = read_names(['a_2_b_2_c_2_d_vis.jpg'], frozenset(names))
    assert (found.name, readings) == ('gfla', [('a_2_b', 'c_2_d')])


def test_sources_that_are_nowhere():
    found, readings = read_names(['x_2_a_vis.png', 'x_2_b_vis.png'], frozenset('ab'))
    assert readings == [(None, 'a'), (None, 'b')]
    assert found.name == 'gfla'


def test_refuses_a_name_with_two_readings():
    known = frozenset(['a', 'b_2_c', 'a_2_b', 'c'])
    message = r"'x': the name 'a_2_b_2_c.png' can be read as mcld: 'a' -> 'b_2_c' or "
    with pytest.raises(DataError, match=message + "mcld: 'a_2_b' -> 'c'"):
        read_names(['a_2_b_2_c.png'], known, where="'x'")


def test_refuses_two_schemes_that_disagree():
    known = frozenset(['a', 'b', 'a_to_b'])
    with pytest.raises(DataError, match=r"pcdms: 'a' -> 'b' or target: 'None'"):
        read_names(['a_to_b.png'], known)
    assert read_names(['a_to_b.png'], known, 'target')[1] == [(None, 'a_to_b')]
    assert read_names(['a_to_b.png'], known, 'pcdms')[1] == [('a', 'b')]


def test_says_which_names_match_nothing():
    names = ['a___b.png', 'a___x.png', 'a___y.png']
    message = (
        "'here': 2 of 3 names of the form '<source>___<target>' match none of the 2 "
        "real images: 'a___x.png', 'a___y.png'; the first lacks 'x'"
    )
    with pytest.raises(DataError, match=re.escape(message)):
        read_names(names, frozenset('ab'), where="'here'")
    with pytest.raises(DataError, match=r"4 of 4 names .*'p', 'q', 'r' and 1 more; "):
        read_names(list('pqrs'), frozenset('ab'))


def test_sources_are_all_there_or_none():
    with pytest.raises(DataError, match="the first lacks 'x'"):
        read_names(['a___b.png', 'x___b.png'], frozenset('ab'))


def test_unknown_scheme():
    with pytest.raises(ConfigError, match=r"no naming scheme 'GFLA'.*<source>_2_"):
        get_scheme('GFLA')


_WORD = st.text('abc1._-', min_size=1, max_size=6)


@given(_WORD, _WORD, st.sampled_from(['_2_', '___', '_to_', '@', '-', '_']))
def test_all_splits_of_a_name_are_seen(source, target, separator):
    (scheme,) = (
        s for s in NAMING_SCHEMES.values() if s.separator == separator and not s.ending
    )
    readings = list(scheme.split(source + separator + target))
    assert (source, target) in readings
    assert all(s + separator + t == source + separator + target for s, t in readings)


def test_only_the_scheme_that_was_asked_for_is_named():
    with pytest.raises(DataError, match=r'are read as <source>_2_<target>_vis, with'):
        read_names(['a___b.png'], frozenset('ab'), 'gfla')


@pytest.mark.parametrize('stem', ['a', 'x' * 125, '夏の日の写真' * 12, 'é' * 127])
def test_the_name_of_a_pair_fits_and_is_read_again(stem: str) -> None:
    source, target = f'{stem}.jpg', f'{stem[:-1]}b.jpg'
    name = f'{pair_stem(source, target)}.png'
    assert len(name.encode()) <= 255
    known = frozenset(map(image_key, (source, target)))
    scheme, readings = read_names([name], known)
    assert scheme.name == 'posegen'
    assert readings == [(image_key(source), image_key(target))]


@pytest.mark.parametrize(
    'name, key',
    [
        ('zoe\u0308.jpg', 'zo\xeb'),
        ('a\\b c,d.WEBP', 'b c,d'),
        ('a.jpg.png', 'a'),
        ('a.b.jfif', 'a.b'),
    ],
)
def test_spellings_and_endings_have_one_key(name, key):
    assert image_key(name) == key
