"""Difficulty of pairs, slices, intervals."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from posegen.evaluation import functional as F


def _poses(*points):
    return torch.tensor([points], dtype=torch.float32)


def test_pose_distance_looks_at_common_joints():
    source = _poses((0, 0, 1), (10, 10, 1), (50, 50, 0))
    target = _poses((3, 4, 1), (10, 10, 0), (99, 99, 1))
    assert F.pose_distance(source, target, height=10).tolist() == [0.5]
    assert F.pose_distance(source * 0, target, height=10).isnan().all()


def test_source_visibility():
    source = _poses((0, 0, 1), (1, 1, 0), (1, 1, 0.2), (2, 2, 1))
    target = _poses((0, 0, 1), (1, 1, 1), (1, 1, 0.9), (2, 2, 0))
    assert F.source_visibility(source, target).item() == pytest.approx(2 / 3)
    assert F.source_visibility(source, target * 0).isnan().all()


def test_slices_hold_everything_once():
    difficulty = torch.tensor([5.0, 1, 4, 2, 6, 3, float('nan')])
    scores = difficulty * 10
    slices = F.slice_by(scores, difficulty, parts=3)
    assert [(s.low, s.high, s.count) for s in slices] == [
        *((1, 2, 2), (3, 4, 2), (5, 6, 2))
    ]
    assert [s.mean for s in slices] == [15, 35, 55]
    whole = F.slice_by(scores, difficulty, parts=1)
    assert whole[0].count == 6 and whole[0].mean == pytest.approx(35)


def test_equal_difficulty_stays_together():
    slices = F.slice_by(torch.arange(4.0), torch.tensor([1.0, 1, 1, 1]))
    assert [s.count for s in slices] == [4]
    assert F.slice_by(torch.tensor([float('nan')]), torch.ones(1)) == []
    with pytest.raises(ValueError, match=r'must be \(N,\)'):
        F.slice_by(torch.ones(2), torch.ones(3))


def test_interval_of_a_mean_covers_as_often_as_it_says():
    rng = np.random.default_rng(0)
    hits = 0
    for trial in range(60):
        low, high = F.bootstrap_interval(rng.normal(size=50), draws=200, seed=trial)
        hits += low < 0 < high
    assert 50 <= hits <= 60
    values = rng.normal(size=400)
    low, high = F.bootstrap_interval(values)
    error = values.std() / 20
    assert (high - low) / 2 == pytest.approx(1.96 * error, rel=0.15)
    assert F.bootstrap_interval(values) == (low, high)
    assert F.bootstrap_interval(values, seed=1) != (low, high)


def test_interval_of_another_statistic():
    values = np.arange(100.0)
    low, high = F.bootstrap_interval(values, np.median, confidence=0.5)
    assert 35 < low < high < 65
    with pytest.raises(ValueError, match='a value or more'):
        F.bootstrap_interval(values[:0])
