"""Neighbourhoods of flow targets, used without being written out.

:func:`~posegen.models.ops.extract_blocks` copies k x k pixels for every position. What
local attention does with the copies, a convolution and a weighted sum, is linear in
the pixels, so it can be done on the map itself: the functions here give the same
numbers from a k^2-th of the memory.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from posegen.models.ops.warp import check_warp, positions, read_at


def conv_blocks(
    x: Tensor, flow: Tensor, weight: Tensor, bias: Tensor | None = None
) -> Tensor:
    """Convolve the neighbourhood of every flow target.

    Equals ``conv2d(extract_blocks(x, flow, k), weight, bias, stride=k)``. Bilinear
    reads and convolutions commute, so the map is convolved first and read once a
    position. It is convolved past its border by half a kernel, from where on nothing
    but border pixels is seen and the result is constant.

    Args:
        x: (B, C, h, w).
        flow: (B, 2, h, w), dx and dy in pixels of ``x``.
        weight: (O, C, k, k), k odd.
        bias: (O,) or None.

    Returns:
        (B, O, h, w).

    Raises:
        ValueError: the shapes do not belong together, or k is not odd.
    """
    check_warp(x, flow)
    kernel_size = _odd(weight.shape[-1], 'weight')
    margin = kernel_size // 2
    padded = F.pad(x, [2 * margin] * 4, mode='replicate')
    convolved = F.conv2d(padded, weight, bias)
    column, row = positions(flow)
    return read_at(convolved, column + margin, row + margin)


def sum_blocks(x: Tensor, flow: Tensor, weights: Tensor) -> Tensor:
    """Weighted sum over the neighbourhood of every flow target.

    The output at p is the sum over (ky, kx) of weight number ky * k + kx times ``x``
    read bilinearly at p + flow(p) + (kx - k//2, ky - k//2), clamped to the border.

    Differentiable once.

    Args:
        x: (B, C, h, w).
        flow: (B, 2, h, w), dx and dy in pixels of ``x``.
        weights: (B, k * k, h, w), row by row, k odd.

    Returns:
        (B, C, h, w) in the type of ``x``.

    Raises:
        ValueError: the shapes do not belong together, or k is not odd.
    """
    check_warp(x, flow)
    kernel_size = _odd(round(weights.shape[1] ** 0.5), 'weights')
    batch, channels, height, width = x.shape
    expected = (batch, kernel_size**2, height, width)
    if weights.shape != expected:
        raise ValueError(
            f'weights must be (B, k * k, h, w) = {expected} to fit x of shape '
            f'{tuple(x.shape)}, got {tuple(weights.shape)}'
        )
    column, row = positions(flow)
    weights = weights.to(column.dtype).permute(0, 2, 3, 1)
    weights = weights.unflatten(-1, (kernel_size, kernel_size))
    # k reads between pixels along an axis are one sum over k + 1 pixels.
    weights, column = _onto_pixels(weights, column, width)
    weights, row = _onto_pixels(weights.transpose(-1, -2), row, height)
    weights = weights.transpose(-1, -2)

    image = torch.arange(batch, device=x.device).view(-1, 1, 1, 1, 1)
    index = (image * height + row[..., :, None]) * width + column[..., None, :]
    taps = (kernel_size + 1) ** 2
    # As in gaussian_warp: a sum of rows of a table, never storing what is summed.
    out = F.embedding_bag(
        index.reshape(-1, taps),
        x.permute(0, 2, 3, 1).reshape(-1, channels).to(weights.dtype),
        per_sample_weights=weights.reshape(-1, taps),
        mode='sum',
    )
    return out.view(batch, height, width, channels).permute(0, 3, 1, 2).to(x.dtype)


def _onto_pixels(
    weights: Tensor, position: Tensor, length: int
) -> tuple[Tensor, Tensor]:
    """Split weights of reads between pixels among the pixels, along the last axis.

    Args:
        weights: (B, h, w, k, k') for reads at ``position`` - k'//2, ... + k'//2.
        position: (B, h, w).
        length: pixels of the map along the axis.

    Returns:
        Weights (B, h, w, k, k' + 1) and the clamped pixels (B, h, w, k' + 1) that they
        belong to.
    """
    first = position.detach().floor()
    fraction = (position - first)[..., None, None]
    split = F.pad(weights * (1 - fraction), (0, 1)) + F.pad(weights * fraction, (1, 0))
    reach = weights.shape[-1] // 2
    offset = torch.arange(-reach, reach + 2, dtype=first.dtype, device=first.device)
    # Clamped before the cast: a huge flow must not overflow the integer.
    return split, (first[..., None] + offset).clamp(0, length - 1).long()


def _odd(kernel_size: int, argument: str) -> int:
    if kernel_size % 2 == 0:
        raise ValueError(
            f'{argument} must be of an odd kernel size, got one of {kernel_size}'
        )
    return kernel_size
