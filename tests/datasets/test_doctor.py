"""The doctor: silent on sound data, exact on every way in which data is broken."""

from __future__ import annotations

import gzip
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from posegen.datasets import (
    read_annotations,
    read_pairs,
    write_annotations,
    write_pairs,
)
from posegen.datasets.doctor import (
    Finding,
    Report,
    examine_datasets,
    examine_folder,
    recognise,
)
from posegen.utils.errors import DataError
from tests.helpers.pair_set import write_pair_set

PEOPLE = 12
TRAIN, TEST = 'bounding_box_train', 'bounding_box_test'
TRAIN_ROWS, TEST_ROWS = 'market-annotation-train.csv', 'market-annotation-test.csv'
TRAIN_PAIRS, TEST_PAIRS = 'market-pairs-train.csv', 'market-pairs-test.csv'
MARKET = {
    'train': (TRAIN, TRAIN_ROWS, TRAIN_PAIRS),
    'test': (TEST, TEST_ROWS, TEST_PAIRS),
}


def market_name(name: str, first: int) -> str:
    person, view = name.removesuffix('.png').split('_')
    return f'{int(person) + first:04d}_c{int(view) + 1}s1_000001_00.png'


def write_market(root: Path, size: tuple[int, int] = (128, 64)) -> Path:
    """Two splits of stick figures under the names of Market-1501."""
    for seed, (split, (images, rows, pairs)) in enumerate(MARKET.items()):
        first = 100 * seed + 2
        made = write_pair_set(root / 'made', PEOPLE, size=size, seed=seed, split=split)
        (root / images).mkdir()
        for file in (root / 'made' / split).iterdir():
            file.rename(root / images / market_name(file.name, first))
        table = read_annotations(root / 'made' / made['annotation_file'])
        names = [market_name(name, first) for name in table.names]
        write_annotations(root / rows, names, table.keypoints)
        both = read_pairs(root / 'made' / made['pair_file'])
        write_pairs(root / pairs, [[market_name(n, first) for n in p] for p in both])
        shutil.rmtree(root / 'made')
    return root


@pytest.fixture(scope='module')
def sound_market(tmp_path_factory):
    return write_market(tmp_path_factory.mktemp('market'))


@pytest.fixture
def market(sound_market, tmp_path):
    """A fresh copy to break, at ``data/market1501``."""
    return Path(shutil.copytree(sound_market, tmp_path / 'data/market1501'))


def unpublished(report: Report) -> list[Finding]:
    """Findings but for the counts, which no small set has."""
    return [finding for finding in report.findings if finding.kind != 'count']


def examine(folder: Path, fast: bool = False) -> list[Finding]:
    return unpublished(examine_folder(folder, fast)[0])


def first_name(folder: Path) -> str:
    return sorted(path.name for path in folder.iterdir())[0]


def edit_joints(file: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    table = read_annotations(file)
    write_annotations(file, table.names, change(table.keypoints.copy()))


def edit_line(file: Path, line: int, text: str) -> None:
    lines = file.read_text().splitlines()
    lines[line - 1] = text
    file.write_text('\n'.join(lines) + '\n')


# -- sound data ------------------------------------------------------------------------


@pytest.mark.parametrize('fast', [False, True])
def test_sound_data_has_only_its_counts(market, fast):
    report, splits = examine_folder(market, fast)
    assert unpublished(report) == []
    assert report.healthy
    assert [split.name for split in splits] == ['train', 'test']
    assert report.facts[0] == 'train: 24 images (24 of 128x64), 24 annotated, 24 pairs'
    counts = [finding.message for finding in report.findings]
    assert 'train: 24 annotations, the published list has 12,936.' in counts
    assert 'test: 24 pairs, the published list has 12,000.' in counts


@pytest.mark.parametrize(
    'name, rows, pairs',
    [('market1501', '19,732', '12,000'), ('deepfashion', '4,038', '8,570')],
)
def test_real_photos_are_sound(shared, name, rows, pairs):
    report, splits = examine_folder(shared(f'data/real/{name}'))
    assert [split.name for split in splits] == ['test']
    assert [finding.kind for finding in report.findings] == ['count', 'count', 'split']
    assert rows in report.findings[0].message
    assert pairs in report.findings[1].message


@pytest.mark.parametrize(
    'rows, pairs, split',
    [
        ('market-annotation-test.csv.gz', 'market-pairs-test.csv', 'test'),
        ('fasion-annotation-test.csv', 'fashion-pairs-test.csv', 'test'),
    ],
)
def test_published_lists_are_sound(shared, rows, pairs, split, tmp_path):
    """No finding on the lists themselves, once there are no images to compare with."""
    market = rows.startswith('market')
    names = (TEST, TEST_ROWS, TEST_PAIRS) if market else (
        'test', 'fasion-annotation-test.csv', 'fasion-pairs-test.csv'
    )  # fmt: skip
    data = shared(f'data/annotations/{rows}').read_bytes()
    text = gzip.decompress(data) if rows.endswith('.gz') else data
    (tmp_path / names[1]).write_bytes(text)
    shutil.copy(shared(f'data/annotations/{pairs}'), tmp_path / names[2])
    kinds = {(f.severity, f.kind) for f in examine_folder(tmp_path)[0].findings}
    assert kinds == {('error', 'images missing'), ('note', 'nobody'), ('note', 'split')}


def test_synthetic_and_own_layouts(tmp_path):
    for split, seed in (('train', 0), ('test', 1)):
        write_pair_set(tmp_path / 'a', PEOPLE, split=split, seed=seed, truth=True)
    assert recognise(tmp_path / 'a') == 'synthetic'
    report, splits = examine_folder(tmp_path / 'a')
    assert report.findings == []
    assert report.to_text().endswith('Nothing is wrong.')
    assert [split.truth_dir for split in splits] == ['truth/train', 'truth/test']
    for file in (tmp_path / 'a').glob('synthetic-*'):
        file.rename(file.with_name(file.name.removeprefix('synthetic-')))
    assert recognise(tmp_path / 'a') == 'own'
    assert examine_folder(tmp_path / 'a')[0].findings == []


# -- broken data -----------------------------------------------------------------------


def one_level_off(root: Path) -> None:
    inner = root / 'market1501'
    inner.mkdir()
    for path in list(root.iterdir()):
        if path != inner:
            path.rename(inner / path.name)


def rename(old: str, new: str) -> Callable[[Path], None]:
    return lambda root: (root / old).rename(root / new)


def remove(name: str) -> Callable[[Path], None]:
    def apply(root: Path) -> None:
        path = root / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return apply


def pack_images(root: Path) -> None:
    shutil.rmtree(root / TRAIN)
    (root / 'Market-1501-v15.09.15.zip').write_bytes(b'PK\x03\x04')


def add_spent_archive(root: Path) -> None:
    (root / 'lists.tar.gz').write_bytes(b'\x1f\x8b')


def lose_image(root: Path) -> None:
    (root / TRAIN / first_name(root / TRAIN)).unlink()


def other_endings(root: Path) -> None:
    for path in list((root / TRAIN).iterdir()):
        path.rename(path.with_suffix('.JPG'))


def images_in_sub_folder(root: Path) -> None:
    (root / TRAIN / 'all').mkdir()
    for path in list((root / TRAIN).glob('*.png')):
        path.rename(path.parent / 'all' / path.name)


def cut_image(root: Path) -> None:
    path = root / TRAIN / first_name(root / TRAIN)
    path.write_bytes(path.read_bytes()[:-200])


def empty_image(root: Path) -> None:
    (root / TRAIN / first_name(root / TRAIN)).write_bytes(b'')


def lfs_image(root: Path) -> None:
    text = b'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n'
    (root / TRAIN / first_name(root / TRAIN)).write_bytes(text)


def html_list(root: Path) -> None:
    (root / TRAIN_ROWS).write_text('<!DOCTYPE html><html>Quota exceeded</html>')


def zipped_list(root: Path) -> None:
    data = gzip.compress((root / TRAIN_ROWS).read_bytes())
    (root / TRAIN_ROWS).write_bytes(data)


def no_header(root: Path) -> None:
    lines = (root / TRAIN_ROWS).read_text().splitlines()[1:]
    (root / TRAIN_ROWS).write_text('\n'.join(lines))


def turn_image(root: Path) -> None:
    path = root / TRAIN / first_name(root / TRAIN)
    exif = Image.Exif()
    exif[0x0112] = 3
    with Image.open(path) as image:
        pixels = image.copy()
    pixels.save(path, exif=exif)


def transparent_image(root: Path) -> None:
    path = root / TRAIN / first_name(root / TRAIN)
    with Image.open(path) as image:
        pixels = image.convert('RGBA')
    pixels.save(path)


def phone_image(root: Path) -> None:
    (root / TRAIN / 'x.HEIC').write_bytes(b'')


def wide_images(root: Path) -> None:
    for path in (root / TRAIN).iterdir():
        Image.new('RGB', (128, 128)).save(path)


def one_wide_image(root: Path) -> None:
    Image.new('RGB', (99, 64)).save(root / TRAIN / first_name(root / TRAIN))


def change(joints: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    return lambda root: edit_joints(root / TRAIN_ROWS, joints)


def swap_sides(joints: list[int], others: list[int]) -> Callable[[Path], None]:
    def apply(keypoints: np.ndarray) -> np.ndarray:
        keypoints[:, joints + others] = keypoints[:, others + joints]
        return keypoints

    return change(apply)


def zero_missing(keypoints: np.ndarray) -> np.ndarray:
    keypoints[::2, 3:5] = [0, 0, 1]
    return keypoints


def no_joints(keypoints: np.ndarray) -> np.ndarray:
    keypoints[0] = 0
    return keypoints


def line_of(name: str, line: int, text: str) -> Callable[[Path], None]:
    return lambda root: edit_line(root / name, line, text)


def copy_row(root: Path) -> None:
    lines = (root / TRAIN_ROWS).read_text().splitlines()
    (root / TRAIN_ROWS).write_text('\n'.join([*lines, lines[1]]))


def with_pairs(*pairs: tuple[int, int]) -> Callable[[Path], None]:
    """Add pairs of images, by their place in the annotation."""

    def apply(root: Path) -> None:
        names = read_annotations(root / TRAIN_ROWS).names
        old = read_pairs(root / TRAIN_PAIRS)
        new = [(names[a], names[b]) for a, b in pairs]
        write_pairs(root / TRAIN_PAIRS, old + new)

    return apply


def no_pairs(root: Path) -> None:
    write_pairs(root / TRAIN_PAIRS, [])


def share_people(root: Path) -> None:
    for old, new in zip(MARKET['train'], MARKET['test']):
        path = root / new
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        old = root / old
        shutil.copytree(old, path) if old.is_dir() else shutil.copy(old, path)


def deepfashion_names(root: Path) -> None:
    for name in (TRAIN_ROWS, TRAIN_PAIRS):
        text = (root / name).read_text().replace('_c', '_d')
        (root / name).write_text(text.replace('00', 'fashionMENTees_Tanksid00'))


def lose_row(root: Path) -> None:
    lines = (root / TRAIN_ROWS).read_text().splitlines()
    (root / TRAIN_ROWS).write_text('\n'.join(lines[:1] + lines[2:]))


DAMAGES = [
    (one_level_off, 'error', 'one level off', 'data_root='),
    (
        rename(TRAIN_ROWS, 'market_annotation_train.csv'),
        *('error', 'spelling', 'mv .*market_annotation_train.csv .*market-annotation-'),
    ),
    (rename(TRAIN, 'Bounding_Box_Train'), 'error', 'spelling', 'mv '),
    (remove(TRAIN), 'error', 'images missing', 'prepare_market1501.py --raw'),
    (remove(TRAIN_ROWS), 'error', 'annotations missing', 'prepare_market1501.py'),
    (remove(TRAIN_PAIRS), 'error', 'pairs missing', "build_pairs.*'market1501'"),
    (pack_images, 'error', 'archives', 'unzip -q .*v15.09.15.zip'),
    (add_spent_archive, 'note', 'archives', ''),
    (lose_image, 'error', 'images missing', 'complete the images'),
    (other_endings, 'error', 'image names', 'rename them'),
    (images_in_sub_folder, 'error', 'images one level off', 'move them up'),
    (cut_image, 'error', 'unreadable', 'fetch the files again'),
    (empty_image, 'error', 'unreadable', 'fetch the files again'),
    (lfs_image, 'error', 'unreadable', 'git lfs pull'),
    (html_list, 'error', 'no list', 'fetch the files again'),
    (zipped_list, 'error', 'no list', 'gunzip'),
    (no_header, 'error', 'list format', 'header'),
    (turn_image, 'warning', 'turned', 'exiftool -Orientation= '),
    (transparent_image, 'warning', 'pixel type', '8-bit RGB'),
    (phone_image, 'note', 'not read', 'pip install pillow-heif'),
    (wide_images, 'error', 'image size', 'annotation_size=None'),
    (one_wide_image, 'warning', 'image size', 'annotation_size=None'),
    (
        change(lambda k: k[..., [1, 0, 2]]),
        *('error', 'joint columns', 'y before x'),
    ),
    (
        change(lambda k: k * [1, -1, 1] + [0, 127, 0]),
        *('error', 'joint columns', 'top'),
    ),
    (change(lambda k: k * [2, 2, 1]), 'error', 'joints outside', 'annotation_size'),
    (change(lambda k: k / [64, 128, 1]), 'error', 'joint units', 'multiply'),
    (change(zero_missing), 'error', 'missing as 0', 'convert_keypoints.py'),
    (change(lambda k: k * 0), 'error', 'nobody', 'convert_keypoints.py'),
    (change(no_joints), 'warning', 'no joints', 'leave them out'),
    (swap_sides([14, 16], [15, 17]), 'error', 'left and right', '14 with 15'),
    (
        swap_sides([2, 3, 4, 8, 9, 10, 14, 16], [5, 6, 7, 11, 12, 13, 15, 17]),
        *('error', 'left and right', 'own right'),
    ),
    (line_of(TRAIN_ROWS, 3, 'a.png: [1]: [2]'), 'error', 'row length', '18 numbers'),
    (line_of(TRAIN_ROWS, 3, 'a.png, 1, 2'), 'error', 'row format', "':' between"),
    (copy_row, 'error', 'row twice', 'one row'),
    (line_of(TRAIN_PAIRS, 3, 'a.png'), 'error', 'pair format', 'source.jpg,target'),
    (with_pairs((0, 0)), 'warning', 'pair with itself', 'take them out'),
    (with_pairs((0, 1)), 'warning', 'pair twice', 'awk'),
    (with_pairs((0, 5)), 'error', 'pair across people', 'build_pairs'),
    (no_pairs, 'error', 'no pairs', 'fill it'),
    (share_people, 'error', 'train/test overlap', 'take their pairs out'),
    (deepfashion_names, 'error', 'names', 'use the lists of Market-1501'),
    (lose_row, 'error', 'no row', 'convert_keypoints.py'),
]


@pytest.mark.parametrize('damage, severity, kind, cure', DAMAGES)
def test_every_damage_is_named_with_its_cure(market, damage, severity, kind, cure):
    damage(market)
    finding = next(f for f in examine(market) if f.kind == kind)
    assert finding.severity == severity
    assert finding.message.endswith('.')
    assert re.search(cure, finding.cure), finding.cure


HARMLESS_BESIDE = {'not annotated', 'split'}


@pytest.mark.parametrize(
    'damage',
    [lose_image, cut_image, copy_row, no_pairs, add_spent_archive, share_people]
    + [swap_sides([14, 16], [15, 17]), with_pairs((0, 5)), turn_image],
)
def test_one_damage_is_one_finding(market, damage):
    damage(market)
    kinds = [f.kind for f in examine(market) if f.kind not in HARMLESS_BESIDE]
    assert len(kinds) == 1


def test_nothing_hides_behind_the_first_problem(market):
    for damage in (lose_image, with_pairs((0, 0), (0, 5)), copy_row, add_spent_archive):
        damage(market)
    edit_joints(market / TEST_ROWS, lambda k: k[..., [1, 0, 2]])
    remove(TEST_PAIRS)(market)
    report, _ = examine_folder(market)
    kinds = {finding.kind for finding in report.findings}
    assert kinds >= {
        *('images missing', 'row twice', 'pair with itself', 'pair across people'),
        *('joint columns', 'pairs missing'),
    }
    assert not report.healthy


def test_a_cut_image_needs_decoding(market):
    cut_image(market)
    assert examine(market, fast=True) == []
    finding = examine(market)[0]
    assert finding.examples == (first_name(market / TRAIN),)


def test_header_damage_is_found_fast(market):
    lfs_image(market)
    assert [f.kind for f in examine(market, fast=True)] == ['unreadable']


def test_examples_are_few_and_counted(market):
    for path in sorted((market / TRAIN).iterdir())[:9]:
        path.unlink()
    report, _ = examine_folder(market)
    finding = next(f for f in report.findings if f.kind == 'images missing')
    assert finding.count == 9
    assert len(finding.examples) == 3
    text = report.to_text()
    assert '9 of 24 images that pairs name are not in' in text
    assert '... and 6 more' in text
    assert '-> complete the images' in text
    assert text.splitlines()[-1].startswith('1 error, ')


def test_images_that_lists_do_not_name_are_a_note(market):
    Image.new('RGB', (64, 128)).save(market / TRAIN / 'holiday.png')
    (market / TRAIN / 'Thumbs.db').write_bytes(b'0')
    [finding] = examine(market)
    assert (finding.severity, finding.kind) == ('note', 'not annotated')
    assert finding.examples == ('holiday.png',)


def test_missing_truth(tmp_path):
    made = write_pair_set(tmp_path, truth=True)
    made |= {'type': 'PosePairDataset'}
    (tmp_path / 'truth/train/0000_0___0000_1.npz').unlink()
    report, _ = examine_datasets({'train': made}, 'config')
    assert [(f.kind, f.count) for f in report.findings] == [('truth missing', 1)]
    report, _ = examine_datasets({'train': made | {'truth_missing': 'empty'}}, 'config')
    assert not report.findings


# -- DeepFashion's two frames ----------------------------------------------------------


def write_deepfashion(root: Path, image_width: int, joint_width: int) -> dict:
    """A training split; its images and joints each on one of the two canvases."""
    made = write_pair_set(root / 'made', PEOPLE, size=(256, 256))
    names = {
        f'{p:04d}_{v}.png': f'fashionMENTees_Tanksid000000{p:02d}01_{v}front.png'
        for p in range(PEOPLE)
        for v in range(2)
    }
    (root / 'train').mkdir()
    left = (256 - image_width) // 2
    for old, new in names.items():
        with Image.open(root / 'made/train' / old) as image:
            image = image.crop((left, 0, 256 - left, 256))
        image.save(root / 'train' / new)
    table = read_annotations(root / 'made' / made['annotation_file'])
    shift = [(256 - joint_width) // 2, 0, 0] * (table.keypoints[..., 2:] > 0)
    new_names = [names[name] for name in table.names]
    lists = 'fasion-annotation-train.csv', 'fasion-pairs-train.csv'
    write_annotations(root / lists[0], new_names, table.keypoints - shift)
    pairs = read_pairs(root / 'made' / made['pair_file'])
    write_pairs(root / lists[1], [(names[a], names[b]) for a, b in pairs])
    return {
        'type': 'PosePairDataset',
        'data_root': str(root),
        'image_dir': 'train',
        'annotation_file': lists[0],
        'pair_file': lists[1],
        'image_size': (256, 256),
    }


@pytest.mark.parametrize(
    'image_width, joint_width, stated, kinds',
    [
        (256, 256, 256, set()),
        (176, 176, 176, set()),
        (256, 176, 256, {'joint frame'}),
        (176, 256, 256, {'image size'}),
        (176, 176, 256, {'image size', 'joint frame'}),
        (256, 256, 176, {'joint frame'}),
        (256, 176, 176, {'joint frame'}),  # the images have the canvas's bands
    ],
)
def test_deepfashion_frames(tmp_path, image_width, joint_width, stated, kinds):
    dataset = write_deepfashion(tmp_path, image_width, joint_width)
    dataset['annotation_size'] = (256, stated)
    report, _ = examine_datasets({'train': dataset}, 'config')
    found = {f.kind for f in unpublished(report) if f.severity == 'error'}
    assert found - {'joints outside'} == kinds


def test_the_crops_list_in_place_of_the_canvas_list(tmp_path):
    dataset = write_deepfashion(tmp_path, 176, 176)
    name = 'fasion-resize-annotation-train.csv'
    (tmp_path / dataset['annotation_file']).rename(tmp_path / name)
    report, _ = examine_folder(tmp_path)
    finding = next(f for f in report.findings if f.kind == 'joint frame')
    assert 'annotation_size=(256, 176)' in finding.cure


# -- folders and configs ---------------------------------------------------------------


def test_absent_root_names_what_is_near(market):
    dataset = {
        'type': 'PosePairDataset',
        'data_root': str(market.parent / 'Market1501'),
        'image_dir': TRAIN,
        'annotation_file': TRAIN_ROWS,
        'pair_file': TRAIN_PAIRS,
        'image_size': (128, 64),
    }
    report, _ = examine_datasets({'train': dataset, 'test': dataset}, 'config')
    [finding] = report.findings
    assert finding.kind == 'data folder'
    assert f'data_root={market}' in finding.cure


def test_the_same_files_are_examined_once(market):
    lose_image(market)
    dataset = {
        'type': 'PosePairDataset',
        'data_root': str(market),
        'image_dir': TRAIN,
        'annotation_file': TRAIN_ROWS,
        'pair_file': TRAIN_PAIRS,
        'image_size': (128, 64),
        'annotation_size': (128, 64),
    }
    report, _ = examine_datasets({'test': dataset, 'val': dataset}, 'config')
    assert [f.kind for f in report.findings].count('images missing') == 1
    assert report.facts[1] == 'val: the same files as test'


@pytest.mark.parametrize(
    'dataset, reason',
    [
        ({'type': 'ToyDataset'}, 'its dataset is a ToyDataset'),
        ({'type': 'PosePairDataset', 'data_root': 'x'}, 'does not state image_dir'),
        (
            {'type': 'PosePairDataset', 'backend_args': {'backend': 'petrel'}},
            'not on a local disk',
        ),
    ],
)
def test_what_cannot_be_examined_is_said(dataset, reason):
    report, splits = examine_datasets({'train': dataset}, 'config')
    assert splits == []
    assert reason in report.findings[0].message


def test_folder_of_nothing(tmp_path):
    (tmp_path / 'notes.txt').write_text('')
    report, splits = examine_folder(tmp_path)
    assert [f.kind for f in report.findings] == ['unknown layout']
    assert splits == []
    with pytest.raises(DataError, match='none does not exist'):
        examine_folder(tmp_path / 'none')


def test_folder_above_the_data(market):
    report, _ = examine_folder(market.parent)
    [finding] = report.findings
    assert finding.kind == 'one level off'
    assert str(market) in finding.cure


@pytest.mark.parametrize(
    'names, family',
    [
        (['img_highres', 'list_eval_partition.txt'], 'deepfashion'),
        (['bounding_box_train', 'query'], 'market1501'),
    ],
)
def test_raw_trees_are_told_to_be_prepared(tmp_path, names, family):
    for name in names:
        (tmp_path / name).mkdir()
    report, _ = examine_folder(tmp_path)
    assert not report.healthy
    assert f'prepare_{family}.py' in report.to_text()
