"""Random batches are like those of a data set."""

from __future__ import annotations

import torch

from posegen.engine.benchmark.batches import random_batch, random_keypoints


def test_is_a_collated_batch() -> None:
    batch = random_batch(3, (64, 32))
    assert batch['source_image'].shape == batch['target_image'].shape == (3, 3, 64, 32)
    assert batch['source_image'].dtype == torch.uint8
    assert batch['target_keypoints'].shape == (3, 18, 3)
    assert len(batch['source_name']) == 3
    again, other = random_batch(3, (64, 32)), random_batch(3, (64, 32), seed=1)
    assert torch.equal(batch['source_image'], again['source_image'])
    assert not torch.equal(batch['source_image'], other['source_image'])
    assert not torch.equal(batch['source_image'], batch['target_image'])


def test_joints_make_a_standing_person() -> None:
    joints = random_keypoints(200, (256, 128), torch.Generator().manual_seed(0))
    x, y, score = joints.unbind(-1)
    assert ((x >= 0) & (x <= 127) & (y >= 0) & (y <= 255)).all()
    assert set(score.unique().tolist()) == {0.0, 1.0}
    assert 0.9 < score.mean() < 0.98
    nose, hip, ankle = (y[:, joint].mean() for joint in (0, 8, 10))
    assert nose < hip < ankle
    assert x[:, 2].mean() < x[:, 5].mean()  # the right shoulder is on the left
