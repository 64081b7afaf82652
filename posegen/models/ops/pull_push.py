"""Fill what an image does not show from what it shows around."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from posegen.models.ops.precision import full_precision

_LEAST = 1e-4  # of the weight of a cell, so that nothing is divided by zero


@full_precision
def pull_push(images: Tensor, weights: Tensor) -> Tensor:
    """Keep pixels by their weights and fill the others from larger and larger cells.

    The pull-push algorithm of Gortler et al. (SIGGRAPH 1996): weighted means over cells
    of 2 x 2 of the next finer level; then, from coarse to fine, what a cell's weight
    lacks to 1 comes from the level above, enlarged. A cell's weight is the sum of those
    under it, 1 at most, so that one known pixel is enough for the cells above it.

    Args:
        images: (B, C, H, W).
        weights: (B, 1, H, W) in [0, 1], how far a pixel is known.

    Returns:
        (B, C, H, W) in float32 or better; where nothing at all is known, about zero.

    Raises:
        ValueError: The shapes do not belong together.
    """
    if weights.shape != (len(images), 1, *images.shape[2:]):
        raise ValueError(
            f'weights must be {(len(images), 1, *images.shape[2:])}, got '
            f'{tuple(weights.shape)}'
        )
    levels = [(images, weights)]
    while max(levels[-1][0].shape[2:]) > 1:
        levels.append(_pull(*levels[-1]))
    filled, weight = levels.pop()
    filled = filled * weight
    for image, weight in reversed(levels):
        coarse = F.interpolate(filled, size=image.shape[2:], mode='bilinear')
        filled = weight * image + (1 - weight) * coarse
    return filled


def _pull(image: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """The next coarser level: means by weight, and sums of weights up to 1."""
    options = dict(kernel_size=2, ceil_mode=True, count_include_pad=False)
    mean = F.avg_pool2d(weight, **options)
    image = F.avg_pool2d(image * weight, **options) / (mean + _LEAST)
    return image, (4 * mean).clamp_max(1)
