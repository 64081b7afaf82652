"""Whether clothes have the right colors: correlation of hues over regions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

HUE_LABELS: tuple[int, ...] = (2, 3)
"""Part labels whose hues are compared: torso and arms, and legs."""

HUE_MIN_PIXELS = 100
"""A region counts where it has more pixels than this."""

_CONSTANT = 1e-6  # spread of equal means after rounding


def region_hues(
    images: Tensor,
    part_labels: Tensor,
    labels: Sequence[int] = HUE_LABELS,
    min_pixels: int = HUE_MIN_PIXELS,
) -> Tensor:
    """Mean red-green R - G and yellow-blue (R + G) / 2 - B of each region.

    They are the opponent axes of Hasler and Suesstrunk (2003), 0 for gray.

    Args:
        images: (B, 3, H, W) RGB of any dtype.
        part_labels: (B, H, W) integers: what each pixel of the *target* shows.
        labels: Of the regions.
        min_pixels: A region of this size or smaller has no hue.

    Returns:
        (B, len(labels), 2) float64 on the scale of the images; not a number where
        there is no region.

    Raises:
        ValueError: The shapes do not belong together.
    """
    if images.dim() != 4 or images.shape[1] != 3:
        raise ValueError(f'images must be (B, 3, H, W), got {tuple(images.shape)}')
    if part_labels.shape != (len(images), *images.shape[2:]):
        raise ValueError(
            f'part_labels must be (B, H, W) of images {tuple(images.shape)}, got '
            f'{tuple(part_labels.shape)}'
        )
    red, green, blue = images.double().unbind(1)
    axes = torch.stack([red - green, (red + green) / 2 - blue], 1)
    hues = []
    for label in labels:
        region = (part_labels == label)[:, None]
        count = region.sum((2, 3))
        mean = (axes * region).sum((2, 3)) / count
        hues.append(mean.where(count > min_pixels, torch.nan))
    return torch.stack(hues, 1)


def hue_correlation(pred: Tensor, target: Tensor) -> float:
    """Pearson's correlation of hues over regions, the mean of both axes.

    Args:
        pred: (..., 2), :func:`region_hues` of results.
        target: The same of their targets; regions that are not a number are left out.

    Returns:
        In [-1, 1]; 1 for results with the hues of their targets, however faint or
        strong; 0 on an axis where all results have one value, as gray ones do. Not a
        number where there are fewer than two regions, or the targets themselves have
        one value.

    Raises:
        ValueError: The shapes differ, or are not (..., 2).
    """
    if pred.shape != target.shape or pred.shape[-1:] != (2,):
        raise ValueError(
            f'pred and target must be (..., 2) of the same shape, got '
            f'{tuple(pred.shape)} and {tuple(target.shape)}'
        )
    pred, target = pred.reshape(-1, 2), target.reshape(-1, 2)
    known = (pred.isfinite() & target.isfinite()).all(1)
    axes = zip(pred[known].double().unbind(1), target[known].double().unbind(1))
    return sum(_pearson(*axis) for axis in axes) / 2


def _pearson(pred: Tensor, target: Tensor) -> float:
    if len(target) < 2 or target.max() - target.min() < _CONSTANT:
        return float('nan')
    if pred.max() - pred.min() < _CONSTANT:
        return 0.0
    return torch.corrcoef(torch.stack([pred, target]))[0, 1].item()
