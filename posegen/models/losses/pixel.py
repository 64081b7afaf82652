"""Reconstruction in pixel space."""

from __future__ import annotations

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
        if fake.shape != real.shape:
            raise ValueError(
                'fake and real must have the same shape, got '
                f'{tuple(fake.shape)} and {tuple(real.shape)}'
            )
        return self.weight * F.l1_loss(fake, real)

    def extra_repr(self) -> str:
        return f'weight={self.weight}'
