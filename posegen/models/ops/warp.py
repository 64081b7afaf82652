"""Reading a feature map at positions that a flow field names."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from posegen.models.ops.precision import at_least_float32


def flow_warp(x: Tensor, flow: Tensor) -> Tensor:
    """Warp a feature map bilinearly: the output at p is ``x`` at p + flow(p) (eq. 2).

    Positions outside the map take the value of the nearest border pixel.

    Args:
        x: (B, C, h, w).
        flow: (B, 2, h, w), dx and dy in pixels of ``x``.

    Returns:
        (B, C, h, w) in the type of ``x``.

    Raises:
        ValueError: the shapes do not belong together.
    """
    check_warp(x, flow)
    return read_at(x, *positions(flow))


def gaussian_warp(
    x: Tensor, flow: Tensor, kernel_size: int = 4, sigma: float = 2.0
) -> Tensor:
    """Warp a feature map with a Gaussian window instead of the bilinear one.

    The window holds ``kernel_size`` x ``kernel_size`` pixels around the position (4:
    floor-1 .. floor+2 along each axis, clamped to the border), weighted by
    exp(-d^2 / (2 sigma^2)) and divided by the sum of the weights. It sees further than
    the bilinear window does, which is why the sampling correctness loss reads with it
    (Ren et al. 2020); with bilinear reads that loss is reported not to converge.

    Differentiable once in ``x`` and in ``flow``.

    Args:
        x: (B, C, h, w).
        flow: (B, 2, h, w), dx and dy in pixels of ``x``.
        kernel_size: width of the window in pixels, even.
        sigma: standard deviation of the weights in pixels, > 0.

    Returns:
        (B, C, h, w) in the type of ``x``.

    Raises:
        ValueError: the shapes do not belong together, ``kernel_size`` is odd or < 2, or
            ``sigma`` is not positive.
    """
    check_warp(x, flow)
    if kernel_size < 2 or kernel_size % 2:
        raise ValueError(f'kernel_size must be even and >= 2, got {kernel_size}')
    if sigma <= 0:
        raise ValueError(f'sigma must be > 0, got {sigma}')
    batch, channels, height, width = x.shape
    pos_x, pos_y = positions(flow)
    column, weight_x = _gaussian_taps(pos_x, width, kernel_size, sigma)
    row, weight_y = _gaussian_taps(pos_y, height, kernel_size, sigma)
    image = torch.arange(batch, device=x.device).view(-1, 1, 1, 1, 1)
    index = (image * height + row[..., :, None]) * width + column[..., None, :]
    weight = weight_y[..., :, None] * weight_x[..., None, :]

    # With pixels as rows of a table, a weighted sum of a few of them is what
    # embedding_bag computes without ever storing the gathered rows: 5 to 40 times
    # faster on CPU than a gather per tap or the equivalent calls of grid_sample.
    taps = kernel_size**2
    table = x.permute(0, 2, 3, 1).reshape(-1, channels).to(weight.dtype)
    out = F.embedding_bag(
        index.view(-1, taps),
        table,
        per_sample_weights=weight.view(-1, taps),
        mode='sum',
    )
    return out.view(batch, height, width, channels).permute(0, 3, 1, 2).to(x.dtype)


def extract_blocks(x: Tensor, flow: Tensor, kernel_size: int) -> Tensor:
    """Read the whole neighbourhood of every flow target (local attention of GFLA).

    The output is a mosaic: cell (ky, kx) of the block at (y, x) is ``x``, read
    bilinearly at (x + dx + kx - k//2, y + dy + ky - k//2), clamped to the border.

    Args:
        x: (B, C, h, w).
        flow: (B, 2, h, w), dx and dy in pixels of ``x``.
        kernel_size: width k of a block, odd.

    Returns:
        (B, C, k*h, k*w) in the type of ``x``.

    Raises:
        ValueError: the shapes do not belong together, or ``kernel_size`` is not odd.
    """
    check_warp(x, flow)
    if kernel_size < 1 or kernel_size % 2 == 0:
        raise ValueError(f'kernel_size must be odd and >= 1, got {kernel_size}')
    k = kernel_size
    height, width = x.shape[-2:]
    pos_x, pos_y = (
        p.repeat_interleave(k, dim=1).repeat_interleave(k, dim=2)
        for p in positions(flow)
    )
    offset = torch.arange(k, dtype=pos_x.dtype, device=x.device) - k // 2
    return read_at(
        x, pos_x + offset.repeat(width), pos_y + offset.repeat(height)[:, None]
    )


def check_warp(x: Tensor, flow: Tensor) -> None:
    """Refuse tensors that are no features and their flow.

    Args:
        x: (B, C, h, w).
        flow: (B, 2, h, w).

    Raises:
        ValueError: the shapes do not belong together.
    """
    if x.dim() != 4:
        raise ValueError(f'x must be (B, C, h, w), got shape {tuple(x.shape)}')
    expected = (x.shape[0], 2, *x.shape[2:])
    if flow.shape != expected:
        raise ValueError(
            f'flow must be (B, 2, h, w) = {expected} to fit x of shape '
            f'{tuple(x.shape)}, got {tuple(flow.shape)}'
        )


def positions(flow: Tensor, first_row: int = 0) -> tuple[Tensor, Tensor]:
    """Absolute x and y (B, h, w) that a flow points at, in float32 or better.

    Half precision cannot name a position to a fraction of a pixel beyond 128.

    Args:
        flow: (B, 2, h, w), or h rows of a flow.
        first_row: which row of the whole flow the first one is.
    """
    flow = at_least_float32(flow)
    height, width = flow.shape[-2:]
    column = torch.arange(width, dtype=flow.dtype, device=flow.device)
    row = torch.arange(height, dtype=flow.dtype, device=flow.device) + first_row
    return flow[:, 0] + column, flow[:, 1] + row[:, None]


def read_at(x: Tensor, pos_x: Tensor, pos_y: Tensor, mode: str = 'bilinear') -> Tensor:
    """``x`` at positions (B, oh, ow) given in its pixels -> (B, C, oh, ow).

    Args:
        x: (B, C, h, w).
        pos_x: columns; beyond the border the nearest pixel counts.
        pos_y: rows.
        mode: ``'bilinear'`` or ``'bicubic'``.
    """
    height, width = x.shape[-2:]
    # A side of one pixel has no extent to divide by; any position reads that pixel.
    grid = torch.stack(
        (pos_x * (2 / max(width - 1, 1)) - 1, pos_y * (2 / max(height - 1, 1)) - 1), -1
    )
    out = F.grid_sample(
        x.to(grid.dtype),
        grid,
        mode=mode,
        padding_mode='border',
        align_corners=True,
    )
    return out.to(x.dtype)


def _gaussian_taps(
    position: Tensor, length: int, kernel_size: int, sigma: float
) -> tuple[Tensor, Tensor]:
    """Pixels around positions along one axis: clamped index and weight, (..., k)."""
    half = kernel_size // 2
    offset = torch.arange(
        1 - half, half + 1, dtype=position.dtype, device=position.device
    )
    first = position.detach().floor()[..., None]
    distance = first + offset - position[..., None]
    weight = torch.exp(distance.square() / (-2 * sigma**2))
    # Clamped before the cast: a huge flow must not overflow the integer.
    index = (first + offset).clamp(0, length - 1).long()
    return index, weight / weight.sum(-1, keepdim=True)
