"""From values of pairs to scores of sets: means, dropped batches, intervals."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch

from posegen.evaluation import functional as F
from posegen.evaluation.extractors import LITE0
from posegen.evaluation.protocols import FID, LPIPS, PSNR, InceptionScore, Metric

Interval = tuple[float, float]

_OF_COVARIANCE = 2  # images


def kept_count(metric: Metric | str, count: int) -> int:
    """How many of ``count`` images a metric looks at; the others it drops."""
    if not isinstance(metric, FID | LPIPS) or metric.last_batch == 'keep':
        return count
    size = min(metric.batch_size, max(count, 1))  # fewer images are one batch
    return count // size * size


def too_few(metric: Metric | str, count: int) -> str | None:
    """Why a score can't be made from ``count`` images; None where it can."""
    if isinstance(metric, InceptionScore) and count < metric.splits:
        return f'{count} images are too few for {metric.splits} splits'
    if (isinstance(metric, FID) or metric == LITE0) and count < _OF_COVARIANCE:
        return f'{count} image is too few for a covariance'
    return None


def pool(metric: Metric | str, values: np.ndarray) -> float:
    """Score of a set from the values of its pairs.

    Args:
        metric: The record, which says what a mean is taken over, or a stand-in's name.
        values: (n,) float64 with n >= 1, in the order of the names, nothing dropped.
    """
    kept = values[: kept_count(metric, len(values))]
    if isinstance(metric, PSNR) and metric.mean != 'image':
        size = None if metric.mean == 'set' else metric.batch_size
        return F.psnr_of_set(torch.from_numpy(kept), size).item()
    return float(np.mean(kept))


def interval_of(metric: Metric | str, values: np.ndarray) -> Interval:
    """95 % interval of :func:`pool` by drawing pairs again.

    Args:
        metric: As for :func:`pool`.
        values: The same; equal values give equal intervals.
    """
    return F.bootstrap_interval(values, partial(pool, metric))
