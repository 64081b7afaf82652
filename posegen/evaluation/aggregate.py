"""From values of pairs to scores of sets: means, dropped batches, intervals."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch

from posegen.evaluation import functional as F
from posegen.evaluation.protocols import FID, LPIPS, PSNR, Metric

Interval = tuple[float, float]


def kept_count(metric: Metric | str, count: int) -> int:
    """How many of ``count`` images a metric looks at; the others it drops."""
    if isinstance(metric, FID | LPIPS) and metric.last_batch == 'drop':
        return count // metric.batch_size * metric.batch_size
    return count


def too_few(metric: Metric | str, count: int) -> str:
    """Why a score needs more than ``count`` images."""
    if isinstance(metric, FID | LPIPS) and metric.last_batch == 'drop':
        return (
            f'{count} images are less than one batch of {metric.batch_size}, and '
            'incomplete batches are dropped'
        )
    return f'{count} image is too few for a covariance'


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
