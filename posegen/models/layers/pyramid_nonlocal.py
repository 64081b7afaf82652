"""Pyramid non-local block (paper equation 7 and figure 4)."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from posegen.models.layers.blocks import init_orthogonal
from posegen.models.ops.precision import full_precision
from posegen.registry import MODELS


@full_precision
def relation_map(query: Tensor, key: Tensor) -> Tensor:
    """R = softmax(theta(x)^T phi(x)), the relations of every position to every other.

    Args:
        query: (B, C, n) embedded features theta(x).
        key: (B, C, n) embedded features phi(x).

    Returns:
        (B, n, n) in float32 or better; row i holds the weights, summing to 1, with
        which i sees all others.
    """
    return (query.transpose(1, 2) @ key).softmax(dim=-1)


class PooledNonLocal(nn.Module):
    """Non-local operation on features max-pooled to ``size`` x ``size``.

    Args:
        channels: Channels of input and output.
        size: Side of the pooled map.
        inner_channels: Width of the embeddings theta, phi and g.
    """

    def __init__(self, channels: int, size: int, inner_channels: int) -> None:
        super().__init__()
        self.size = size
        self.theta = nn.Conv2d(channels, inner_channels, 1)
        self.phi = nn.Conv2d(channels, inner_channels, 1)
        self.g = nn.Conv2d(channels, inner_channels, 1)
        self.out = nn.Conv2d(inner_channels, channels, 1)
        init_orthogonal(self)
        # The block starts as the identity, so it can be added to a trained model.
        nn.init.zeros_(self.out.weight)

    def pool(self, x: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, C, size, size), the strongest response of each region."""
        return F.adaptive_max_pool2d(x, self.size)

    def relations(self, pooled: Tensor) -> Tensor:
        """(B, C, size, size) -> (B, size^2, size^2), rows sum to 1."""
        return relation_map(self.theta(pooled).flatten(2), self.phi(pooled).flatten(2))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, C, size, size), to be upsampled and added."""
        pooled = self.pool(x)
        values = self.g(pooled).flatten(2)
        relations = self.relations(pooled).to(values.dtype)
        mixed = values @ relations.transpose(1, 2)
        return self.out(mixed.unflatten(2, (self.size, self.size)))


@MODELS.register_module()
class PyramidNonLocalBlock(nn.Module):
    """Non-local operations at several pooled sizes, added to the input (eq. 7).

    The paper names pyramid max pooling to 4x4 and 6x6 and 1x1 embeddings. Ours where it
    is silent: embeddings of C/2 channels a scale, bilinear upsampling, a sum with the
    input and an output convolution that starts at zero.

    Args:
        channels: Channels of input and output.
        sizes: Sides of the pooled maps.
        inner_channels: Width of the embeddings; half of ``channels`` by default.
    """

    def __init__(
        self,
        channels: int,
        sizes: Sequence[int] = (4, 6),
        inner_channels: int | None = None,
    ) -> None:
        super().__init__()
        inner = inner_channels or max(channels // 2, 1)
        self.scales = nn.ModuleList(PooledNonLocal(channels, s, inner) for s in sizes)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, h, w) -> the same shape."""
        size = x.shape[-2:]
        out = x
        for scale in self.scales:
            out = out + F.interpolate(scale(x), size=size, mode='bilinear')
        return out

    def relation_maps(self, x: Tensor) -> dict[int, Tensor]:
        """Pooled size s -> relation maps (B, s^2, s^2) of figure 7, rows sum to 1."""
        return {s.size: s.relations(s.pool(x)) for s in self.scales}
