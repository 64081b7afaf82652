"""Sampling correctness: how near a flow comes to the best match there is.

Ren et al., ICCV 2019 and CVPR 2020; the term of eq. 9. With features v_t of the target
and v_s of the source image::

    m_i = max_j cos(v_s[j], v_t[i])          over all source positions j
    c_i = cos(warp(v_s, flow)[i], v_t[i])
    loss = mean_i exp(-c_i / m_i) - exp(-1)

which is 0 where the flow finds a source position as similar as the best one.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from posegen.models.ops.precision import full_precision
from posegen.models.ops.warp import gaussian_warp

_EPS = 1e-8
_REDUCTIONS = ('batch', 'sample')
_MOST_SIMILARITIES = 2**23


@torch.no_grad()
@full_precision
def max_similarity(
    target_feat: Tensor, source_feat: Tensor, chunk_size: int | None = None
) -> Tensor:
    """Cosine of each target position with the source position most like it.

    One sample after the other, its target positions pass by in chunks: of all
    ``B * h * w * h' * w'`` similarities, ``chunk_size * h' * w'`` are held at a time.
    Carries no gradient.

    Args:
        target_feat: (B, C, h, w).
        source_feat: (B, C, h', w'); its size may differ from the target's.
        chunk_size: target positions of a sample that are compared at a time. None: a
            sixteenth of those of all samples, at least 192, and no more than 2^23
            similarities (32 MiB in float32). Smaller chunks are slower.

    Returns:
        (B, 1, h, w) in [-1, 1], float32 or better.

    Raises:
        ValueError: the shapes do not belong together, or ``chunk_size`` < 1.
    """
    if target_feat.dim() != 4 or target_feat.shape[:2] != source_feat.shape[:2]:
        raise ValueError(
            'target_feat and source_feat must be (B, C, h, w) with the same B and C, '
            f'got {tuple(target_feat.shape)} and {tuple(source_feat.shape)}'
        )
    if chunk_size is None:
        chunk_size = _chunk_size(target_feat, source_feat)
    if chunk_size < 1:
        raise ValueError(f'chunk_size must be >= 1, got {chunk_size}')
    source = (source_feat / _lengths(source_feat)).flatten(2)
    target, lengths = (x.flatten(2).mT for x in (target_feat, _lengths(target_feat)))
    best = source.new_empty(target.shape[:2])
    # One buffer for all chunks: memory that is asked for anew has to be cleared first.
    rows = min(chunk_size, target.shape[1])
    buffer = source.new_empty(rows, source.shape[2])
    for of_sample in zip(target, lengths, source, best):
        _max_similarity_of_sample(*of_sample, buffer)
    return best.view(len(target), 1, *target_feat.shape[2:])


def _chunk_size(target_feat: Tensor, source_feat: Tensor) -> int:
    batch, _, height, width = target_feat.shape
    positions = batch * height * width
    most = _MOST_SIMILARITIES // math.prod(source_feat.shape[2:])
    return max(1, min(max(192, positions // 16), most))


def _max_similarity_of_sample(
    target: Tensor, lengths: Tensor, source: Tensor, best: Tensor, buffer: Tensor
) -> None:
    """Fill in the cosines of one sample.

    Args:
        target: (N, C) features, ``lengths`` (N, 1) their lengths.
        source: (C, N') features of unit length.
        best: (N,) for the result.
        buffer: (chunk, N') for similarities.
    """
    chunks = (x.split(len(buffer)) for x in (target, lengths, best))
    for chunk, length, found in zip(*chunks):
        similarities = buffer[: len(chunk)]
        # The target is brought to unit length as it passes by, never copied whole.
        torch.mm(chunk / length, source, out=similarities)
        torch.amax(similarities, dim=1, out=found)


@full_precision
def sampling_correctness(
    target_feat: Tensor,
    source_feat: Tensor,
    flow: Tensor,
    mask: Tensor | None = None,
    max_similarity: Tensor | None = None,
    reduction: str = 'batch',
) -> Tensor:
    """Sampling correctness loss of a flow (one term of eq. 9), 0 at its best.

    Args:
        target_feat: (B, C, h, w) features of the target image.
        source_feat: (B, C, h, w) features of the source image.
        flow: (B, 2, h, w), dx and dy in pixels of the features.
        mask: (B, 1, H, W) weights >= 0 of the target positions, of any size (resized
            by area: a position weighs what the mask is under it on average), or None:
            every position counts the same. Published code takes the nearest pixel,
            which is the one at the top left.
        max_similarity: (B, 1, h, w) from :func:`max_similarity`, where several flows
            share it; computed here if None. No gradient passes through it.
        reduction: 'batch' divides the weighted sum over all samples by the sum of all
            weights, as GFLA does; 'sample' does so within each sample and takes the
            mean, so that small parts weigh as much as large ones and the value does
            not depend on how a batch is split. A sample whose mask is empty adds 0.

    Returns:
        Scalar in [0, e - exp(-1)] as long as every best match is positive.

    Raises:
        ValueError: the shapes do not belong together, or the reduction is unknown.
    """
    if reduction not in _REDUCTIONS:
        raise ValueError(f'reduction must be one of {_REDUCTIONS}, got {reduction!r}')
    if target_feat.shape != source_feat.shape:
        raise ValueError(
            'target_feat and source_feat must have the same shape (B, C, h, w), got '
            f'{tuple(target_feat.shape)} and {tuple(source_feat.shape)}'
        )
    best = _best_similarity(target_feat, source_feat, max_similarity)
    warped = gaussian_warp(source_feat, flow)
    found = _cosine(warped, target_feat)
    excess = torch.exp(-found / (best + _EPS)) - math.exp(-1)
    return _weighted_mean(excess, mask, reduction)


def _best_similarity(target: Tensor, source: Tensor, given: Tensor | None) -> Tensor:
    if given is None:
        return max_similarity(target, source)
    expected = (len(target), 1, *target.shape[2:])
    if given.shape != expected:
        raise ValueError(
            f'max_similarity must be (B, 1, h, w) = {expected}, got '
            f'{tuple(given.shape)}'
        )
    return given.detach()


def _weighted_mean(values: Tensor, mask: Tensor | None, reduction: str) -> Tensor:
    if mask is None:
        return values.mean()
    if mask.dim() != 4 or mask.shape[:2] != values.shape[:2]:
        raise ValueError(
            f'mask must be (B, 1, H, W) with B = {len(values)}, got {tuple(mask.shape)}'
        )
    mask = F.interpolate(mask.to(values.dtype), size=values.shape[2:], mode='area')
    dims = (0, 1, 2, 3) if reduction == 'batch' else (1, 2, 3)
    return ((mask * values).sum(dims) / (mask.sum(dims) + _EPS)).mean()


def _cosine(a: Tensor, b: Tensor) -> Tensor:
    """Cosine over channels, (B, 1, h, w).

    Equal to ``F.cosine_similarity``, which takes twice the time because it divides
    whole maps by their lengths first.
    """
    lengths = a.norm(dim=1).clamp_min(_EPS) * b.norm(dim=1).clamp_min(_EPS)
    return ((a * b).sum(1) / lengths)[:, None]


def _lengths(x: Tensor) -> Tensor:
    return x.norm(dim=1, keepdim=True) + _EPS
