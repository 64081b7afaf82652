"""Reconstruction in pixel space."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from posegen.models.ops.precision import full_precision
from posegen.registry import MODELS


@MODELS.register_module()
class L1Loss(nn.Module):
    """Mean absolute difference of images (eq. 11).

    Args:
        weight: Factor of the loss.
    """

    layers_needed: frozenset[str] = frozenset()

    def __init__(self, weight: float = 5.0) -> None:
        super().__init__()
        self.weight = weight

    @full_precision
    def forward(self, fake: Tensor, real: Tensor) -> Tensor:
        """Weighted scalar for two image batches (B, 3, H, W) in [-1, 1].

        Raises:
            ValueError: The shapes differ.
        """
        _check_same_shape(fake, real)
        return self.weight * F.l1_loss(fake, real)

    def extra_repr(self) -> str:
        return f'weight={self.weight}'


@MODELS.register_module()
class SSIMLoss(nn.Module):
    """1 - structural similarity (Wang et al., IEEE TIP 2004), mean over channels.

    As the measure of that name, with a Gaussian window of 11 x 11 and no borders. Next
    to L1 it asks for sharp outlines (Zhao et al., IEEE TCI 2017).

    Args:
        weight: Factor of the loss.
    """

    layers_needed: frozenset[str] = frozenset()

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__()
        self.weight = weight
        taps = torch.exp(-((torch.arange(11.0) - 5) ** 2) / (2 * 1.5**2))
        self.register_buffer('taps', taps / taps.sum(), persistent=False)

    @full_precision
    def forward(self, fake: Tensor, real: Tensor) -> Tensor:
        """Weighted scalar for two image batches (B, 3, H, W) in [-1, 1].

        Raises:
            ValueError: The shapes differ, or a side is below 11 pixels.
        """
        _check_same_shape(fake, real)
        if min(fake.shape[-2:]) < len(self.taps):
            raise ValueError(
                f'images must be at least {len(self.taps)} pixels high and wide, got '
                f'{tuple(fake.shape)}'
            )
        x, y = fake.flatten(0, 1), real.flatten(0, 1)
        planes = torch.stack([x, y, x * x, y * y, x * y], dim=1)
        mean_x, mean_y, xx, yy, xy = self._blur(planes).unbind(1)
        product, power = mean_x * mean_y, mean_x.square() + mean_y.square()
        c1, c2 = (0.01 * 2) ** 2, (0.03 * 2) ** 2
        ssim = (2 * product + c1) / (power + c1)
        ssim = ssim * (2 * (xy - product) + c2) / (xx + yy - power + c2)
        return self.weight * (1 - ssim.mean())

    def _blur(self, planes: Tensor) -> Tensor:
        count = planes.shape[1]
        taps = self.taps.to(planes.dtype).expand(count, 1, 1, -1)
        rows = F.conv2d(planes, taps, groups=count)
        return F.conv2d(rows, taps.transpose(2, 3), groups=count)

    def extra_repr(self) -> str:
        return f'weight={self.weight}'


def _check_same_shape(fake: Tensor, real: Tensor) -> None:
    if fake.shape != real.shape:
        raise ValueError(
            'fake and real must have the same shape, got '
            f'{tuple(fake.shape)} and {tuple(real.shape)}'
        )
