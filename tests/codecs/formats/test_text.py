"""NTED's text files."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given

from posegen.codecs.formats import keypoints_text, read_keypoints_text
from posegen.utils.errors import DataError

from .strategies import quick, records


@quick
@given(record=records)
def test_round_trip_is_exact_but_for_the_score(record):
    text = keypoints_text(record)
    expected = record.copy()
    expected[..., 2] = record[..., 2] > 0
    np.testing.assert_array_equal(read_keypoints_text(text, 'a.txt'), expected)
    # As NTED and PIDM read it.
    loaded = np.loadtxt(io.StringIO(text))
    missing = record[:, 2] == 0
    assert (loaded[missing] == -1).all()
    np.testing.assert_array_equal(
        loaded[~missing].astype(np.float32), record[~missing, :2]
    )


def test_x_comes_first_and_whole_numbers_have_no_point():
    record = np.zeros((18, 3), dtype=np.float32)
    record[0], record[1] = (128, 40, 1), (3.5, 0, 0.2)
    assert keypoints_text(record).splitlines()[:3] == ['128 40', '3.5 0', '-1 -1']


@pytest.mark.parametrize('line', ['-1 -1', '-1 5', '5,-1', 'nan 3', '-1.000e+00, 7'])
def test_spellings_of_missing(line):
    record = read_keypoints_text('\n'.join([line] + ['0 0'] * 17), 'a.txt')
    assert record[0].tolist() == [0, 0, 0]
    assert (record[1:] == [0, 0, 1]).all()


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('', 'must have 18 lines of x and y, got 0 lines'),
        ('1 2\n' * 17, 'got 17 lines'),
        ('1 2 3\n' * 18, r'got 18 lines with \[3\] numbers'),
        ('1 x\n' * 18, 'finite numbers only'),
        ('1 inf\n' * 18, 'finite numbers only'),
    ],
)
def test_broken_files(text, message):
    with pytest.raises(DataError, match=f'a.txt {message}|a.txt.*{message}'):
        read_keypoints_text(text, 'a.txt')
