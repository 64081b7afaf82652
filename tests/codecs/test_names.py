"""Names of images and of a pair's files."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from posegen.codecs import pair_stem, split_pair_stem
from posegen.codecs.names import MAX_STEM, name_key, respell, safe_stem, short_stem

NFD, NFC = (unicodedata.normalize(form, 'zoë/jörg.jpg') for form in ('NFD', 'NFC'))
LONG = '夏の日の写真' * 12


def test_folders_and_endings_do_not_count() -> None:
    assert pair_stem('p/a.b.jpg', Path('q/c.png')) == 'a.b___c'
    assert pair_stem('p\\a.jpg', 'q/c.png') == 'a___c'


def test_split_undoes_join() -> None:
    assert split_pair_stem(pair_stem('a_1.png', 'b__2.png')) == ('a_1', 'b__2')


@pytest.mark.parametrize('stem', ['', 'a', 'a___', '___b', 'a___b___c', '___'])
def test_other_names_are_errors(stem: str) -> None:
    with pytest.raises(ValueError, match="expected '<source>___<target>'"):
        split_pair_stem(stem)


@pytest.mark.parametrize(
    'other, name',
    [(NFD, NFC), ('a\\b.jpg', 'a/b.jpg'), ('./a//b.jpg ', 'a/b.jpg'), ('a.b', 'a.b')]
    + [('', ''), ('.\\a b,c.jpg', 'a b,c.jpg'), ('-1_c1s1_0.jpg', '-1_c1s1_0.jpg')],
)
def test_spellings_have_one_key(other: str, name: str) -> None:
    assert name_key(other) == name_key(name) == name
    assert name_key(name_key(other)) == name_key(other)


def test_case_is_no_spelling() -> None:
    assert name_key('a/B.jpg') != name_key('a/b.jpg')


def test_names_are_respelled() -> None:
    known = {NFD, 'a/b.jpg', 'c.jpg'}
    names = [NFC, 'a\\b.jpg', 'c.jpg', 'd.jpg']
    assert respell(names, known) == {NFC: NFD, 'a\\b.jpg': 'a/b.jpg'}
    # Two files that differ in spelling alone: nobody guesses which is meant.
    assert respell(['./' + NFC], {NFC, NFD}) == {}
    assert respell([NFC], {NFC, NFD}) == {}


def test_stems_are_shortened_and_told_apart() -> None:
    assert short_stem('a' * MAX_STEM) == 'a' * MAX_STEM
    stems = {short_stem(f'{LONG}{end}') for end in ('1', '2', '1')}
    assert len(stems) == 2
    assert all(len(stem.encode()) <= MAX_STEM for stem in stems)
    assert all(short_stem(stem) == stem for stem in stems)


@pytest.mark.parametrize(
    'photo, stem',
    [
        ('a/b_1.jpg', 'a_b_1'),
        ('a___/__b.jpg', 'a_b'),
        ('a\\b.jpg', 'a_b'),
        (NFD, 'zoë_jörg'),
        ('a b, c:d?.jpg', 'a_b_c_d'),
        ('_.jpg', 'image'),
        ('new\nline\u2028.jpg', 'new_line'),
        ('latin-1 \udceb.jpg', 'latin-1'),
        ('a.b.jpg', 'a.b'),
    ],
)
def test_stems_that_lists_and_systems_take(photo: str, stem: str) -> None:
    assert safe_stem(photo) == stem
