"""Frechet distance: golden values, closed forms, merging."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from posegen.evaluation.functional import (
    Moments,
    frechet_distance,
    frechet_from_moments,
)

CASES = {
    'regular_n500_d64': 1e-7,
    'unequal_n500_n300': 1e-7,
    'singular_n40_d64': 1e-9,
}


def _features(count, dim, seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, dim, generator=generator, dtype=torch.float64)


def _from_moments(real, fake):
    a, b = Moments.of(real), Moments.of(fake)
    return frechet_from_moments(a.mean, a.covariance, b.mean, b.covariance)


@pytest.mark.parametrize('distance', [frechet_distance, _from_moments])
@pytest.mark.parametrize('case', CASES)
def test_golden(shared, case, distance):
    data = np.load(shared(f'fixtures/metrics/frechet_{case}.npz'))
    real, fake = (torch.from_numpy(data[key]) for key in ('real', 'fake'))
    value = distance(real, fake)
    assert value.dtype == torch.float64
    assert value.item() == pytest.approx(float(data['expected']), abs=CASES[case])
    assert distance(real, real).item() == pytest.approx(0, abs=1e-9)


def test_closed_form_of_diagonal_gaussians():
    mu1, mu2 = torch.tensor([0.0, 1.0]), torch.tensor([3.0, -3.0])
    cov1, cov2 = (
        torch.diag(torch.tensor([4.0, 1.0])),
        torch.diag(torch.tensor([1, 9.0])),
    )
    # 3^2 + 4^2 + (2 - 1)^2 + (1 - 3)^2
    assert frechet_from_moments(mu1, cov1, mu2, cov2).item() == pytest.approx(30)


def test_shifted_set():
    features = _features(20, 50, 0)
    moved = frechet_distance(features, features + 0.5)
    assert moved.item() == pytest.approx(50 * 0.25)


@pytest.mark.parametrize('counts', [(5, 60), (12, 8, 4), (1, 1, 1, 30)])
def test_moments_merge(counts):
    features = 100 + _features(sum(counts), 16, 3)
    merged = None
    for chunk in features.split(counts):
        moments = Moments.of(chunk)
        merged = moments if merged is None else merged.merge(moments)
    whole = Moments.of(features)
    assert merged.count == whole.count
    torch.testing.assert_close(merged.mean, whole.mean)
    torch.testing.assert_close(merged.covariance, torch.cov(features.T))


def test_refusals():
    features = _features(4, 3, 0)
    with pytest.raises(ValueError, match=r'features must be \(n, d\)'):
        frechet_distance(features[None], features)
    with pytest.raises(ValueError, match='2 samples or more, got 1'):
        frechet_distance(features[:1], features)
    with pytest.raises(ValueError, match='2 samples or more, got 1'):
        _ = Moments.of(features[:1]).covariance
    with pytest.raises(ValueError, match='same length, got 3 and 2'):
        frechet_distance(features, features[:, :2])
    with pytest.raises(ValueError, match='cov2 must be'):
        frechet_from_moments(torch.zeros(3), torch.eye(3), torch.zeros(3), torch.eye(2))
