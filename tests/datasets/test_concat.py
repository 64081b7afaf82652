"""Several sets as one."""

from __future__ import annotations

import pytest
import torch
from mmengine.config import ConfigDict
from torch.utils.data import DataLoader

from posegen.datasets import ConcatDataset, PosePairDataset
from posegen.datasets.draws import Draw
from posegen.registry import DATASETS
from posegen.utils.errors import ConfigError
from tests.helpers.pair_set import write_pair_set

EMPTY = dict(truth_missing='empty', truth_dir=None)
STEPS = ('LoadPairImages', 'LoadTruth', 'ResizePair', 'JointNoise', 'PackPair')


@pytest.fixture
def pair_set(tmp_path):
    kwargs = write_pair_set(tmp_path, num_people=2, size=(32, 24), truth=True)
    return dict(type='PosePairDataset', **kwargs)


def test_sets_follow_each_other_and_make_one_batch(pair_set):
    spec = dict(type='ConcatDataset', datasets=[pair_set, pair_set | EMPTY])
    mixed = DATASETS.build(ConfigDict(spec))
    assert isinstance(mixed, ConcatDataset)
    assert len(mixed) == 8
    assert mixed.metainfo['image_size'] == (32, 24)
    batch = next(iter(DataLoader(mixed, batch_size=8)))
    assert batch['has_truth'].tolist() == [True] * 4 + [False] * 4
    assert batch['source_name'][:4] == batch['source_name'][4:]
    with pytest.raises(IndexError, match='pair 8 of 8'):
        mixed[8]


def test_draws_decide_as_in_a_set_alone(pair_set):
    pipeline = [dict(type=name) for name in STEPS]
    alone = DATASETS.build(pair_set | dict(pipeline=pipeline))
    mixed = ConcatDataset([PosePairDataset(**_arguments(pair_set)), alone])
    for place in range(3):
        expected = alone[Draw(1, 5, place)]['source_keypoints']
        got = mixed[Draw(5, 5, place)]['source_keypoints']
        assert torch.equal(got, expected)


def _arguments(spec):
    return {key: value for key, value in spec.items() if key != 'type'}


def test_wrong_sets(pair_set):
    with pytest.raises(ConfigError, match='datasets of a ConcatDataset is empty'):
        ConcatDataset([])
    message = r'one image_size, got \[\(16, 12\), \(32, 24\)\]'
    with pytest.raises(ConfigError, match=message):
        ConcatDataset([pair_set, pair_set | dict(image_size=(16, 12))])
    without = {k: v for k, v in pair_set.items() if k != 'truth_dir'}
    for sets in ([pair_set, without], [without, pair_set]):
        with pytest.raises(ConfigError, match="the others truth_missing='empty'"):
            ConcatDataset(sets)
