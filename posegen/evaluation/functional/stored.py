"""What storing a picture does to it: bytes, and the losses of JPEG."""

from __future__ import annotations

import io
from typing import Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor


def quantise(images: Tensor, rule: Literal['truncate', 'round'] = 'round') -> Tensor:
    """Floats to the bytes that a file holds.

    Args:
        images: (..., H, W) floating, of 0..255; what lies outside is cut off.
        rule: 'truncate' casts, as PATN and GFLA do, which darkens by half a step.

    Returns:
        uint8 of the same shape.
    """
    if rule not in ('truncate', 'round'):
        raise ValueError(f"rule must be 'truncate' or 'round', got {rule!r}")
    images = images.clamp(0, 255)
    return (images.round() if rule == 'round' else images).to(torch.uint8)


def jpeg_round_trip(images: Tensor, quality: int = 75) -> Tensor:
    """What is left of images that were stored as JPEG.

    Pillow's encoder with its own subsampling of colour, as imageio uses it for GFLA's
    results; 75 is the quality of both where none is given.

    Args:
        images: uint8 (B, 3, H, W).
        quality: 1 to 95.

    Returns:
        uint8 (B, 3, H, W).
    """
    if images.dtype != torch.uint8 or images.dim() != 4 or images.shape[1] != 3:
        raise ValueError(
            f'images must be uint8 (B, 3, H, W), got {images.dtype} '
            f'{tuple(images.shape)}'
        )
    pixels = images.permute(0, 2, 3, 1).cpu().numpy()
    stored = np.stack([_through_jpeg(image, quality) for image in pixels])
    return torch.from_numpy(stored).permute(0, 3, 1, 2).contiguous()


def _through_jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(image).save(file, 'jpeg', quality=quality)
    with Image.open(file) as stored:
        return np.array(stored)
