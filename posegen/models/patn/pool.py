"""A history of generated images for discriminators (Shrivastava et al., CVPR 2017)."""

from __future__ import annotations

import torch
from torch import Tensor


class ImagePool:
    """Keeps inputs of a discriminator and gives old ones back.

    Until it is full, what comes in is kept and goes on. After that each input goes on
    with probability 1/2, and otherwise takes the place of a random one that goes on in
    its stead.

    Args:
        size: Number of inputs to keep; 0 keeps none.

    Raises:
        ValueError: If ``size`` is below 0.
    """

    def __init__(self, size: int) -> None:
        if size < 0:
            raise ValueError(f'size must be at least 0, got {size}')
        self.size = size
        self.items: list[Tensor] = []

    def query(self, batch: Tensor) -> Tensor:
        """Exchange a batch.

        Args:
            batch: (B, C, H, W); copies of it are kept.

        Returns:
            (B, C, H, W) without gradient, some of it from earlier batches.
        """
        batch = batch.detach()
        if self.size == 0:
            return batch
        return torch.stack([self._exchange(item) for item in batch])

    def _exchange(self, item: Tensor) -> Tensor:
        if len(self.items) < self.size:
            self.items.append(item.clone())
            return item
        if torch.rand(()) < 0.5:
            return item
        index = int(torch.randint(self.size, ()))
        old, self.items[index] = self.items[index], item.clone()
        return old

    def state(self) -> list[Tensor]:
        """What is kept, on the CPU."""
        return [item.cpu() for item in self.items]

    def load_state(self, items: list[Tensor], device: torch.device) -> None:
        """Take over what another pool kept, as much of it as this one keeps."""
        self.items = [item.to(device) for item in items[: self.size]]
