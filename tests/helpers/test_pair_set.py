"""The stick figures' ground truth is true."""

from __future__ import annotations

import numpy as np
import torch

from posegen.datasets import PosePairDataset
from tests.helpers.pair_set import write_pair_set


def test_true_flow_takes_the_source_to_the_target(tmp_path):
    kwargs = write_pair_set(tmp_path, num_people=2, views=3, size=(96, 64), truth=True)
    dataset = PosePairDataset(**kwargs)
    assert len(dataset) == 12
    y, x = np.mgrid[:96, :64]
    for sample in dataset:
        visible = sample['visibility'].numpy()
        dx, dy = sample['flow'].numpy()[:, visible].round().astype(int)
        rows, columns = y[visible] + dy, x[visible] + dx
        seen = sample['source_image'].numpy()[:, rows, columns].astype(int)
        target = sample['target_image'].numpy()[:, visible].astype(int)
        difference = abs(seen - target)
        assert difference.mean() < 5
        assert visible.mean() > 0.1
        assert (sample['part_labels'].numpy()[visible] > 0).all()
        assert sample['part_labels'].unique().tolist() == [0, 1, 2, 3]


def test_same_seed_same_files(tmp_path):
    for folder, seed in (('a', 0), ('b', 0), ('c', 1)):
        write_pair_set(tmp_path / folder, truth=True, seed=seed)
    files = [f.relative_to(tmp_path / 'a') for f in (tmp_path / 'a').rglob('*.*')]
    assert len(files) == 4 + 2 + 4
    for file in files:
        first = (tmp_path / 'a' / file).read_bytes()
        assert (tmp_path / 'b' / file).read_bytes() == first, file
    pictures = [(tmp_path / folder / 'train/0000_0.png') for folder in 'ac']
    assert pictures[0].read_bytes() != pictures[1].read_bytes()


def test_two_splits_in_one_folder(tmp_path):
    train = write_pair_set(tmp_path)
    test = write_pair_set(tmp_path, split='test', seed=1, num_people=1, views=3)
    assert len(PosePairDataset(**train)) == 4
    assert len(PosePairDataset(**test)) == 6


def test_some_joint_is_missing(tmp_path):
    sample = PosePairDataset(**write_pair_set(tmp_path))[0]
    scores = sample['target_keypoints'][:, 2]
    assert scores[16] == 0
    assert torch.equal(sample['target_keypoints'][16], torch.zeros(3))
    assert scores.sum() >= 15
