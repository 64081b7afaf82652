"""Pairs by the published rule: exact counts, and released lists row for row."""

from __future__ import annotations

import numpy as np
import pytest

from posegen.datasets import build_pairs, read_pairs, write_annotations
from posegen.utils.errors import ConfigError, DataError


@pytest.mark.parametrize(
    'name, dataset, count',
    [
        ('market-annotation-train.csv.gz', 'market1501', 263632),
        ('market-annotation-test.csv.gz', 'market1501', 257198),
        ('fasion-annotation-test.csv', 'deepfashion', 8570),
    ],
)
def test_published_counts(shared, name, dataset, count):
    pairs = build_pairs(shared(f'data/annotations/{name}'), dataset)
    assert len(pairs) == len(set(pairs)) == count
    assert all(source != target for source, target in pairs)


@pytest.mark.parametrize(
    'annotation, dataset, sample, released',
    [
        (
            'market-annotation-test.csv.gz',
            'market1501',
            12000,
            'market-pairs-test.csv',
        ),
        ('fasion-annotation-test.csv', 'deepfashion', 8570, 'fashion-pairs-test.csv'),
    ],
)
def test_released_pairs_row_for_row(shared, annotation, dataset, sample, released):
    pairs = build_pairs(shared(f'data/annotations/{annotation}'), dataset, sample)
    assert pairs == read_pairs(shared(f'data/annotations/{released}'))


@pytest.fixture
def market(tmp_path):
    """Two images each of two people, a distractor of either kind, one without a hip."""
    names = ['0002_a.jpg', '0001_a.jpg', '0002_b.jpg', '0001_b.jpg', '0001_c.jpg']
    names += ['-1_a.jpg', '-1_b.jpg', '0000_a.jpg', '0000_b.jpg']
    keypoints = np.ones((len(names), 18, 3))
    keypoints[4, 8] = 0
    keypoints[3, 0] = 0
    write_annotations(tmp_path / 'a.csv', names, keypoints)
    return tmp_path / 'a.csv'


def test_groups_in_order_of_appearance_without_junk(market):
    assert build_pairs(market, 'market1501') == [
        ('0002_a.jpg', '0002_b.jpg'),
        ('0002_b.jpg', '0002_a.jpg'),
        ('0001_a.jpg', '0001_b.jpg'),
        ('0001_b.jpg', '0001_a.jpg'),
    ]


def test_sample(market):
    pool = build_pairs(market, 'market1501')
    drawn = build_pairs(market, 'market1501', sample=3)
    assert len(drawn) == len(set(drawn)) == 3
    assert set(drawn) < set(pool)
    assert drawn == build_pairs(market, 'market1501', sample=3)
    draws = [build_pairs(market, 'market1501', sample=3, seed=s) for s in range(8)]
    assert any(draw != drawn for draw in draws)
    more = build_pairs(market, 'market1501', sample=99)
    assert sorted(more) == sorted(pool)


def test_deepfashion_groups_by_item_and_look(tmp_path):
    names = [
        'fashionMENShirts_Polosid0000180201_1front.jpg',
        'fashionMENShirts_Polosid0000180202_1front.jpg',
        'fashionMENShirts_Polosid0000180201_3back.jpg',
    ]
    write_annotations(tmp_path / 'a.csv', names, np.ones((3, 18, 3)))
    pairs = build_pairs(tmp_path / 'a.csv', 'deepfashion')
    assert pairs == [(names[0], names[2]), (names[2], names[0])]


def test_names_that_are_not_deepfashion(market):
    with pytest.raises(DataError, match="'0002_a.jpg' is not a DeepFashion name"):
        build_pairs(market, 'deepfashion')


def test_names_that_are_not_market(tmp_path):
    names = ['fashionMENShirts_Polosid0000180201_1front.jpg', '-1_a.jpg']
    write_annotations(tmp_path / 'a.csv', names, np.ones((2, 18, 3)))
    with pytest.raises(DataError, match='Polosid0000180201_1front.jpg. is not a Mark'):
        build_pairs(tmp_path / 'a.csv', 'market1501')


def test_wrong_arguments(market):
    with pytest.raises(ConfigError, match="one of .*'market1501'.*, got 'market'"):
        build_pairs(market, 'market')
    with pytest.raises(ConfigError, match='sample must be 0 or more, got -3'):
        build_pairs(market, 'market1501', sample=-3)
