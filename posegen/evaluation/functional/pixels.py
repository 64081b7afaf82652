"""Pixel-wise scores of image pairs, in float64, one value per image."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
import torch
from torch import Tensor


def mse(pred: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
    """Mean squared error over pixels and channels, on the scale of the images.

    Args:
        pred: (B, C, H, W) of any dtype.
        target: (B, C, H, W) on the same scale.
        mask: bool (B, H, W): only these pixels count. This is another quantity than
            the scores of blacked-out images, which divide by the whole frame.

    Returns:
        (B,) float64; not a number for an empty mask.
    """
    if mask is None and _are_plain_uint8(pred, target):
        return _norms(pred, target, cv2.NORM_L2SQR)
    return _mean(_difference(pred, target).square_(), mask)


def psnr(
    pred: Tensor,
    target: Tensor,
    data_range: float | Tensor,
    mask: Tensor | None = None,
) -> Tensor:
    """Peak signal-to-noise ratio: 10 log10(data_range^2 / mean squared error).

    Args:
        pred: (B, C, H, W) of any dtype.
        target: (B, C, H, W) on the same scale.
        data_range: Distance between the least and the greatest possible value (255
            for uint8, 2 for [-1, 1]), or one per image as (B,).
        mask: As for :func:`mse`.

    Returns:
        (B,) float64 in dB; infinite where the images are equal.
    """
    return _decibels(mse(pred, target, mask), data_range)


def psnr_uint8_wrap(pred: Tensor, target: Tensor) -> Tensor:
    """A mistake that was published with (PISE), for explaining old numbers only.

    The difference and its square are both taken in uint8, that is modulo 256. The mean
    cannot exceed 255, so that any two images score 24 dB or more, and mostly about 30.

    Args:
        pred: uint8 (B, C, H, W).
        target: uint8 (B, C, H, W).

    Returns:
        (B,) float64 in dB.

    Raises:
        ValueError: Shapes differ, or the images are not uint8.
    """
    pred, target = as_pair(pred, target)
    if pred.dtype != torch.uint8 or target.dtype != torch.uint8:
        raise ValueError(
            f'wrapping arithmetic needs uint8, got {pred.dtype} and {target.dtype}'
        )
    difference = pred - target
    return _decibels(_mean((difference * difference).double(), None), 255)


def psnr_of_set(scores: Tensor, batch_size: int | None = None) -> Tensor:
    """PSNR from pooled squared errors, computed from the PSNR of each image.

    Args:
        scores: (N,) dB of images of one size and data range.
        batch_size: Pool the errors of consecutive batches and average their dB,
            weighted by their size: how torchmetrics is often used, and dependent on
            the batch size. None pools the whole set.

    Returns:
        Scalar float64 in dB.
    """
    errors = torch.pow(10, -scores.double() / 10)
    batches = errors.split(batch_size or max(len(errors), 1))
    decibels = torch.stack([-10 * torch.log10(batch.mean()) for batch in batches])
    sizes = torch.tensor([len(batch) for batch in batches], dtype=torch.float64)
    return (decibels * sizes).sum() / sizes.sum()


def l1(
    pred: Tensor,
    target: Tensor,
    data_range: float | Tensor,
    scale: Literal['[-1,1]', '[0,1]'] = '[-1,1]',
    mask: Tensor | None = None,
) -> Tensor:
    """Mean absolute error.

    Args:
        pred: (B, C, H, W) of any dtype.
        target: (B, C, H, W) on the same scale.
        data_range: As for :func:`psnr`.
        scale: Range that the error is expressed in: that of the networks (PATN,
            Def-GAN), or [0, 1], where it is half as large (GFLA).
        mask: As for :func:`mse`.

    Returns:
        (B,) float64 in [0, 2] or [0, 1].
    """
    if mask is None and _are_plain_uint8(pred, target):
        error = _norms(pred, target, cv2.NORM_L1)
    else:
        error = _mean(_difference(pred, target).abs_(), mask)
    span = {'[-1,1]': 2, '[0,1]': 1}[scale]
    return span * error / positive_range(data_range, len(error), error.device)


def mae_ratio(pred: Tensor, target: Tensor) -> Tensor:
    """Sum of absolute differences over the sum of both images; GFLA's "mae".

    Args:
        pred: (B, C, H, W), values of 0 and more, of any dtype.
        target: (B, C, H, W) on the same scale.

    Returns:
        (B,) float64 in [0, 1].
    """
    pred, target = as_pair(pred, target)
    dims = (1, 2, 3)
    total = pred.double().sum(dims) + target.double().sum(dims)
    return _difference(pred, target).abs_().sum(dims) / total


def generated_range(pred: Tensor) -> Tensor:
    """Maximum minus minimum of each image, a published choice of ``data_range``.

    Args:
        pred: (B, C, H, W) of any dtype.

    Returns:
        (B,) float64.
    """
    flat = pred.flatten(1)
    return flat.amax(1).double() - flat.amin(1).double()


def as_pair(pred: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Check that two batches of images belong together."""
    if pred.dim() != 4 or pred.shape != target.shape:
        raise ValueError(
            'pred and target must be (B, C, H, W) of the same shape, got '
            f'{tuple(pred.shape)} and {tuple(target.shape)}'
        )
    return pred, target


def positive_range(
    data_range: float | Tensor, count: int, device: torch.device | str = 'cpu'
) -> Tensor:
    """The data range as (count,) float64, checked."""
    peak = torch.as_tensor(data_range, dtype=torch.float64, device=device)
    if not (peak > 0).all():
        raise ValueError(f'data_range must be positive, got {data_range}')
    return peak.expand(count)


def _difference(pred: Tensor, target: Tensor) -> Tensor:
    pred, target = as_pair(pred, target)
    return pred.double() - target


def _are_plain_uint8(pred: Tensor, target: Tensor) -> bool:
    as_pair(pred, target)
    return all(
        x.dtype == torch.uint8 and x.device.type == 'cpu' for x in (pred, target)
    )


def _norms(pred: Tensor, target: Tensor, kind: int) -> Tensor:
    """Sums over uint8 images, exact, divided by the number of values."""
    # OpenCV adds integers in registers: 50 times as fast as floats in memory.
    if pred.permute(0, 2, 3, 1).is_contiguous():  # saves a copy; order is no matter
        pred, target = pred.permute(0, 2, 3, 1), target.permute(0, 2, 3, 1)
    flat = (np.ascontiguousarray(x).reshape(len(x), -1) for x in (pred, target))
    sums = [cv2.norm(x, y, kind) for x, y in zip(*flat)]
    return torch.tensor(sums, dtype=torch.float64) / pred[0].numel()


def _mean(values: Tensor, mask: Tensor | None) -> Tensor:
    """(B, C, H, W) -> (B,)."""
    if mask is None:
        return values.mean(dim=(1, 2, 3))
    if mask.shape != (len(values), *values.shape[2:]):
        raise ValueError(
            f'mask must be (B, H, W) of images {tuple(values.shape)}, got '
            f'{tuple(mask.shape)}'
        )
    inside = mask.to(values)[:, None]
    return (values * inside).sum((1, 2, 3)) / (inside.sum((1, 2, 3)) * values.shape[1])


def _decibels(error: Tensor, data_range: float | Tensor) -> Tensor:
    peak = positive_range(data_range, len(error), error.device)
    return 10 * torch.log10(peak**2 / error)
