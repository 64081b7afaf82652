"""Pixel-wise scores of image pairs, in float64, one value per image."""

from __future__ import annotations

import torch
from torch import Tensor


def psnr(pred: Tensor, target: Tensor, data_range: float | Tensor) -> Tensor:
    """Peak signal-to-noise ratio: 10 log10(data_range^2 / mean squared error).

    Args:
        pred: (B, 3, H, W) of any dtype.
        target: (B, 3, H, W) on the same scale.
        data_range: Distance between the least and the greatest possible value (255
            for uint8, 2 for [-1, 1]), or one per image as (B,).

    Returns:
        (B,) float64 in dB; infinite where the images are equal.
    """
    pred, target = as_float_pair(pred, target)
    error = (pred - target).square().mean(dim=(1, 2, 3))
    return 10 * torch.log10(_peak(data_range, error) ** 2 / error)


def l1(pred: Tensor, target: Tensor, data_range: float | Tensor) -> Tensor:
    """Mean absolute error on the [-1, 1] scale that the networks see.

    Args:
        pred: (B, 3, H, W) of any dtype.
        target: (B, 3, H, W) on the same scale.
        data_range: As for :func:`psnr`; the error is multiplied by 2 / data_range.

    Returns:
        (B,) float64 in [0, 2].
    """
    pred, target = as_float_pair(pred, target)
    error = (pred - target).abs().mean(dim=(1, 2, 3))
    return 2 * error / _peak(data_range, error)


def as_float_pair(pred: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Check that two batches of images belong together and make them float64."""
    if pred.dim() != 4 or pred.shape != target.shape:
        raise ValueError(
            'pred and target must be (B, C, H, W) of the same shape, got '
            f'{tuple(pred.shape)} and {tuple(target.shape)}'
        )
    return pred.double(), target.double()


def _peak(data_range: float | Tensor, per_image: Tensor) -> Tensor:
    """The data range as (B,), checked."""
    peak = torch.as_tensor(data_range, dtype=torch.float64, device=per_image.device)
    if (peak <= 0).any():
        raise ValueError(f'data_range must be positive, got {data_range}')
    return peak.expand_as(per_image)
