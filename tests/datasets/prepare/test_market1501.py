"""Market-1501 from its folders to what the config reads."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from posegen.datasets import build_pairs, read_annotations, read_pairs, write_pairs
from posegen.datasets.prepare import ImageOptions, prepare_market1501
from posegen.utils.errors import ConfigError, DataError

from . import trees

SPLITS = ('train', 'test')


@pytest.fixture
def lists(tmp_path):
    return trees.write_market_lists(tmp_path / 'lists')


def run(tmp_path: Path, lists: Path, raw: str = 'raw', out: str = 'out', **options):
    return prepare_market1501(
        tmp_path / raw, tmp_path / out, lists=lists, workers=1, **options
    )


@pytest.mark.parametrize(
    ('folder', 'names'),
    [
        ('raw', 'bounding_box_{}'),
        ('raw/Market 1501 v15.09.15', 'bounding_box_{}'),
        ('raw', '{}'),
        ('raw/pytorch', '{}/all'),
    ],
)
def test_layouts(tmp_path, lists, folder, names):
    top = trees.write_market_tree(tmp_path / folder, names)
    assert run(tmp_path, lists).complete
    for split in SPLITS:
        made = tmp_path / f'out/bounding_box_{split}'
        assert set(os.listdir(made)) == set(trees.MARKET[split])
        for name in trees.MARKET[split]:
            raw = top / names.format(split) / name
            assert (made / name).read_bytes() == raw.read_bytes()
        table = f'market-annotation-{split}.csv'
        assert (tmp_path / 'out' / table).read_bytes() == (lists / table).read_bytes()


def test_raw_may_be_the_folder_itself(tmp_path, lists):
    trees.write_market_tree(tmp_path / 'raw')
    assert run(tmp_path, lists, 'raw/bounding_box_test', splits=('test',)).complete


def test_published_folders_come_before_renamed_ones(tmp_path, lists):
    trees.write_market_tree(tmp_path / 'raw')
    trees.write_market_tree(tmp_path / 'raw/pytorch', '{}')
    assert run(tmp_path, lists).complete


def test_folders_above_do_not_count(tmp_path, lists):
    top = trees.write_market_tree(tmp_path / 'train/raw')
    (top / 'bounding_box_train').rename(top / 'elsewhere')
    report = run(tmp_path, lists, raw='train/raw')
    assert [s.counts[0].found for s in report.splits] == [0, 6]


def test_pairs(tmp_path, lists):
    trees.write_market_tree(tmp_path / 'raw')
    assert run(tmp_path, lists).complete
    for split, sample in (('train', None), ('test', 12000)):
        source = lists / f'market-annotation-{split}.csv'
        made = read_pairs(tmp_path / f'out/market-pairs-{split}.csv')
        assert made == build_pairs(source, 'market1501', sample)
        assert made
        assert not [name for pair in made for name in pair if name.startswith('-1')]


def test_pairs_of_the_user(tmp_path, lists):
    trees.write_market_tree(tmp_path / 'raw')
    pairs = [tuple(trees.MARKET['train'][:2])]
    write_pairs(lists / 'market-pairs-train.csv', pairs)
    run(tmp_path, lists)
    assert read_pairs(tmp_path / 'out/market-pairs-train.csv') == pairs


def test_another_size_scales_the_joints(tmp_path, lists):
    top = trees.write_market_tree(tmp_path / 'raw')
    options = ImageOptions(size=(64, 32), filter='box', file_type='png')
    report = run(tmp_path, lists, options=options)
    assert 'set image_size and annotation_size to (64, 32)' in report.text()
    name = trees.MARKET['test'][1]
    made = Image.open(tmp_path / 'out/bounding_box_test' / name.replace('.jpg', '.png'))
    raw = Image.open(top / 'bounding_box_test' / name)
    assert np.array_equal(made, raw.resize((32, 64), Image.Resampling.BOX))
    was = read_annotations(lists / 'market-annotation-test.csv').keypoints
    got = read_annotations(tmp_path / 'out/market-annotation-test.csv').keypoints
    assert np.array_equal(got[..., :2], was[..., :2] // 2)


def test_in_place(tmp_path, lists):
    top = trees.write_market_tree(tmp_path / 'raw')
    before = trees.contents(top)
    assert run(tmp_path, lists, out='raw').complete
    after = trees.contents(top)
    assert {name: after[name] for name in before} == before
    assert sorted(after.keys() - before.keys()) == [
        'manifest.json',
        *(f'market-annotation-{split}.csv' for split in ('test', 'train')),
        *(f'market-pairs-{split}.csv' for split in ('test', 'train')),
    ]
    assert run(tmp_path, lists, out='raw').unchanged


def test_in_place_finds_broken_files(tmp_path, lists):
    file = trees.write_market_tree(tmp_path / 'raw') / 'bounding_box_test'
    file /= trees.MARKET['test'][0]
    whole = file.read_bytes()
    for _ in range(2):  # the second run does not believe that it is there
        file.write_bytes(whole[:-99])
        report = run(tmp_path, lists, out='raw')
        assert [name for name, _ in report.splits[1].missing] == [file.name]
    file.write_bytes(whole)
    assert run(tmp_path, lists, out='raw').complete


def test_in_place_with_other_names(tmp_path, lists):
    trees.write_market_tree(tmp_path / 'raw', '{}')
    assert run(tmp_path, lists, out='raw').complete
    assert len(os.listdir(tmp_path / 'raw/bounding_box_train')) == 5


@pytest.mark.parametrize('changed', [{'size': (64, 32)}, {'file_type': 'png'}])
def test_in_place_changes_no_image(tmp_path, lists, changed):
    trees.write_market_tree(tmp_path / 'raw')
    options = ImageOptions(**({'size': None} | changed))
    with pytest.raises(ConfigError, match='in place only as they are'):
        run(tmp_path, lists, out='raw', options=options)


def test_crop_is_not_for_market(tmp_path, lists):
    with pytest.raises(ConfigError, match="fit must be 'squash' for Market-1501"):
        run(tmp_path, lists, options=ImageOptions(fit='crop'))


def test_out_of_another_set(tmp_path, lists):
    trees.write_market_tree(tmp_path / 'raw')
    run(tmp_path, lists)
    manifest = tmp_path / 'out/manifest.json'
    text = json.loads(manifest.read_text()) | {'dataset': 'deepfashion'}
    manifest.write_text(json.dumps(text))
    with pytest.raises(DataError, match='out holds deepfashion: name another --out'):
        run(tmp_path, lists)


def test_names_of_another_set(tmp_path, lists):
    trees.write_annotation(lists / 'market-annotation-train.csv', ['fashion.jpg'])
    with pytest.raises(DataError, match="'fashion.jpg' is not the name of a Market"):
        run(tmp_path, lists)


def test_without_joints_nothing_goes(tmp_path, lists):
    (lists / 'market-annotation-train.csv').unlink()
    with pytest.raises(
        DataError, match=r'no market-annotation-train.csv \(pl'
    ) as error:
        run(tmp_path, lists, allow_missing=True)
    assert '--allow-missing' not in str(error.value)  # it would not help here


@pytest.mark.parametrize(('split', 'images'), [('train', 12936), ('test', 19732)])
def test_published_lists(shared, tmp_path, split, images):
    """The numbers of images and pairs by the real lists, with no image there."""
    lists = shared('data/annotations')
    (tmp_path / 'raw' / split).mkdir(parents=True)
    name = '0000_c1s1_000151_01.jpg'
    (tmp_path / 'raw' / split / name).write_bytes(trees.jpeg((8, 4), 0))
    report = run(tmp_path, lists, splits=(split,))
    counts = {c.what: (c.expected, c.published) for c in report.splits[0].counts}
    pairs = {'train': 263632, 'test': 12000}[split]
    assert counts == {
        'images': (images, images),
        'annotated': (images, images),
        'pairs': (pairs, pairs),
    }
    lines = (tmp_path / 'out/missing.txt').read_text().splitlines()
    assert len(lines) == len(report.splits[0].missing) >= images - 1
    if split == 'test':
        made = read_pairs(tmp_path / 'out/market-pairs-test.csv')
        assert made == read_pairs(lists / 'market-pairs-test.csv')
