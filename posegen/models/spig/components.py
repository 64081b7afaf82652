"""Fusion of the paper (equation 6)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from posegen.models.layers.blocks import INIT_GAIN, ResBlock, init_orthogonal
from posegen.registry import MODELS


@MODELS.register_module()
class ConcatFusion(nn.Module):
    """G_fusion of eq. 6: concatenate all parts and the global pose, then convolve.

    Args:
        part_channels: Channels of each part's features.
        num_parts: Number of parts.
        pose_channels: Channels of the global pose features.
        out_channels: Channels of the result; those of a part by default.
        num_blocks: Residual blocks after the 3x3 convolution.
        norm: ``'instance'``, ``'layer'`` or None.
        init_gain: Of the orthogonal weights that training starts from.
    """

    def __init__(
        self,
        part_channels: int,
        num_parts: int,
        pose_channels: int,
        out_channels: int | None = None,
        num_blocks: int = 2,
        norm: str | None = 'instance',
        init_gain: float = INIT_GAIN,
    ) -> None:
        super().__init__()
        self.out_channels = out_channels or part_channels
        in_channels = part_channels * num_parts + pose_channels
        self.body = nn.Sequential(
            nn.Conv2d(in_channels, self.out_channels, 3, padding=1),
            *(ResBlock(self.out_channels, norm) for _ in range(num_blocks)),
        )
        init_orthogonal(self, init_gain)

    def forward(self, part_feats: Sequence[Tensor], pose_feat: Tensor) -> Tensor:
        """Parts (B, C, h, w) each and pose (B, P, h, w) -> (B, out_channels, h, w)."""
        return self.body(torch.cat([*part_feats, pose_feat], dim=1))
