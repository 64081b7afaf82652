"""Flow error over samples."""

from __future__ import annotations

import pytest
import torch

from posegen.utils.errors import DataError
from tests.evaluation.metrics.samples import SIZE, evaluate, make_samples

METRIC = [dict(type='FlowEndPointError')]


def test_names():
    names = {'epe', 'epe_zero_flow', 'epe_limb_flow', 'epe_relative'}
    names |= {'epe_head', 'epe_torso', 'epe_leg'}
    assert set(evaluate(METRIC, make_samples(2))) == names


def test_flow_error_pools_over_pixels():
    few, many = make_samples(2)
    few['visibility_truth'] = torch.zeros(SIZE, dtype=torch.bool)
    alone = evaluate(METRIC, [many])
    assert evaluate(METRIC, [few, many]) == pytest.approx(alone)
    assert alone['epe_relative'] == pytest.approx(alone['epe'] / alone['epe_zero_flow'])


def test_flow_error_without_truth():
    samples = make_samples(1)
    del samples[0]['flow_truth']
    with pytest.raises(DataError, match="'s0.png' -> 't0.png' has no true flow"):
        evaluate(METRIC, samples)


def test_flow_error_of_a_pair_without_truth_in_a_set_with_truth():
    samples = make_samples(1)
    samples[0]['has_truth'] = torch.tensor(False)
    with pytest.raises(DataError, match="'s0.png' -> 't0.png' has no true flow"):
        evaluate(METRIC, samples)
