"""Frechet distance between two sets of features, taken as Gaussians.

Dowson and Landau, J. Multivariate Analysis 1982; used on network features by Heusel et
al., NeurIPS 2017::

    |mu1 - mu2|^2 + tr C1 + tr C2 - 2 tr (C1 C2)^1/2

The last trace is the nuclear norm (sum of singular values) of ``C1^1/2 C2^1/2``. Taken
that way it needs no square root of a matrix that is not symmetric, which goes wrong on
singular covariances: that is, whenever there are fewer images than dimensions.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Moments:
    """Count, mean and scatter of a set of features; sets merge without their features.

    Attributes:
        count: Number of samples n.
        mean: (d,) float64.
        scatter: (d, d) float64, the covariance times n - 1.
    """

    count: int
    mean: Tensor
    scatter: Tensor

    @classmethod
    def of(cls, features: Tensor) -> Moments:
        """Moments of the rows of (n, d) features."""
        features = _as_rows(features)
        mean = features.mean(dim=0)
        centred = features - mean
        return cls(len(features), mean, centred.T @ centred)

    def merge(self, other: Moments) -> Moments:
        """Moments of both sets together (Chan et al., 1979)."""
        count = self.count + other.count
        shift = other.mean - self.mean
        between = torch.outer(shift, shift) * (self.count * other.count / count)
        return Moments(
            count,
            self.mean + shift * (other.count / count),
            self.scatter + other.scatter + between,
        )

    @property
    def covariance(self) -> Tensor:
        """(d, d), normalised by n - 1."""
        if self.count < 2:
            raise ValueError(f'a covariance needs 2 samples or more, got {self.count}')
        return self.scatter / (self.count - 1)


def frechet_distance(real_feats: Tensor, fake_feats: Tensor) -> Tensor:
    """Frechet distance between two sets of features; covariances with n - 1.

    Exact for any number of samples, also fewer than dimensions. Prefer it to
    :func:`frechet_from_moments` where all features fit in memory.

    Args:
        real_feats: (n, d) with n >= 2.
        fake_feats: (m, d) with m >= 2.

    Returns:
        Scalar float64 >= 0.
    """
    mean1, factor1 = _mean_and_factor(real_feats)
    mean2, factor2 = _mean_and_factor(fake_feats)
    if mean1.shape != mean2.shape:
        raise ValueError(
            f'features must have the same length, got {len(mean1)} and {len(mean2)}'
        )
    return _distance(mean1, factor1, mean2, factor2)


def frechet_from_moments(
    mu1: Tensor, cov1: Tensor, mu2: Tensor, cov2: Tensor
) -> Tensor:
    """Frechet distance from means and covariances, right on singular ones too.

    Args:
        mu1: (d,).
        cov1: (d, d), symmetric and positive semi-definite.
        mu2: (d,).
        cov2: (d, d), the same.

    Returns:
        Scalar float64 >= 0.
    """
    for name, cov in (('cov1', cov1), ('cov2', cov2)):
        if cov.shape != (len(mu1), len(mu2)):
            raise ValueError(
                f'{name} must be (d, d) for means of length {len(mu1)} and '
                f'{len(mu2)}, got {tuple(cov.shape)}'
            )
    return _distance(mu1.double(), _factor_of(cov1), mu2.double(), _factor_of(cov2))


def _distance(mu1: Tensor, factor1: Tensor, mu2: Tensor, factor2: Tensor) -> Tensor:
    """Distance of two Gaussians whose covariances are ``factor.T @ factor``."""
    # |F1|^2 + |F2|^2 - 2 |F1 F2^T|_* : any factor will do, orthogonal maps cancel.
    nuclear_norm = torch.linalg.svdvals(factor1 @ factor2.T).sum()
    traces = factor1.square().sum() + factor2.square().sum()
    distance = (mu1 - mu2).square().sum() + traces - 2 * nuclear_norm
    return distance.clamp(min=0)  # rounding leaves -1e-13 for a set against itself


def _mean_and_factor(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (d,) and a factor (min(n, d), d) of the covariance of (n, d) features."""
    features = _as_rows(features)
    if len(features) < 2:
        raise ValueError(f'a covariance needs 2 samples or more, got {len(features)}')
    mean = features.mean(dim=0)
    factor = (features - mean) / (len(features) - 1) ** 0.5
    if len(factor) > factor.shape[1]:
        factor = torch.linalg.qr(factor, mode='r').R
    return mean, factor


def _factor_of(covariance: Tensor) -> Tensor:
    """Factor (rank, d) of a covariance (d, d)."""
    values, vectors = torch.linalg.eigh(covariance.double())
    # Null directions come out as +-1e-16 of the greatest; their roots (1e-8) would
    # add up in the nuclear norm.
    floor = values.max() * len(values) * torch.finfo(torch.float64).eps
    kept = values > floor
    return (vectors[:, kept] * values[kept].sqrt()).T


def _as_rows(features: Tensor) -> Tensor:
    if features.dim() != 2:
        raise ValueError(f'features must be (n, d), got {tuple(features.shape)}')
    return features.double()
