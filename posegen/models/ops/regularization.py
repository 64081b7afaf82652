"""A regulariser that asks neighbouring flow vectors to move as one affine piece."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from posegen.models.ops.precision import full_precision


@full_precision
def affine_regularization(flow: Tensor, kernel_size: int) -> Tensor:
    """Squared distance of the flow from an affine map, window by window (GFLA).

    In every ``kernel_size`` x ``kernel_size`` window (stride 1) an affine function is
    fitted to the flow by least squares; the squared residual is summed inside the
    window and over x and y, and averaged over windows and batch. Affine flows are free.
    (Fitting the positions p + flow(p) gives the same residual: p is affine itself.)

    Args:
        flow: (B, 2, h, w), in pixels.
        kernel_size: width of a window, >= 2 and at most h and w.

    Returns:
        Scalar >= 0, in pixels squared.

    Raises:
        ValueError: the shape is wrong, or the window does not fit.
    """
    if flow.dim() != 4 or flow.shape[1] != 2:
        raise ValueError(f'flow must be (B, 2, h, w), got shape {tuple(flow.shape)}')
    if not 2 <= kernel_size <= min(flow.shape[2:]):
        raise ValueError(
            f'kernel_size must be between 2 and the smaller side of the flow '
            f'({tuple(flow.shape[2:])}), got {kernel_size}'
        )
    windows = F.unfold(flow.flatten(0, 1)[:, None], kernel_size)
    residual = _residual_projection(kernel_size, flow) @ windows
    return residual.square().sum() / (len(flow) * windows.shape[-1])


def _residual_projection(kernel_size: int, like: Tensor) -> Tensor:
    """I - A (A^T A)^-1 A^T for the affine basis A = (1, row, column) of a window."""
    axis = torch.arange(kernel_size, dtype=torch.float64) - (kernel_size - 1) / 2
    row, column = torch.meshgrid(axis, axis, indexing='ij')
    basis = torch.stack((torch.ones_like(row), row, column), -1).view(-1, 3)
    # Centred coordinates make the three columns orthogonal.
    basis = basis / basis.norm(dim=0)
    projection = torch.eye(kernel_size**2, dtype=torch.float64) - basis @ basis.T
    return projection.to(like)
