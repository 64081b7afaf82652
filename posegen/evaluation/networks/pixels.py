"""From stored pixels to what networks take."""

from __future__ import annotations

import torch
from torch import Tensor


def to_range(images: Tensor, low: float, high: float) -> Tensor:
    """Bring 0..255 to [low, high] in float32.

    Args:
        images: (B, 3, H, W), uint8, or floats of 0..255 as a resize leaves them, which
            may lie a little outside.
        low: What black becomes.
        high: What white becomes.

    Raises:
        TypeError: Not a batch of colour images of these types.
        ValueError: Floats that are not finite or on another scale.
    """
    check_images(images)
    return images.float() / (255 / (high - low)) + low


def check_images(images: Tensor) -> None:
    """Refuse what is no batch of colour images of 0..255; see :func:`to_range`."""
    fits = images.dtype == torch.uint8 or images.is_floating_point()
    if images.dim() != 4 or images.shape[1] != 3 or not fits:
        raise TypeError(
            'images must be (B, 3, H, W), uint8 or floats of 0..255, got '
            f'{images.dtype} of shape {tuple(images.shape)}'
        )
    if images.is_floating_point() and images.numel():
        _check_scale(images)


def _check_scale(images: Tensor) -> None:
    low, high = (value.item() for value in images.aminmax())
    if not torch.isfinite(torch.tensor([low, high])).all():
        raise ValueError('images hold values that are not finite')
    if high <= 1 and low < high:
        raise ValueError(
            f'images must be of 0..255; these lie in [{low:.3g}, {high:.3g}], as if '
            'they were of [0, 1] or [-1, 1]'
        )


def check_size(images: Tensor, least: int, name: str) -> None:
    """Raise ValueError where a network's strides leave nothing of the images."""
    if min(images.shape[2:]) < least:
        raise ValueError(
            f'{name} needs images of {least}x{least} pixels or more, got '
            f'{images.shape[2]}x{images.shape[3]}'
        )
