"""Joints to Gaussian maps."""

from __future__ import annotations

import torch
from torch import Tensor


def keypoints_to_heatmaps(
    keypoints: Tensor, size: tuple[int, int], sigma: float = 6.0
) -> Tensor:
    """Draw one Gaussian map per joint.

    ``map[y, x] = exp(-((x - xj)^2 + (y - yj)^2) / (2 sigma^2))``, peak 1, no rounding
    of the joint and no cut at three sigma. A joint outside the frame keeps its tail.
    The score decides presence only, it never scales a map.

    The Gaussian is separable, so a map costs ``H + W`` exponentials and one outer
    product: cheap enough to be done in every step instead of cached on disk.

    Args:
        keypoints: ``(..., J, 3)`` x, y, score in pixels of ``size``; any leading
            dimensions and any number of joints.
        size: ``(height, width)`` of the maps.
        sigma: standard deviation in pixels, 6 at every size in the published code.

    Returns:
        ``(..., J, H, W)`` float32 in [0, 1] on the device of ``keypoints``; all zero
        where a joint is missing.

    Raises:
        ValueError: ``keypoints`` does not end in x, y, score, or sigma is not positive.
    """
    if keypoints.shape[-1:] != (3,) or keypoints.dim() < 2:
        raise ValueError(
            f'keypoints must be (..., joints, 3), got {tuple(keypoints.shape)}'
        )
    if sigma <= 0:
        raise ValueError(f'sigma must be positive, got {sigma}')
    keypoints = keypoints.float()
    present = keypoints[..., 2:] > 0
    # A missing joint may hold anything, NaN too, and NaN times zero is NaN.
    x, y = torch.where(present, keypoints[..., :2], 0.0).unbind(-1)
    height, width = size
    columns = _gaussian(x, width, sigma)
    rows = _gaussian(y, height, sigma) * present
    return rows[..., :, None] * columns[..., None, :]


def _gaussian(centres: Tensor, length: int, sigma: float) -> Tensor:
    """Gaussians on the pixels of one axis: (...) centres -> (..., length)."""
    pixels = torch.arange(length, device=centres.device, dtype=centres.dtype)
    return torch.exp((pixels - centres[..., None]).square() / (-2.0 * sigma**2))
