"""PATN's discriminators: the appearance and the shape one have the same form."""

from __future__ import annotations

from torch import Tensor, nn

from posegen.models.patn.blocks import ResidualBlock, down_layers
from posegen.registry import MODELS


@MODELS.register_module()
class PATNDiscriminator(nn.Module):
    """Convolutions and residual blocks without a head of one channel.

    Every channel of its last features is judged by the loss, and plain ReLU is the only
    activation, as published. For the shape discriminator PB condition it on
    ``target_pose`` (21 channels), for the appearance discriminator PP on
    ``source_image`` (6 channels). It keeps PyTorch's initial weights.

    Args:
        in_channels: 3 for the bare image, more with conditions.
        base_channels: Width of the first convolution; four times as many at the end.
        num_blocks: Residual blocks.
        norm: ``'batch'`` or ``'instance'``.
        dropout: Probability inside the residual blocks, in training.

    Raises:
        ValueError: If ``norm`` is unknown.
    """

    def __init__(
        self,
        in_channels: int = 3,
        base_channels: int = 64,
        num_blocks: int = 3,
        norm: str = 'batch',
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        channels = 4 * base_channels
        self.layers = nn.Sequential(
            *down_layers(in_channels, base_channels, norm),
            *(ResidualBlock(channels, norm, dropout) for _ in range(num_blocks)),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> logits (B, 4 * base_channels, H/4, W/4)."""
        return self.layers(x)
