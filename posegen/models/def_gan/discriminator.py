"""Def-GAN's discriminator."""

from __future__ import annotations

from torch import Tensor, nn

from posegen.models.def_gan.blocks import down_block, init_glorot
from posegen.models.layers.blocks import widths
from posegen.registry import MODELS


@MODELS.register_module()
class DefGANDiscriminator(nn.Module):
    """Patch discriminator of strided convolutions.

    For the published one, condition it on ``source_image``, ``source_pose`` and
    ``target_pose`` (42 channels); at the default depth it gives 3x1 logits for 128x64
    and 7x7 for 256x256.

    Args:
        in_channels: 3 for the bare image, more with conditions.
        base_channels: Width of the first convolution, doubled by each that follows.
        num_downs: Convolutions of stride 2 before the one that gives the logits, which
            has stride 2 as well.
    """

    def __init__(
        self, in_channels: int = 3, base_channels: int = 64, num_downs: int = 4
    ) -> None:
        super().__init__()
        channels = widths(base_channels, num_downs, base_channels * 2**num_downs)
        self.layers = nn.Sequential(
            nn.Conv2d(in_channels, channels[0], 4, stride=2),
            *(down_block(i, o, norm=True) for i, o in zip(channels, channels[1:])),
            down_block(channels[-1], 1, norm=False),
        )
        init_glorot(self)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> logits (B, 1, h, w), before the sigmoid."""
        return self.layers(x)
