"""Joints to maps."""

from __future__ import annotations

import torch
from torch import Tensor

MODES = ('gaussian', 'delta', 'disc')


def keypoints_to_heatmaps(
    keypoints: Tensor,
    size: tuple[int, int],
    sigma: float = 6.0,
    mode: str = 'gaussian',
) -> Tensor:
    """Draw one map per joint, a Gaussian unless ``mode`` says otherwise.

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
        mode: ``'gaussian'``; ``'delta'``: 1 at the pixel of the joint and 0 elsewhere,
            what is left of a Gaussian that is stored as bytes; ``'disc'``: 1 where the
            joint is nearer than ``sigma`` pixels.

    Returns:
        ``(..., J, H, W)`` in [0, 1] on the device of ``keypoints``, float32 or, where
        those are, float64; all zero where a joint is missing.

    Raises:
        ValueError: ``keypoints`` does not end in x, y, score, sigma is not positive, or
            the mode is unknown.
    """
    if keypoints.shape[-1:] != (3,) or keypoints.dim() < 2:
        raise ValueError(
            f'keypoints must be (..., joints, 3), got {tuple(keypoints.shape)}'
        )
    if sigma <= 0:
        raise ValueError(f'sigma must be positive, got {sigma}')
    if mode not in MODES:
        raise ValueError(f'mode must be one of {MODES}, got {mode!r}')
    keypoints = keypoints.to(torch.promote_types(keypoints.dtype, torch.float32))
    present = keypoints[..., 2:] > 0
    # A missing joint may hold anything, NaN too, and NaN times zero is NaN.
    x, y = torch.where(present, keypoints[..., :2], 0.0).unbind(-1)
    height, width = size
    if mode == 'disc':
        return _discs(x, y, size, sigma) * present[..., None]
    draw = _gaussian if mode == 'gaussian' else _delta
    columns = draw(x, width, sigma)
    rows = draw(y, height, sigma) * present
    return rows[..., :, None] * columns[..., None, :]


def _gaussian(centres: Tensor, length: int, sigma: float) -> Tensor:
    """Gaussians on the pixels of one axis: (...) centres -> (..., length)."""
    return torch.exp(_squared_distances(centres, length) / (-2.0 * sigma**2))


def _delta(centres: Tensor, length: int, sigma: float) -> Tensor:
    """1 at the nearest pixel of one axis; a delta has no width for ``sigma`` to set."""
    nearest = torch.floor(centres + 0.5)
    return (_squared_distances(nearest, length) == 0).to(centres.dtype)


def _discs(x: Tensor, y: Tensor, size: tuple[int, int], radius: float) -> Tensor:
    """Discs around (...) centres -> (..., H, W)."""
    rows = _squared_distances(y, size[0])[..., :, None]
    columns = _squared_distances(x, size[1])[..., None, :]
    return (rows + columns < radius**2).to(x.dtype)


def _squared_distances(centres: Tensor, length: int) -> Tensor:
    """Of the pixels of one axis from (...) centres -> (..., length)."""
    pixels = torch.arange(length, device=centres.device, dtype=centres.dtype)
    return (pixels - centres[..., None]).square()
