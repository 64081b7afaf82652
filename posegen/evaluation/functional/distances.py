"""Scores of whole sets from network features: kernel distance and Inception score.

The maths is that of torch-fidelity; here are checks, float64 and fixed random subsets.
"""

from __future__ import annotations

from torch import Tensor
from torch_fidelity.metric_isc import isc_features_to_metric
from torch_fidelity.metric_kid import kid_features_to_metric

_SEED = 2020  # of the subsets; torch-fidelity's own default


def kernel_distance(
    real_feats: Tensor,
    fake_feats: Tensor,
    subsets: int = 100,
    subset_size: int = 1000,
    seed: int = _SEED,
) -> float:
    """Squared MMD between features with a cubic kernel: KID on Inception features.

    The unbiased estimate of Binkowski et al., ICLR 2018, with the kernel
    (x . y / d + 1)^3, as mean over random subsets. Unlike a Frechet distance its mean
    doesn't depend on the number of images, and it may fall below 0. clean-fid draws
    other subsets at each call; these are the same each time.

    Args:
        real_feats: (n, d) with n >= 2.
        fake_feats: (m, d) with m >= 2.
        subsets: Number of subsets.
        subset_size: Images of each, drawn without repetition; all of the smaller set
            where that has fewer.
        seed: Of the draws.

    Returns:
        Mean over the subsets, not multiplied by anything.

    Raises:
        ValueError: Shapes do not fit, there are fewer than two images, or features are
            not finite.
    """
    _check_features(real_feats, 'real_feats')
    _check_features(fake_feats, 'fake_feats')
    if real_feats.shape[1] != fake_feats.shape[1]:
        raise ValueError(
            f'features must have the same length, got {real_feats.shape[1]} and '
            f'{fake_feats.shape[1]}'
        )
    if subsets < 1 or subset_size < 2:
        raise ValueError(
            'there must be 1 subset of 2 images or more, got '
            f'subsets={subsets}, subset_size={subset_size}'
        )
    size = min(len(real_feats), len(fake_feats), subset_size)
    # Everything drawn each time is the same each time.
    if size == len(real_feats) == len(fake_feats):
        subsets = 1
    result = kid_features_to_metric(
        real_feats.double(),
        fake_feats.double(),
        kid_subsets=subsets,
        kid_subset_size=size,
        rng_seed=seed,
        verbose=False,
    )
    return result['kernel_inception_distance_mean']


def inception_score(logits: Tensor, splits: int = 10) -> float:
    """Inception score (Salimans et al., NeurIPS 2016): exp of the mean KL, in splits.

    The published form cuts the images into ``splits`` parts in the order in which they
    are listed; that order came from the file system and is the caller's here, so that
    published values hold up to the order of the files.

    Args:
        logits: (n, classes) with n >= splits, in the order of the images.
        splits: Parts that are scored apart.

    Returns:
        Mean over the splits, from 1 to the number of classes.

    Raises:
        ValueError: There are fewer images than splits, or logits are not finite.
    """
    _check_features(logits, 'logits', least=max(splits, 1))
    result = isc_features_to_metric(logits, splits, shuffle=False)
    return result['inception_score_mean']


def _check_features(features: Tensor, name: str, least: int = 2) -> None:
    if features.dim() != 2:
        raise ValueError(f'{name} must be (n, d), got {tuple(features.shape)}')
    if len(features) < least:
        raise ValueError(
            f'{name} must be of {least} images or more, got {len(features)}'
        )
    if not features.isfinite().all():
        raise ValueError(f'{name} hold values that are not finite')
