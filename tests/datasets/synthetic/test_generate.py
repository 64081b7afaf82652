from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from posegen.datasets import PosePairDataset, read_annotations, read_pairs
from posegen.datasets.synthetic import generate, generate_set
from posegen.datasets.synthetic.generate import (
    SetOptions,
    image_name,
    person_generator,
)
from posegen.datasets.transforms import SIDES
from posegen.models.ops import flow_warp
from posegen.utils.errors import DataError
from tests.datasets.synthetic.conftest import require_synthetic
from tests.helpers import forked

SMALL = {
    'size': (64, 32),
    'train_people': 2,
    'test_people': 1,
    'views': 2,
    'pairs_per_person': 2,
}


#: Of the set of SMALL, made before there was another look.
STANDARD_TABLES = 'c317501209ab6640c3a0bc65681b3162ecdd0c5a30cef3dd9baa095e990d4f5e'
STANDARD_MEANS = [
    [181.31, 179.2, 181.89],
    [180.61, 178.34, 181.06],
    [190.85, 189.53, 187.83],
    [197.99, 196.49, 194.74],
    [203.38, 189.95, 203.09],
    [201.12, 187.66, 200.27],
]
STANDARD_FLOWS = [0.4397, 0.4302, 0.2916, 0.3704, 0.9966, 0.8861]


@pytest.fixture(scope='module')
def made(tmp_path_factory) -> Path:
    require_synthetic()
    out = tmp_path_factory.mktemp('synthetic') / 'set'
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generate, 'get_context', forked.context)
        return generate_set(out, workers=1, progress=False, **SMALL)


def _bytes(root: Path) -> dict[str, bytes]:
    files = sorted(path for path in root.rglob('*') if path.is_file())
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def test_the_same_bytes_for_any_number_of_workers(made, tmp_path):
    two = generate_set(tmp_path / 'two', workers=2, progress=False, **SMALL)
    assert _bytes(two) == _bytes(made)


def test_layout(made):
    names = set(_bytes(made))
    assert {
        'manifest.json',
        'synthetic-annotation-train.csv',
        'synthetic-pairs-test.csv',
        'train/00000_00.png',
        'train/00001_01.png',
        'test/00002_00.png',
        'truth/train/00000_00___00000_01.npz',
        'truth/test/00002_01___00002_00.npz',
    } <= names
    assert json.loads((made / 'manifest.json').read_text())['options']['seed'] == 0


def test_identities_of_train_and_test_are_disjoint(made):
    people = {}
    for split in ('train', 'test'):
        annotations = read_annotations(made / f'synthetic-annotation-{split}.csv')
        people[split] = {name.split('_')[0] for name in annotations.names}
        for source, target in read_pairs(made / f'synthetic-pairs-{split}.csv'):
            assert source.split('_')[0] == target.split('_')[0]
            assert source != target
    assert people == {'train': {'00000', '00001'}, 'test': {'00002'}}


def test_identities_are_drawn_from_independent_streams():
    draws = {
        tuple(person_generator(seed, split, index).random(2))
        for seed in (0, 1)
        for split in ('train', 'test')
        for index in range(3)
    }
    assert len(draws) == 12


def test_the_pair_dataset_reads_it(made):
    dataset = PosePairDataset(
        data_root=str(made),
        image_dir='train',
        annotation_file='synthetic-annotation-train.csv',
        pair_file='synthetic-pairs-train.csv',
        image_size=(64, 32),
        annotation_size=(64, 32),
        truth_dir='truth/train',
    )
    assert len(dataset) == 4
    sample = dataset[0]
    assert tuple(sample['flow'].shape) == (2, 64, 32)
    assert sample['visibility'].any()


MOVES = {
    'flip': [dict(type='ResizePair'), dict(type='FlipPair', prob=1.0)],
    'affine': [dict(type='AffinePair', resample='bilinear')],
    'crop': [dict(type='CropPair', scale=(0.7, 0.9)), dict(type='ResizePair')],
}


def warping_error(root: Path, steps: list[dict], size: tuple[int, int]) -> float:
    """Mean error of the warped source over what it shows of the target."""
    ends = dict(type='LoadPairImages'), dict(type='LoadTruth'), dict(type='PackPair')
    dataset = PosePairDataset(
        data_root=str(root),
        image_dir='train',
        annotation_file='synthetic-annotation-train.csv',
        pair_file='synthetic-pairs-train.csv',
        image_size=size,
        truth_dir='truth/train',
        pipeline=[*ends[:2], *steps, ends[2]],
    )
    errors = []
    for sample in dataset:
        source, target = (sample[f'{side}_image'].double() for side in SIDES)
        warped = flow_warp(source[None], sample['flow'][None].double())[0]
        errors.append((warped - target).abs()[:, sample['visibility']].mean())
    return float(torch.stack(errors).mean())


@pytest.mark.parametrize('move', MOVES)
def test_moved_truth_warps_the_source_as_well_as_the_stored_one(made, move):
    stored = warping_error(made, [dict(type='ResizePair')], (64, 32))
    torch.manual_seed(0)
    assert warping_error(made, MOVES[move], (64, 32)) < 1.1 * stored


def test_resized_truth_warps_as_well_as_the_stored_one(made):
    stored, resized = (
        warping_error(made, [dict(type='ResizePair')], size)
        for size in ((64, 32), (48, 28))
    )
    assert resized < 1.1 * stored


def test_people_stand_out_and_fill_the_picture(made):
    for path in sorted((made / 'truth').rglob('*.npz')):
        person = np.load(path)['part_labels'] > 0
        rows = np.flatnonzero(person.any(1))
        assert 0.5 < np.ptp(rows) / 64 < 0.99
        assert 0.05 < person.mean() < 0.8


def test_a_set_that_is_there_is_kept(made):
    before = (made / 'manifest.json').stat().st_mtime_ns
    assert generate_set(made, progress=False, **SMALL) == made
    assert (made / 'manifest.json').stat().st_mtime_ns == before


def test_other_options_do_not_overwrite(made):
    with pytest.raises(DataError, match='other options'):
        generate_set(made, progress=False, **{**SMALL, 'seed': 1})


def test_a_foreign_folder_is_left_alone(tmp_path):
    (tmp_path / 'mine.txt').write_text('x')
    with pytest.raises(DataError, match=r'manifest\.json is missing'):
        generate_set(tmp_path, progress=False, **SMALL)


def test_a_half_written_set_never_has_its_name(tmp_path, monkeypatch):
    def stop(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(generate, '_run', stop)
    with pytest.raises(KeyboardInterrupt):
        generate_set(tmp_path / 'set', progress=False, **SMALL)
    assert not (tmp_path / 'set').exists()


def test_an_error_in_a_worker_stops_the_rest(tmp_path):
    require_synthetic()
    options = {**SMALL, 'train_people': 200}
    partial = tmp_path / 'set.partial'

    def break_it(results, total, progress):
        yield next(iter(results))
        (partial / 'train').rename(partial / 'gone')
        yield from results

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generate, '_track', break_it)
        patch.setattr(generate, 'get_context', forked.context)
        with pytest.raises(FileNotFoundError):
            generate_set(tmp_path / 'set', workers=1, progress=False, **options)
    assert not (tmp_path / 'set').exists()
    assert len(list((partial / 'gone').iterdir())) < 40


@pytest.mark.parametrize(
    ('option', 'value', 'message'),
    [
        ('views', 1, 'views must be at least 2, but is 1'),
        ('pairs_per_person', 9, r'between 1 and views \* \(views - 1\) = 2, but is 9'),
        ('background', 'sea', "background must be one of plain, street, but is 'sea'"),
        ('size', (8, 8), 'size must be at least 16 pixels'),
        ('look', 'odd', "look must be one of standard, varied, but is 'odd'"),
        ('truth', ('dev',), 'truth must be some of train, test'),
        ('train_people', -1, 'train_people must be not negative'),
    ],
)
def test_wrong_options_are_one_sentence(tmp_path, option, value, message):
    with pytest.raises(DataError, match=message):
        generate_set(tmp_path / 'set', progress=False, **{**SMALL, option: value})


def test_the_varied_look_chooses_its_own_places(tmp_path):
    options = {**SMALL, 'look': 'varied', 'background': 'street'}
    with pytest.raises(DataError, match="'varied' chooses its own places"):
        generate_set(tmp_path / 'set', progress=False, **options)


def test_the_standard_look_goes_without_saying(made):
    """Sets that were made before there was another look are still the same sets."""
    options = json.loads((made / 'manifest.json').read_text())['options']
    assert 'look' not in options
    with pytest.raises(DataError, match='other options'):
        generate_set(made, progress=False, **SMALL, look='varied')


def test_the_standard_look_stays_as_it_is(made):
    """Joints and pairs to the byte; pixels up to the rounding of other processors."""
    tables = b''.join(path.read_bytes() for path in sorted(made.glob('*.csv')))
    assert hashlib.sha256(tables).hexdigest() == STANDARD_TABLES
    pictures = sorted(made.rglob('*.png'))
    means = [np.asarray(Image.open(path)).mean((0, 1)) for path in pictures]
    np.testing.assert_allclose(means, STANDARD_MEANS, atol=0.03)
    flows = [np.load(path)['flow'] for path in sorted(made.rglob('*.npz'))]
    sizes = [np.abs(flow).mean() for flow in flows]
    np.testing.assert_allclose(sizes, STANDARD_FLOWS, rtol=1e-3)


def test_a_varied_set_does_not_depend_on_the_workers(tmp_path, monkeypatch):
    require_synthetic()
    monkeypatch.setattr(generate, 'get_context', forked.context)
    options = {**SMALL, 'look': 'varied'}
    one, two = (
        generate_set(tmp_path / str(workers), workers, progress=False, **options)
        for workers in (1, 2)
    )
    assert _bytes(one) == _bytes(two)
    manifest = json.loads((one / 'manifest.json').read_text())
    assert manifest['options']['look'] == 'varied'
    assert generate_set(one, progress=False, **options) == one


def test_names_number_people_through_both_splits():
    options = SetOptions(train_people=7)
    assert image_name(options, 'train', 6, 0) == '00006_00.png'
    assert image_name(options, 'test', 0, 3) == '00007_03.png'
