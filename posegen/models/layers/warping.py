"""Warp operators, and the choice between warped source and pose features.

A warp operator is built with ``channels`` and called as ``warp(source_feat,
target_feat, flow)``; one operator can stand in the place of another.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from posegen.models.layers.blocks import INIT_GAIN, activation, init_orthogonal
from posegen.models.ops import conv_blocks, flow_warp, sum_blocks
from posegen.models.ops.precision import at_least_float32
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
class LocalAttentionWarp(nn.Module):
    """Local attention of GFLA: a content-aware average around each flow target.

    The k x k source features around p + flow(p) are averaged with weights that a small
    net reads from them and from the k x k target features around p (Ren et al., CVPR
    2020). The weights sum to 1; the average is divided by k^2 once more, as in the
    published model, whose weights were trained with that factor.

    The blocks are never written out (:func:`~posegen.models.ops.conv_blocks`,
    :func:`~posegen.models.ops.sum_blocks`); the numbers are those of the published
    operator.

    Args:
        channels: Channels of source and target features.
        kernel_size: Width k of the neighbourhoods, odd.
        hidden_channels: Width of the net that gives the weights.
        init_gain: Of the orthogonal weights that training starts from.

    Raises:
        ValueError: If ``kernel_size`` is not odd.
    """

    def __init__(
        self,
        channels: int,
        kernel_size: int = 3,
        hidden_channels: int = 128,
        init_gain: float = INIT_GAIN,
    ) -> None:
        super().__init__()
        if kernel_size < 1 or kernel_size % 2 == 0:
            raise ValueError(f'kernel_size must be odd and >= 1, got {kernel_size}')
        self.kernel_size = kernel_size
        # Sees the blocks of the target in its first half of channels, then the source.
        self.compare = nn.Conv2d(2 * channels, hidden_channels, kernel_size)
        self.score = nn.Conv2d(hidden_channels, kernel_size**2, 1)
        self.activation = activation()
        init_orthogonal(self, init_gain)

    def attention(
        self, source_feat: Tensor, target_feat: Tensor, flow: Tensor
    ) -> Tensor:
        """Weights of the neighbours; arguments as in :meth:`forward`.

        Returns:
            (B, k^2, h, w) in float32 or better, row by row; the sum over the k^2
            neighbours is 1.
        """
        of_target, of_source = self.compare.weight.chunk(2, dim=1)
        padded = F.pad(target_feat, [self.kernel_size // 2] * 4, mode='replicate')
        hidden = F.conv2d(padded, of_target, self.compare.bias)
        hidden = hidden + conv_blocks(source_feat, flow, of_source)
        return at_least_float32(self.score(self.activation(hidden))).softmax(dim=1)

    def forward(self, source_feat: Tensor, target_feat: Tensor, flow: Tensor) -> Tensor:
        """Average source features around the flow's targets.

        Args:
            source_feat: (B, C, h, w) features of the source.
            target_feat: (B, C, h, w) features of the target pose.
            flow: (B, 2, h, w) backward flow: dx, dy in pixels of this map.

        Returns:
            (B, C, h, w).
        """
        attention = self.attention(source_feat, target_feat, flow)
        return sum_blocks(source_feat, flow, attention / self.kernel_size**2)


@MODELS.register_module()
class VisibilitySelection(nn.Module):
    """Eq. 3: V * warped source + (1 - V) * pose features.

    Args:
        channels: Channels of the features; learned selections in this place need it.
    """

    def __init__(self, channels: int | None = None) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, warped: Tensor, pose_feat: Tensor, visibility: Tensor) -> Tensor:
        """(B, C, h, w) twice and visibility (B, 1, h, w) in [0, 1] -> (B, C, h, w)."""
        # A flow net's float32 must not widen the features of mixed precision.
        visibility = visibility.to(warped.dtype)
        return visibility * warped + (1 - visibility) * pose_feat


@MODELS.register_module()
class VisibilityConcat(nn.Module):
    """In the place of eq. 3: a 1x1 convolution sees all three of its inputs.

    Eq. 3 takes the source away where it is not visible. The back of a garment mostly
    has the colors of its front, to which the flow still points, so this one keeps them
    and hands the visibility on as one more channel.

    Args:
        channels: Channels of the features.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(2 * channels + 1, channels, 1)

    def forward(self, warped: Tensor, pose_feat: Tensor, visibility: Tensor) -> Tensor:
        """(B, C, h, w) twice and visibility (B, 1, h, w) in [0, 1] -> (B, C, h, w)."""
        visibility = visibility.to(warped.dtype)
        return self.mix(torch.cat([warped, pose_feat, visibility], dim=1))
