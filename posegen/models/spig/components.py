"""Warp operator, visibility selection and fusion of the paper (equations 2, 3, 6)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from posegen.models.layers.blocks import INIT_GAIN, ResBlock, init_orthogonal
from posegen.models.ops import flow_warp
from posegen.registry import MODELS


@MODELS.register_module()
class BilinearWarp(nn.Module):
    """G_warp of eq. 2: fetch source features at p + flow(p) by bilinear interpolation.

    Args:
        channels: Channels of the features. Bilinear sampling has no parameters; learned
            warp operators in this place need the number.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, source_feat: Tensor, target_feat: Tensor, flow: Tensor) -> Tensor:
        """Warp source features into the target pose.

        Args:
            source_feat: (B, C, h, w) features of the source.
            target_feat: (B, C, h, w) features of the target pose; not used here, other
                operators attend with them.
            flow: (B, 2, h, w) backward flow: dx, dy in pixels of this map.

        Returns:
            (B, C, h, w).
        """
        return flow_warp(source_feat, flow)


@MODELS.register_module()
class VisibilitySelection(nn.Module):
    """Eq. 3: V * warped source + (1 - V) * pose features."""

    def forward(self, warped: Tensor, pose_feat: Tensor, visibility: Tensor) -> Tensor:
        """(B, C, h, w) twice and visibility (B, 1, h, w) in [0, 1] -> (B, C, h, w)."""
        return visibility * warped + (1 - visibility) * pose_feat


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
