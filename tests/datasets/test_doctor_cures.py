"""What the doctor advises: commands that do it, and no false alarms."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from posegen.datasets import read_annotations, write_annotations
from posegen.datasets.doctor import Finding, examine_datasets, examine_folder
from posegen.datasets.keypoint_conversion import convert_keypoints
from posegen.datasets.prepare import ImageOptions, prepare_deepfashion
from posegen.utils.errors import ConfigError
from tests.datasets.prepare.trees import (
    write_deepfashion_lists,
    write_deepfashion_tree,
)
from tests.helpers.pair_set import write_pair_set


def errors_of(folder: Path) -> list[Finding]:
    return [f for f in examine_folder(folder)[0].findings if f.severity == 'error']


def command(finding: Finding) -> str:
    """What stands in backticks."""
    return re.search('`(.+)`', finding.cure, re.DOTALL)[1]


@pytest.fixture
def people(tmp_path):
    """A sound set of synthetic people, in a folder with a blank in its name."""
    for split in ('train', 'test'):
        write_pair_set(tmp_path / 'my data', 12, size=(64, 48), split=split)
    return tmp_path / 'my data'


@pytest.mark.parametrize(
    'change',
    [
        'mv synthetic-pairs-train.csv Synthetic_pairs-train.csv',
        'gzip synthetic-annotation-test.csv',
        'gzip -c synthetic-pairs-test.csv > x && mv x synthetic-pairs-test.csv',
    ],
)
def test_commands_go_with_blanks_in_paths(people, change):
    assert errors_of(people) == []
    subprocess.run(change, shell=True, cwd=people, check=True)
    [finding] = errors_of(people)
    subprocess.run(command(finding), shell=True, check=True)
    assert errors_of(people) == []


def test_a_data_root_with_blanks_is_quoted(people):
    [finding] = errors_of(people.parent)
    assert f"--cfg-options 'data_root={people}'" in finding.cure


def test_the_folder_of_a_splits_images_is_one_too_deep(people):
    [finding] = errors_of(people / 'train')
    assert finding.kind == 'one level off'
    assert f'{people} looks like a data set' in finding.message
    (people / 'other').mkdir()
    assert [f.kind for f in errors_of(people / 'other')] == ['unknown layout']


def test_text_that_is_not_utf_8(people):
    pairs = people / 'synthetic-pairs-train.csv'
    pairs.write_bytes(pairs.read_bytes() + 'Zoë.png,a.png\n'.encode('latin-1'))
    [finding] = errors_of(people)
    assert finding.kind == 'list format'
    assert finding.cure == 'save it as plain text in UTF-8.'


def test_zeros_are_converted_by_the_command_that_is_named(people):
    rows = people / 'synthetic-annotation-train.csv'
    table = read_annotations(rows)
    table.keypoints[:, [4, 7]] = 0, 0, 1  # wrists
    write_annotations(rows, table.names, table.keypoints)
    [finding] = errors_of(people)
    assert finding.kind == 'missing as 0'
    assert 'convert_keypoints.py` and `--zeros-missing`' in finding.cure
    assert finding.count == len(table)
    [*convert_keypoints(rows, people / 'again.csv', zeros_missing=True)]
    (people / 'again.csv').replace(rows)
    assert errors_of(people) == []


@pytest.mark.parametrize('size, fit', [((256, 176), 'crop'), ((128, 128), 'squash')])
def test_prepared_sizes_are_not_alarming(tmp_path, size, fit):
    """The joints' frame is what the prepare script noted, not the config's."""
    write_deepfashion_tree(tmp_path / 'raw')
    lists = write_deepfashion_lists(tmp_path / 'lists')
    options = ImageOptions(size=size, fit=fit)
    out = tmp_path / 'out'
    prepare_deepfashion(tmp_path / 'raw', out, lists=lists, options=options, workers=1)
    assert errors_of(out) == []
    _, splits = examine_folder(out)
    assert {split.annotation_size for split in splits} == {size}
    (out / 'manifest.json').unlink()
    assert bool(errors_of(out)) == (fit == 'crop')
    (out / 'manifest.json').write_text('{"of": "another program"}')
    assert bool(errors_of(out)) == (fit == 'crop')


def test_pairs_follow_from_an_annotation_that_is_there(tmp_path):
    write_deepfashion_tree(tmp_path / 'raw')
    lists = write_deepfashion_lists(tmp_path / 'lists')
    out = tmp_path / 'out put'
    prepare_deepfashion(tmp_path / 'raw', out, lists=lists, workers=1)
    (out / 'fasion-pairs-train.csv').unlink()
    [finding] = errors_of(out)
    assert 'build_pairs' in command(finding)
    (out / 'fasion-annotation-train.csv').unlink()
    assert {'`python tools/datasets' in f.cure for f in errors_of(out)} == {True}


def test_sizes_that_are_none():
    dataset = dict(type='PosePairDataset', data_root='x', image_dir='x')
    dataset |= dict(annotation_file='a.csv', pair_file='p.csv', image_size=64)
    with pytest.raises(ConfigError, match=r'image_size must be \(height, width\)'):
        examine_datasets({'train': dataset}, 'config')
