"""The standard non-local block, to stand in the place of the paper's pyramid."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from posegen.models.layers.blocks import init_orthogonal
from posegen.models.layers.pyramid_nonlocal import relation_map
from posegen.registry import MODELS


@MODELS.register_module()
class NonLocalBlock(nn.Module):
    """Non-local block at full resolution (Wang et al., CVPR 2018), embedded Gaussian.

    x + out(g(x) softmax(theta(x)^T phi(x))^T): the operation that
    :class:`PyramidNonLocalBlock` applies to pooled maps, with the same embeddings and
    the same start as the identity, so that the two differ in the pooling alone. It is
    ``mmcv.cnn.NonLocal2d(channels, use_scale=False)``, which takes no width of the
    embeddings and no channels-last input.

    Args:
        channels: Channels of input and output.
        inner_channels: Width of the embeddings; half of ``channels`` by default.
        fused: Leave the product to ``scaled_dot_product_attention``, which needs not
            hold the relations of all positions to all others at once: (h w)^2 numbers a
            sample. False holds them, as published code does.
    """

    def __init__(
        self, channels: int, inner_channels: int | None = None, fused: bool = True
    ) -> None:
        super().__init__()
        inner = inner_channels or max(channels // 2, 1)
        self.theta = nn.Conv2d(channels, inner, 1)
        self.phi = nn.Conv2d(channels, inner, 1)
        self.g = nn.Conv2d(channels, inner, 1)
        self.out = nn.Conv2d(inner, channels, 1)
        init_orthogonal(self)
        nn.init.zeros_(self.out.weight)
        self.fused = fused

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, h, w) -> the same shape."""
        mixed = self._attend(x) if self.fused else self._mix(x)
        return x + self.out(mixed.unflatten(2, x.shape[-2:]))

    def _mix(self, x: Tensor) -> Tensor:
        values = self.g(x).flatten(2)
        return values @ self._relations(x).to(values.dtype).transpose(1, 2)

    def _attend(self, x: Tensor) -> Tensor:
        # One head, positions before channels: (B, 1, h w, inner). Where channels do not
        # lie side by side PyTorch falls back to the product that holds the map.
        query, key, value = (
            layer(x).flatten(2).transpose(1, 2).unsqueeze(1).contiguous()
            for layer in (self.theta, self.phi, self.g)
        )
        mixed = F.scaled_dot_product_attention(query, key, value, scale=1.0)
        return mixed.squeeze(1).transpose(1, 2)

    def _relations(self, x: Tensor) -> Tensor:
        return relation_map(self.theta(x).flatten(2), self.phi(x).flatten(2))

    def relation_maps(self, x: Tensor) -> dict[tuple[int, int], Tensor]:
        """(h, w) of the map -> its relations (B, h w, h w), rows sum to 1.

        :class:`PyramidNonLocalBlock` has the side of a square map for a key; this one
        is not pooled to a square.
        """
        return {tuple(x.shape[-2:]): self._relations(x)}
