"""From fused features to a choice between candidate images, and a painted one."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from posegen.models.layers.blocks import ResBlock, activation
from posegen.models.ops.precision import at_least_float32
from posegen.registry import MODELS

_INSIDE = 0.98  # black and white stay where the tanh has a slope


@MODELS.register_module()
class CandidateComposer(nn.Module):
    """Decoder (eq. 8) that chooses pixels instead of painting all of them.

    The paper decodes an image from features. Here the decoder paints one as well, and
    beside it weighs, pixel by pixel, the painted image against the source as it stands
    and the source warped by each part's flow, which it sees. The painter starts from
    the mean of source and warps by these weights, and adds what they lack.

    Args:
        in_channels: Channels of the fused features, at level 2.
        fine_channels: Channels of the warped features at level 1.
        num_parts: Number of parts, one warped image each.
        channels: Width at level 1.
        full_channels: Width at full resolution.
        num_blocks: Residual blocks at level 1.
        norm: See :func:`~posegen.models.layers.blocks.norm_layer`.
    """

    def __init__(
        self,
        in_channels: int,
        fine_channels: int,
        num_parts: int,
        channels: int = 48,
        full_channels: int = 24,
        num_blocks: int = 2,
        norm: str | None = 'group',
    ) -> None:
        super().__init__()
        images = 3 * (1 + num_parts)
        self.coarse = nn.Conv2d(in_channels, channels, 1)
        self.fine = nn.Conv2d(fine_channels + 4 * images, channels, 1)
        self.body = nn.Sequential(
            *(ResBlock(channels, norm) for _ in range(num_blocks))
        )
        self.up = nn.Sequential(
            activation(), nn.Conv2d(channels, 4 * full_channels, 3, padding=1)
        )
        # Colors reach the painted picture without an activation on their way.
        self.color = nn.Conv2d(channels, 3 * 4, 1)
        self.mix = nn.Conv2d(full_channels + images, full_channels, 3, padding=1)
        self.activation = activation()
        self.head = nn.Conv2d(full_channels, 2 + num_parts + 3, 3, padding=1)
        # Every candidate weighs the same at first, and nothing is added to their mean.
        for layer in (self.head, self.color):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(
        self, fused: Tensor, fine: Tensor, images: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Weigh the candidates and paint.

        Args:
            fused: (B, in_channels, H/4, W/4).
            fine: (B, fine_channels, H/2, W/2) warped features of all parts.
            images: (B, 3 (1 + num_parts), H, W) the source and its warps.

        Returns:
            ``masks`` (B, 2 + num_parts, H, W): weights of source, painted image and
            warps, which sum to 1; ``painted`` (B, 3, H, W) in [-1, 1]. Both in float32
            or better.
        """
        seen = torch.cat([fine, F.pixel_unshuffle(images, 2)], 1)
        coarse = F.interpolate(self.coarse(fused), scale_factor=2, mode='bilinear')
        x = self.body(self.fine(seen) + coarse)
        color = F.pixel_shuffle(self.color(x), 2)
        x = F.pixel_shuffle(self.up(x), 2)
        x = self.activation(self.mix(torch.cat([x, images], 1)))
        out = at_least_float32(self.head(x))
        logits, residual = out[:, :-3], out[:, -3:] + color
        return logits.softmax(1), _paint(logits, residual, images)


def _paint(logits: Tensor, residual: Tensor, images: Tensor) -> Tensor:
    """The mean of the images by their logits, and a residual inside of the tanh."""
    weights = torch.cat([logits[:, :1], logits[:, 2:]], dim=1).softmax(1)
    mean = (weights[:, :, None] * images.unflatten(1, (-1, 3))).sum(1)
    return (torch.atanh(_INSIDE * mean) + residual).tanh()
