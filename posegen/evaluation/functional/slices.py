"""How hard a pair is, scores by difficulty, and how sure a mean is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


def pose_distance(
    source_keypoints: Tensor, target_keypoints: Tensor, height: int
) -> Tensor:
    """How far joints move: the mean over those that both poses have.

    Args:
        source_keypoints: (B, 18, 3) in pixels.
        target_keypoints: (B, 18, 3) in pixels of a frame of the same size.
        height: Of the frame.

    Returns:
        (B,) float64 as a fraction of the height; not a number without common joints.
    """
    step = source_keypoints[..., :2].double() - target_keypoints[..., :2].double()
    common = (source_keypoints[..., 2] > 0) & (target_keypoints[..., 2] > 0)
    total = (torch.linalg.vector_norm(step, dim=-1) * common).sum(-1)
    return total / (common.sum(-1) * height)


def source_visibility(source_keypoints: Tensor, target_keypoints: Tensor) -> Tensor:
    """Share of the target's joints that the source shows as well.

    Args:
        source_keypoints: (B, 18, 3).
        target_keypoints: (B, 18, 3).

    Returns:
        (B,) float64 in [0, 1]; not a number where the target has no joint.
    """
    wanted = target_keypoints[..., 2] > 0
    found = wanted & (source_keypoints[..., 2] > 0)
    return found.sum(-1).double() / wanted.sum(-1)


@dataclass(frozen=True)
class Slice:
    """Scores of the pairs whose difficulty lies in a range.

    Attributes:
        low: Least difficulty of a pair in it.
        high: Greatest difficulty of a pair in it.
        count: Number of pairs.
        mean: Of their scores.
    """

    low: float
    high: float
    count: int
    mean: float


def slice_by(scores: Tensor, difficulty: Tensor, parts: int = 3) -> list[Slice]:
    """Means of scores over parts of about the same number of pairs.

    Pairs of equal difficulty stay together, so that there may be fewer parts. Pairs
    without a score or a difficulty are left out.

    Args:
        scores: (N,).
        difficulty: (N,), such as :func:`pose_distance`.
        parts: Into how many parts to cut.

    Returns:
        From the least difficulty to the greatest; empty parts are left out.
    """
    if scores.shape != difficulty.shape or scores.dim() != 1 or parts < 1:
        raise ValueError(
            f'scores and difficulty must be (N,) and parts 1 or more, got '
            f'{tuple(scores.shape)}, {tuple(difficulty.shape)} and {parts}'
        )
    known = ~(scores.isnan() | difficulty.isnan())
    scores, difficulty = scores[known].double(), difficulty[known].double()
    if not len(scores):
        return []
    edges = torch.linspace(0, 1, parts + 1, dtype=torch.float64)[1:-1]
    index = torch.bucketize(difficulty, difficulty.quantile(edges))
    groups = [(difficulty[index == i], scores[index == i]) for i in range(parts)]
    return [
        Slice(by.min().item(), by.max().item(), len(by), of.mean().item())
        for by, of in groups
        if len(by)
    ]


def bootstrap_interval(
    values: np.ndarray,
    statistic: Callable[[np.ndarray], float] = np.mean,
    confidence: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """Interval of a statistic by drawing the values again (Efron, 1979; percentiles).

    Args:
        values: (N,) or (N, ...), one row per pair.
        statistic: Of such an array.
        confidence: Share of the draws inside the interval.
        draws: How many to take.
        seed: Equal values and seeds give equal intervals.

    Returns:
        Low and high.
    """
    if not len(values) or not 0 < confidence < 1:
        raise ValueError(
            'an interval needs a value or more and a confidence between 0 and 1, got '
            f'{len(values)} values and {confidence}'
        )
    rng = np.random.default_rng(seed)
    size = len(values)
    drawn = [statistic(values[rng.integers(size, size=size)]) for _ in range(draws)]
    tail = 50 * (1 - confidence)
    # Between infinities (PSNR of equal images) nothing can be interpolated.
    method = 'linear' if np.isfinite(drawn).all() else 'nearest'
    low, high = np.percentile(drawn, [tail, 100 - tail], method=method)
    return float(low), float(high)
