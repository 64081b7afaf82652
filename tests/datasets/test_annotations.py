"""The two csv formats: released files, round trips, and every kind of broken line."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posegen.datasets import (
    annotations,
    read_annotations,
    read_pairs,
    write_annotations,
    write_pairs,
)
from posegen.utils.errors import DataError
from tests.codecs.formats.strategies import quick, records

HEADER = 'name:keypoints_y:keypoints_x\n'
GOOD = f'a.jpg: {list(range(18))}: {list(range(100, 118))}\n'


@pytest.mark.parametrize(
    'name, rows, whole, empty',
    [
        ('market-annotation-train.csv.gz', 12936, 903, 419),
        ('market-annotation-test.csv.gz', 19732, 1014, 3445),
        ('fasion-annotation-test.csv', 4038, 627, 619),
    ],
)
def test_released_files(shared, tmp_path, name, rows, whole, empty):
    file = shared(f'data/annotations/{name}')
    people = read_annotations(file)
    assert len(people) == len(people.names) == rows
    assert people.keypoints.shape == (rows, 18, 3)
    assert people.keypoints.dtype == np.float32
    present = people.keypoints[..., 2] == 1
    assert present.all(1).sum() == whole
    assert (~present.any(1)).sum() == empty
    assert (people.keypoints[~present] == 0).all()

    write_annotations(tmp_path / 'again.csv', people.names, people.keypoints)
    text = file.read_bytes()
    text = gzip.decompress(text) if name.endswith('.gz') else text
    assert (tmp_path / 'again.csv').read_bytes() == text


def test_y_comes_first(tmp_path):
    (tmp_path / 'a.csv').write_text(HEADER + GOOD)
    people = read_annotations(tmp_path / 'a.csv')
    assert people.names == ['a.jpg']
    assert people.keypoints[0, 3].tolist() == [103, 3, 1]


@quick
@given(people=st.lists(records, max_size=3))
def test_round_trip_is_exact_but_for_the_score(tmp_path_factory, people):
    file = tmp_path_factory.mktemp('csv') / 'a.csv'
    keypoints = np.array(people, dtype=np.float32).reshape(-1, 18, 3)
    names = [f'{index}: x, y.jpg' for index in range(len(people))]
    write_annotations(file, names, keypoints)
    expected = keypoints.copy()
    expected[..., 2] = keypoints[..., 2] > 0
    again = read_annotations(file)
    assert again.names == names
    np.testing.assert_array_equal(again.keypoints, expected)
    # As the published code reads it.
    for line, record in zip(file.read_text().splitlines()[1:], keypoints):
        y, x = (json.loads(column) for column in line.rsplit(':', 2)[1:])
        missing = record[:, 2] == 0
        loaded = np.array([x, y], dtype=np.float32).T
        assert (loaded[missing] == -1).all()
        np.testing.assert_array_equal(loaded[~missing], record[~missing, :2])


@pytest.mark.parametrize('axis', [0, 1])
def test_minus_one_on_either_axis_is_missing(tmp_path, axis):
    columns = [[5] * 18, [6] * 18]
    columns[axis][2] = -1
    (tmp_path / 'a.csv').write_text(f'{HEADER}a.jpg: {columns[0]}: {columns[1]}\n')
    keypoints = read_annotations(tmp_path / 'a.csv').keypoints[0]
    assert keypoints[2].tolist() == [0, 0, 0]
    assert keypoints[3].tolist() == [6, 5, 1]


@pytest.mark.parametrize('spelling', ['null', 'NaN'])
def test_other_spellings_of_missing(tmp_path, spelling):
    xs = f'[{spelling}, {", ".join(["7"] * 17)}]'
    (tmp_path / 'a.csv').write_text(f'{HEADER}a.jpg: {[5] * 18}: {xs}\n')
    keypoints = read_annotations(tmp_path / 'a.csv').keypoints[0]
    assert keypoints[0].tolist() == [0, 0, 0]
    assert (keypoints[1:] == [7, 5, 1]).all()


def test_other_negative_numbers_are_coordinates(tmp_path):
    columns = [-2, *range(20, 37)], [-0.5, *range(40, 57)]
    (tmp_path / 'a.csv').write_text(f'{HEADER}a.jpg: {columns[0]}: {columns[1]}\n')
    keypoints = read_annotations(tmp_path / 'a.csv').keypoints
    assert keypoints[0, 0].tolist() == [-0.5, -2, 1]
    assert keypoints[0, 1].tolist() == [40, 20, 1]


@pytest.mark.parametrize('name', ['a.csv', 'a.csv.gz'])
@pytest.mark.parametrize('seed', range(3))
def test_round_trip_is_exact_in_float32(tmp_path, name, seed):
    rng = np.random.default_rng(seed)
    keypoints = rng.normal(60, 100, (5, 18, 3)).astype(np.float32)
    keypoints[..., 2] = rng.random((5, 18)) > 0.3
    keypoints *= keypoints[..., 2:]
    names = ['x.png', 'with space.jpg', 'sub/y.png', 'c:colon.png', 'ümläut.png']
    write_annotations(tmp_path / name, names, keypoints)
    annotations = read_annotations(str(tmp_path / name))
    assert annotations.names == names
    np.testing.assert_array_equal(annotations.keypoints, keypoints)


def test_same_bytes_at_any_time(tmp_path, monkeypatch):
    write_pairs(tmp_path / 'a.csv.gz', [('x', 'y')])
    first = (tmp_path / 'a.csv.gz').read_bytes()
    monkeypatch.setattr('time.time', lambda: 1e9)
    write_pairs(tmp_path / 'a.csv.gz', [('x', 'y')])
    assert (tmp_path / 'a.csv.gz').read_bytes() == first
    assert [file.name for file in tmp_path.iterdir()] == ['a.csv.gz']


@pytest.mark.parametrize('text', ['', GOOD, 'name:keypoints_x:keypoints_y\n' + GOOD])
def test_wrong_annotation_header(tmp_path, text):
    (tmp_path / 'a.csv').write_text(text)
    with pytest.raises(DataError, match='a.csv: the first line must be .name:key'):
        read_annotations(tmp_path / 'a.csv')


@pytest.mark.parametrize('text', ['\ufeff' + HEADER, HEADER.replace('\n', '\r\n')])
def test_spreadsheet_spellings_of_the_header(tmp_path, text):
    (tmp_path / 'a.csv').write_bytes((text + GOOD + '\n \n').encode())
    assert read_annotations(tmp_path / 'a.csv').names == ['a.jpg']


@pytest.mark.parametrize(
    'line, message',
    [
        ('b.jpg', r"expected 'name: \[y ...\]: \[x ...\]', got 'b.jpg'"),
        ('b.jpg: [1, 2', 'expected'),
        (f'b.jpg: [1, 2: {[1] * 18}', 'are not two JSON lists'),
        (f'b.jpg: {[1] * 17}: {[1] * 18}', '18 numbers in keypoints_y, got 17'),
        (f'b.jpg: {[1] * 18}: {[1] * 19}', '18 numbers in keypoints_x, got 19'),
        (f'b.jpg: {[1] * 18}: 7', '18 numbers in keypoints_x, got 7'),
        (f'b.jpg: {[1] * 18}: {["1"] * 18}'.replace("'", '"'), 'finite numbers only'),
        (f'b.jpg: {[1] * 18}: [{"1e999, " * 17}1]', 'finite numbers only'),
        (f'b.jpg: {[1] * 18}: [{"true, " * 17}1]', 'finite numbers only'),
        (GOOD.strip(), "'a.jpg' has a row already"),
    ],
)
def test_broken_lines_are_named(tmp_path, line, message):
    (tmp_path / 'a.csv').write_text(f'{HEADER}{GOOD}{line}\n')
    with pytest.raises(DataError, match=f'a.csv, line 3: .*{message}'):
        read_annotations(tmp_path / 'a.csv')


@pytest.mark.parametrize(
    'number', ['3', '-1', '2.5', '1e3', 'null', 'NaN', 'true', '"x"']
)
def test_whole_files_and_single_lines_are_read_alike(tmp_path, monkeypatch, number):
    xs = f'[{number}, {", ".join(["7"] * 17)}]'
    file = tmp_path / 'a.csv'
    file.write_text(f'{HEADER}{GOOD}\n  b.jpg : {[5] * 18}: {xs}\n')
    quick, problems = annotations.scan_annotations(file)
    monkeypatch.setattr(annotations, '_parse_sound_lines', lambda lines: None)
    slow, expected = annotations.scan_annotations(file)
    assert problems == expected
    assert bool(problems) == (number in ('true', '"x"'))
    assert quick.names == slow.names
    np.testing.assert_array_equal(quick.keypoints, slow.keypoints)


def test_further_broken_lines_are_counted(tmp_path):
    (tmp_path / 'a.csv').write_text(f'{HEADER}b\nc\n{GOOD}d\n')
    with pytest.raises(DataError, match=r'line 2: .*\(and 2 more\)'):
        read_annotations(tmp_path / 'a.csv')


@pytest.mark.parametrize('read', [read_annotations, read_pairs])
def test_missing_and_undecodable_files(tmp_path, read):
    with pytest.raises(DataError, match='none.csv does not exist'):
        read(tmp_path / 'none.csv')
    with pytest.raises(DataError, match='cannot be read as text'):
        read(tmp_path)
    (tmp_path / 'a.csv.gz').write_text(HEADER)
    with pytest.raises(DataError, match='a.csv.gz cannot be read as text'):
        read(tmp_path / 'a.csv.gz')
    (tmp_path / 'a.csv').write_bytes(b'\xff\xfe\x00\x81')
    with pytest.raises(DataError, match='a.csv cannot be read as text'):
        read(tmp_path / 'a.csv')


@pytest.mark.parametrize(
    'names, change, message',
    [
        (['a'], None, r'must be \(1, 18, 3\) for 1 names, got \(2, 18, 3\)'),
        (['a', 'a'], None, 'names must be unique'),
        (['a', 'b'], (0, 0, 0, -1), 'not exactly -1'),
        (['a', 'b'], (1, 5, 1, np.nan), 'must be finite'),
        (['a', 'b'], (1, 5, 1, np.inf), 'must be finite'),
    ],
)
def test_what_cannot_be_written(tmp_path, names, change, message):
    keypoints = np.ones((2, 18, 3), np.float32)
    if change:
        keypoints[change[:3]] = change[3]
    with pytest.raises(ValueError, match=message):
        write_annotations(tmp_path / 'a.csv', names, keypoints)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('name', ['p.csv', 'p.csv.gz'])
def test_pairs_round_trip(tmp_path, name):
    pairs = [('a.jpg', 'b c.jpg'), ('b c.jpg', 'a.jpg'), ('a, b.jpg', 'say "x".jpg')]
    write_pairs(tmp_path / name, pairs)
    assert read_pairs(tmp_path / name) == pairs


@pytest.mark.parametrize('name', ['a.csv', 'file/a.csv'])
def test_targets_that_cannot_be_written(tmp_path, name):
    (tmp_path / 'a.csv').mkdir()  # a folder is in the way, or a file above
    (tmp_path / 'file').touch()
    before = sorted(tmp_path.rglob('*'))
    with pytest.raises(DataError, match=f'{name} cannot be written'):
        write_pairs(tmp_path / name, [('a.jpg', 'b.jpg')])
    with pytest.raises(DataError, match=f'{name} cannot be written'):
        write_annotations(tmp_path / name, ['a.jpg'], np.ones((1, 18, 3)))
    assert sorted(tmp_path.rglob('*')) == before


@pytest.mark.parametrize('name', ['market-pairs-test.csv', 'fashion-pairs-test.csv'])
def test_released_pairs_are_written_byte_for_byte(shared, tmp_path, name):
    file = shared(f'data/annotations/{name}')
    write_pairs(tmp_path / name, read_pairs(file))
    assert (tmp_path / name).read_bytes() == file.read_bytes()


@pytest.mark.parametrize('line', ['a.jpg', 'a.jpg,', 'a.jpg,b.jpg,c.jpg', ',b.jpg'])
def test_broken_pair_lines_are_named(tmp_path, line):
    (tmp_path / 'p.csv').write_text(f'from,to\nx,y\n\n{line}\n')
    with pytest.raises(DataError, match='p.csv, line 4: expected two file names'):
        read_pairs(tmp_path / 'p.csv')


@pytest.mark.parametrize('text', ['', 'to,from\nx,y\n', 'x,y\n'])
def test_wrong_pair_header(tmp_path, text):
    (tmp_path / 'p.csv').write_text(text)
    with pytest.raises(DataError, match="p.csv: the first line must be 'from,to'"):
        read_pairs(tmp_path / 'p.csv')
