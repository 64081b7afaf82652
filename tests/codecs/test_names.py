"""Names of a pair's files."""

from __future__ import annotations

from pathlib import Path

import pytest

from posegen.codecs import pair_stem, split_pair_stem


def test_folders_and_endings_do_not_count() -> None:
    assert pair_stem('p/a.b.jpg', Path('q/c.png')) == 'a.b___c'


def test_split_undoes_join() -> None:
    assert split_pair_stem(pair_stem('a_1.png', 'b__2.png')) == ('a_1', 'b__2')


@pytest.mark.parametrize('stem', ['', 'a', 'a___', '___b', 'a___b___c', '___'])
def test_other_names_are_errors(stem: str) -> None:
    with pytest.raises(ValueError, match="expected '<source>___<target>'"):
        split_pair_stem(stem)
