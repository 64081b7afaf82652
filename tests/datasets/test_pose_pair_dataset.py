"""The pair dataset: what it yields, and what it says about broken data."""

from __future__ import annotations

import logging
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.logging import MMLogger
from PIL import Image
from torch.utils.data import ConcatDataset, DataLoader

from posegen.datasets import PosePairDataset, read_annotations, write_pairs
from posegen.models.preprocessor import PosePairPreprocessor
from posegen.registry import DATASETS, TRANSFORMS
from posegen.utils.errors import ConfigError, DataError
from tests.helpers.pair_set import write_pair_set

TENSORS = {
    'source_image': ((3, 64, 48), torch.uint8),
    'target_image': ((3, 64, 48), torch.uint8),
    'source_keypoints': ((18, 3), torch.float32),
    'target_keypoints': ((18, 3), torch.float32),
}
TRUTH = {
    'flow': ((2, 64, 48), torch.float32),
    'visibility': ((64, 48), torch.bool),
    'part_labels': ((64, 48), torch.uint8),
}


@pytest.fixture
def pair_set(tmp_path):
    """Arguments for a set of 3 people in 2 views: 6 pairs in lines 2 to 7."""
    return write_pair_set(tmp_path, num_people=3, size=(64, 48), truth=True)


@pytest.fixture
def warnings(caplog):
    """Text of the warnings that went through MMEngine's logger."""
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    yield lambda: [r.message for r in caplog.records if r.levelno == logging.WARNING]
    logger.removeHandler(caplog.handler)


def replace_line(file: str | Path, line: int, text: str) -> None:
    lines = Path(file).read_text().splitlines()
    lines[line - 1] = text
    Path(file).write_text('\n'.join(lines) + '\n')


def test_sample(pair_set):
    dataset = DATASETS.build({'type': 'PosePairDataset', **pair_set})
    assert isinstance(dataset, PosePairDataset)
    assert len(dataset) == 6
    sample = dataset[1]
    assert sample['source_name'] == '0000_1.png'
    assert sample['target_name'] == '0000_0.png'
    for key, (shape, dtype) in (TENSORS | TRUTH).items():
        assert (sample[key].shape, sample[key].dtype) == (shape, dtype), key
    root = Path(pair_set['data_root'])
    expected = np.asarray(Image.open(root / 'train/0000_1.png')).transpose(2, 0, 1)
    np.testing.assert_array_equal(sample['source_image'], expected)
    keypoints = read_annotations(root / pair_set['annotation_file']).keypoints
    np.testing.assert_array_equal(sample['source_keypoints'], keypoints[1])
    np.testing.assert_array_equal(sample['target_keypoints'], keypoints[0])


def test_sample_without_truth(pair_set):
    del pair_set['truth_dir']
    sample = PosePairDataset(**pair_set)[0]
    assert sorted(sample) == sorted([*TENSORS, 'source_name', 'target_name'])


def test_iteration_ends(pair_set):
    dataset = PosePairDataset(**pair_set)
    names = [(sample['source_name'], sample['target_name']) for sample in dataset]
    assert names == [dataset.pair_names(index) for index in range(6)]


@pytest.mark.parametrize('workers', [0, 2])
def test_batches(pair_set, workers):
    loader = DataLoader(PosePairDataset(**pair_set), batch_size=3, num_workers=workers)
    batches = list(loader)
    assert len(batches) == 2
    for key, (shape, dtype) in (TENSORS | TRUTH).items():
        assert (batches[0][key].shape, batches[0][key].dtype) == ((3, *shape), dtype)
    assert batches[0]['source_name'] == ['0000_0.png', '0000_1.png', '0001_0.png']


def test_other_image_size(pair_set):
    del pair_set['truth_dir']
    small = PosePairDataset(**pair_set | {'image_size': (32, 24)})[0]
    large = PosePairDataset(**pair_set)[0]
    assert small['source_image'].shape == (3, 32, 24)
    present = large['source_keypoints'][:, 2] > 0
    expected = (large['source_keypoints'][present, :2] + 0.5) / 2 - 0.5
    torch.testing.assert_close(small['source_keypoints'][present, :2], expected)


def test_annotation_size_of_each_image_by_default(pair_set):
    with_size = PosePairDataset(**pair_set)[0]
    without = PosePairDataset(**pair_set | {'annotation_size': None})[0]
    assert torch.equal(with_size['source_keypoints'], without['source_keypoints'])


def test_gfla_scaling_gives_integers(pair_set):
    pair_set |= {'annotation_size': (64, 33), 'scaling': 'gfla'}
    sample = PosePairDataset(**pair_set)[0]
    file = Path(pair_set['data_root']) / pair_set['annotation_file']
    columns = read_annotations(file).keypoints[0, :, 0].astype(np.float64)
    expected = np.trunc(columns * (48 / 33))
    np.testing.assert_array_equal(sample['source_keypoints'][:, 0], expected)


def test_max_pairs(pair_set):
    dataset = PosePairDataset(**pair_set, max_pairs=2)
    assert len(dataset) == 2
    with pytest.raises(IndexError):
        dataset[2]


def test_own_pipeline(pair_set):
    class MirrorNames:
        def __call__(self, results):
            results['source_name'] = results['source_name'][::-1]
            return results

    TRANSFORMS.register_module(module=MirrorNames)
    types = ['LoadPairImages', 'ResizePair', 'MirrorNames', 'PackPair']
    try:
        pipeline = [{'type': name} for name in types]
        dataset = PosePairDataset(**pair_set, pipeline=pipeline)
        assert dataset[0]['source_name'] == 'gnp.0_0000'
        assert 'flow' not in dataset[0]
    finally:
        TRANSFORMS.module_dict.pop('MirrorNames')
    dataset = PosePairDataset(**pair_set, pipeline=[sorted])
    assert dataset[0][:2] == ['annotation_size', 'backend_args']


def test_pickled_dataset_is_the_same(pair_set):
    dataset = PosePairDataset(**pair_set)
    copy = pickle.loads(pickle.dumps(dataset))
    assert torch.equal(copy[3]['source_image'], dataset[3]['source_image'])


@pytest.mark.parametrize(
    'key, value, message',
    [
        ('scaling', 'round', "scaling must be one of .'gfla', 'center'., got 'round'"),
        ('on_error', 'ignore', "on_error must be one of .'raise', 'skip'., got"),
        ('image_size', (64,), r'image_size must be \(height, width\) .*, got \(64,\)'),
        ('image_size', (64, 0), 'image_size must be'),
        ('annotation_size', (64.0, 48), 'annotation_size must be'),
        ('image_size', 64, r'image_size must be \(height, width\) .*, got 64'),
        ('truth_missing', 'skip', r"truth_missing must be one of .*, got 'skip'"),
        ('max_pairs', 0, 'max_pairs must be 1 or more, got 0'),
        ('backend_args', {'backend': 'lmbd'}, "'lmbd'} are not those of one of MMEng"),
        ('backend_args', {'backend': 'http', 'port': 1}, "unexpected .* 'port'|no arg"),
    ],
)
def test_wrong_arguments(pair_set, key, value, message):
    with pytest.raises(ConfigError, match=message):
        PosePairDataset(**pair_set | {key: value})


def test_a_pipeline_loads_no_truth_that_is_not_there(pair_set):
    pipeline = [dict(type='LoadPairImages'), dict(type='LoadTruth')]
    PosePairDataset(**pair_set, pipeline=pipeline)
    with pytest.raises(ConfigError, match='LoadTruth needs a dataset with truth_dir'):
        PosePairDataset(**pair_set | {'truth_dir': None}, pipeline=pipeline)


@pytest.mark.parametrize('key', ['annotation_file', 'pair_file'])
@pytest.mark.parametrize('on_error', ['raise', 'skip'])
def test_missing_lists(pair_set, key, on_error):
    pair_set |= {key: 'none.csv', 'on_error': on_error}
    with pytest.raises(DataError, match='none.csv does not exist'):
        PosePairDataset(**pair_set)


@pytest.mark.parametrize('key', ['image_dir', 'truth_dir'])
@pytest.mark.parametrize('on_error', ['raise', 'skip'])
def test_missing_folders(pair_set, key, on_error):
    pair_set |= {key: 'nowhere', 'on_error': on_error}
    with pytest.raises(DataError, match='the folder .*nowhere does not exist'):
        PosePairDataset(**pair_set)


def break_annotation(root: Path) -> None:
    replace_line(root / 'synthetic-annotation-train.csv', 4, '0001_0.png: [1]: [2]')


def break_pair_line(root: Path) -> None:
    replace_line(root / 'synthetic-pairs-train.csv', 4, '0001_0.png')


def name_absent_image(root: Path) -> None:
    replace_line(root / 'synthetic-pairs-train.csv', 4, '0001_0.png,0001_1.jpg')


def remove_image(root: Path) -> None:
    (root / 'train/0001_1.png').unlink()


def name_absent_folder(root: Path) -> None:
    replace_line(root / 'synthetic-pairs-train.csv', 4, 'none/x.png,0001_1.png')


def remove_annotation(root: Path) -> None:
    file = root / 'synthetic-annotation-train.csv'
    lines = [line for line in file.read_text().splitlines() if '0001_1' not in line]
    file.write_text('\n'.join(lines))


def remove_truth(root: Path) -> None:
    (root / 'truth/train/0001_0___0001_1.npz').unlink()


BREAKS = [
    (break_annotation, r'annotation-train.csv, line 4: .*18 numbers .* got 1', 4),
    (break_pair_line, r"pairs-train.csv, line 4: expected two .* got '0001_0.png'", 5),
    (name_absent_image, r"pairs-train.csv, line 4: there is no image '0001_1.jpg'", 5),
    (name_absent_folder, r"line 4: there is no image 'none/x.png' in .*train", 5),
    (remove_image, r"pairs-train.csv, line 4: there is no image '0001_1.png' in", 4),
    (remove_annotation, r"line 4: '0001_1.png' has no sound row in .*annotation", 4),
    (remove_truth, r"line 4: there is no truth file '0001_0___0001_1.npz' in", 5),
]


@pytest.mark.parametrize('damage, message, left', BREAKS)
def test_broken_data_raises(pair_set, damage, message, left):
    damage(Path(pair_set['data_root']))
    with pytest.raises(DataError, match=message):
        PosePairDataset(**pair_set)


@pytest.mark.parametrize('damage, message, left', BREAKS)
def test_broken_data_is_skipped_and_reported(pair_set, warnings, damage, message, left):
    damage(Path(pair_set['data_root']))
    dataset = PosePairDataset(**pair_set, on_error='skip')
    assert len(dataset) == len(list(dataset)) == left
    assert dataset.skipped
    assert len(warnings()) == 1
    assert (
        f'{left} pairs are used; left out for {len(dataset.skipped)} problem'
        in (warnings()[0])
    )
    assert dataset.skipped[0] in warnings()[0]


def test_only_the_first_problems_are_named(pair_set, warnings):
    root = Path(pair_set['data_root'])
    pairs = [('x.png', 'y.png')] * 10 + [('0000_0.png', '0000_1.png')]
    write_pairs(root / pair_set['pair_file'], pairs)
    with pytest.raises(DataError, match=r'line 2: .*\(and 9 more\)'):
        PosePairDataset(**pair_set)
    PosePairDataset(**pair_set, on_error='skip')
    assert '10 problems: ' in warnings()[0]
    assert 'line 4' in warnings()[0]
    assert 'line 5' not in warnings()[0]
    assert warnings()[0].endswith('and 7 more')


def test_nothing_usable_is_an_error_even_when_skipping(pair_set):
    root = Path(pair_set['data_root'])
    write_pairs(root / pair_set['pair_file'], [('x.png', 'y.png')])
    with pytest.raises(DataError, match='no usable pair: .*line 2: there is no image'):
        PosePairDataset(**pair_set, on_error='skip')
    write_pairs(root / pair_set['pair_file'], [])
    with pytest.raises(DataError, match='pairs-train.csv has no usable pair$'):
        PosePairDataset(**pair_set)


def damage_image(pair_set: dict, name: str) -> None:
    (Path(pair_set['data_root']) / 'train' / name).write_bytes(b'not an image')


@pytest.mark.parametrize('workers', [0, 1])
def test_undecodable_image_raises_with_file_and_row(pair_set, workers):
    damage_image(pair_set, '0001_0.png')
    dataset = PosePairDataset(**pair_set)
    loader = DataLoader(dataset, batch_size=6, num_workers=workers)
    message = r'0001_0.png cannot be decoded: .*pairs-train.csv, line 4\)'
    with pytest.raises(DataError, match=message):
        list(loader)


def test_undecodable_image_is_replaced_by_the_next_pair(pair_set, warnings):
    damage_image(pair_set, '0001_0.png')
    dataset = PosePairDataset(**pair_set, on_error='skip')
    for _ in range(2):
        names = [sample['source_name'] for sample in dataset]
        first, other = ['0000_0.png', '0000_1.png'], ['0002_0.png', '0002_1.png']
        assert names == [*first, '0002_0.png', '0002_0.png', *other]
    assert dataset.num_unreadable == 2
    assert len(warnings()) == 2, 'a pair is reported once'
    assert '2 of 6 pairs cannot be read' in warnings()[1]
    assert '0001_0.png' in warnings()[1]


def test_last_pair_is_replaced_by_the_first(pair_set):
    damage_image(pair_set, '0002_0.png')
    dataset = PosePairDataset(**pair_set, on_error='skip')
    assert dataset[5]['source_name'] == '0000_0.png'


def test_workers_count_together(pair_set):
    damage_image(pair_set, '0000_0.png')
    damage_image(pair_set, '0002_0.png')
    dataset = PosePairDataset(**pair_set, on_error='skip')
    list(DataLoader(dataset, num_workers=2))
    assert dataset.num_unreadable == 4


def test_no_readable_pair(pair_set):
    for person in range(3):
        damage_image(pair_set, f'000{person}_0.png')
    dataset = PosePairDataset(**pair_set, on_error='skip')
    with pytest.raises(DataError, match='none of the 6 pairs can be read'):
        dataset[2]


def test_broken_truth_names_the_row(pair_set):
    file = Path(pair_set['data_root']) / 'truth/train/0000_0___0000_1.npz'
    file.write_bytes(b'')
    with pytest.raises(DataError, match=r'0000_1.npz does not hold .*, line 2\)'):
        PosePairDataset(**pair_set)[0]


def test_images_in_sub_folders(pair_set):
    root = Path(pair_set['data_root'])
    (root / 'train/sub').mkdir()
    for name in ('0000_0.png', '0000_1.png'):
        (root / 'train' / name).rename(root / 'train/sub' / name)
    for file in ('annotation', 'pairs'):
        file = root / f'synthetic-{file}-train.csv'
        file.write_text(file.read_text().replace('0000_', 'sub/0000_'))
    dataset = PosePairDataset(**pair_set)
    assert dataset[0]['source_name'] == 'sub/0000_0.png'
    assert dataset[0]['flow'].abs().max() > 0


@pytest.mark.parametrize(
    'folder, images, prefix, size, present',
    [
        ('market1501', 'bounding_box_test', 'market', (128, 64), 0.74),
        ('deepfashion', 'test', 'fasion', (256, 256), 0.65),
    ],
)
def test_real_photos(shared, folder, images, prefix, size, present):
    dataset = PosePairDataset(
        data_root=str(shared(f'data/real/{folder}')),
        image_dir=images,
        annotation_file=f'{prefix}-annotation-test.csv',
        pair_file=f'{prefix}-pairs-test.csv',
        image_size=size,
        annotation_size=size,
    )
    assert len(dataset) == 120
    batch = next(iter(DataLoader(dataset, batch_size=120)))
    assert batch['source_image'].shape == (120, 3, *size)
    assert batch['source_image'].float().std() > 30
    keypoints = batch['target_keypoints']
    assert torch.equal(keypoints, keypoints.round())
    seen = keypoints[..., 2] > 0
    assert seen.float().mean() > present
    inside = (keypoints[seen][:, 0] < size[1]) & (keypoints[seen][:, 1] < size[0])
    assert inside.all()


EMPTY = {'truth_missing': 'empty'}


def without_truth(pair_set: dict) -> dict:
    return pair_set | EMPTY | {'truth_dir': None}


def test_pairs_without_truth_stand_beside_others(pair_set):
    remove_truth(Path(pair_set['data_root']))
    dataset = PosePairDataset(**pair_set | EMPTY)
    assert [bool(sample['has_truth']) for sample in dataset] == [True, True] + [
        False,
        *[True] * 3,
    ]
    empty = dataset[2]
    for key, (shape, dtype) in TRUTH.items():
        assert (empty[key].shape, empty[key].dtype) == (shape, dtype)
        assert not empty[key].any()
    assert sorted(empty) == sorted(dataset[0])


def test_a_set_without_a_folder_of_truth_says_so(pair_set, monkeypatch):
    said = []
    monkeypatch.setattr(
        'posegen.datasets.pose_pair_dataset.print_log',
        lambda text, *_: said.append(text),
    )
    kwargs = pair_set | dict(truth_dir='nowhere', truth_missing='empty')
    dataset = PosePairDataset(**kwargs)
    assert 'nowhere does not exist: none of the 6 pairs has a truth' in said[0]
    assert not any(bool(sample['has_truth']) for sample in dataset)


@pytest.mark.parametrize(
    'transform',
    ['AffinePair', 'FlipPair', 'CropPair', 'DegradePair'],
)
def test_augmentation_leaves_an_empty_truth_empty(pair_set, transform):
    types = ['LoadPairImages', 'LoadTruth', 'ResizePair', 'PackPair']
    types[2:3] = {
        'AffinePair': ['AffinePair'],
        'CropPair': ['CropPair', 'ResizePair'],
    }.get(transform, ['ResizePair', transform])
    pipeline = [{'type': name} for name in types]
    dataset = PosePairDataset(**without_truth(pair_set), pipeline=pipeline)
    for sample in dataset:
        assert not sample['has_truth']
        assert not any(sample[key].any() for key in TRUTH)


def test_a_mixed_set_makes_batches_that_reach_the_model(pair_set):
    mixed = ConcatDataset(
        [PosePairDataset(**pair_set), PosePairDataset(**without_truth(pair_set))]
    )
    batch = next(iter(DataLoader(mixed, batch_size=12)))
    assert batch['has_truth'].tolist() == [True] * 6 + [False] * 6
    assert batch['flow'].shape == (12, 2, 64, 48)
    ready = PosePairPreprocessor()(batch)
    for key in ('has_truth', *TRUTH):
        assert torch.equal(ready[key], batch[key])
        assert ready[key].dtype == batch[key].dtype


def test_truth_follows_to_another_image_size(pair_set):
    large = PosePairDataset(**pair_set)[0]
    small = PosePairDataset(**pair_set | {'image_size': (32, 24)})[0]
    assert small['flow'].shape == (2, 32, 24)
    person = small['visibility']
    assert person.any()
    nearest = large['flow'][:, ::2, ::2] / 2
    error = (small['flow'] - nearest).norm(dim=0)[person]
    assert error.median() < 0.5


def test_missing_truth_must_be_known_in_advance(pair_set, monkeypatch):
    monkeypatch.setattr(PosePairDataset, '_list_files', lambda *args: None)
    PosePairDataset(**pair_set)
    PosePairDataset(**without_truth(pair_set))
    with pytest.raises(ConfigError, match="truth_missing='empty' has to list .*truth"):
        PosePairDataset(**pair_set | EMPTY)
