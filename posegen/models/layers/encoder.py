"""Feature encoder and image decoder of the flow line (GFLA reference, section 2)."""

from __future__ import annotations

from torch import Tensor, nn

from posegen.models.layers.blocks import (
    INIT_GAIN,
    EncoderBlock,
    OutputHead,
    ResBlock,
    ResBlockDecoder,
    check_divisible,
    init_orthogonal,
    widths,
)
from posegen.registry import MODELS


@MODELS.register_module()
class FeatureEncoder(nn.Module):
    """Encoder blocks down to one level.

    Args:
        in_channels: 3 for an image, the number of joints for a pose.
        level: The result has 1/2^level of the input's resolution.
        base_channels: Width of the first block; doubled at each further one.
        max_channels: Cap of the widths.
        norm: ``'instance'``, ``'layer'`` or None.
        init_gain: Of the orthogonal weights that training starts from.

    Attributes:
        out_channels: Channels of the result.
    """

    def __init__(
        self,
        in_channels: int,
        level: int = 2,
        base_channels: int = 64,
        max_channels: int = 512,
        norm: str | None = 'instance',
        init_gain: float = INIT_GAIN,
    ) -> None:
        super().__init__()
        channels = widths(base_channels, level, max_channels)
        self.level = level
        self.out_channels = channels[-1]
        self.blocks = nn.Sequential(
            *(
                EncoderBlock(i, o, norm)
                for i, o in zip([in_channels, *channels], channels)
            )
        )
        init_orthogonal(self, init_gain)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> (B, out_channels, H/2^level, W/2^level)."""
        check_divisible(x.shape, 2**self.level, type(self).__name__)
        return self.blocks(x)


@MODELS.register_module()
class ResidualDecoder(nn.Module):
    """Residual blocks and deconvolutions up to an image (paper equation 8).

    Args:
        in_channels: Channels of the features.
        level: Level of the features, so ``level`` deconvolutions follow.
        min_channels: Widths are halved at each step down to this.
        num_blocks: Residual blocks before each deconvolution.
        norm: ``'instance'``, ``'layer'`` or None.
        init_gain: Of the orthogonal weights that training starts from.
    """

    def __init__(
        self,
        in_channels: int,
        level: int = 2,
        min_channels: int = 64,
        num_blocks: int = 1,
        norm: str | None = 'instance',
        init_gain: float = INIT_GAIN,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = in_channels
        for _ in range(level):
            out_channels = max(channels // 2, min_channels)
            layers += [ResBlock(channels, norm) for _ in range(num_blocks)]
            layers.append(ResBlockDecoder(channels, out_channels, channels, norm))
            channels = out_channels
        self.body = nn.Sequential(*layers)
        self.head = OutputHead(channels)
        init_orthogonal(self, init_gain)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, h, w) -> (B, 3, h*2^level, w*2^level) in [-1, 1]."""
        return self.head(self.body(x))
