"""Hybrid dilated convolution block (paper equations 4 and 5)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from posegen.models.layers.blocks import (
    INIT_GAIN,
    activation,
    init_orthogonal,
    norm_layer,
)
from posegen.registry import MODELS


@MODELS.register_module()
class HybridDilatedBlock(nn.Module):
    """Sequential 3x3 convolutions with growing dilation and a residual sum (eq. 5).

    Each convolution is followed by norm and activation, or comes after them. The paper
    gives the rates {1, 2}; norm, activation and the residual are ours (it is silent
    about them).

    Args:
        channels: Channels of input and output.
        dilations: Rate of each convolution, r of eq. 4.
        norm: See :func:`~posegen.models.layers.blocks.norm_layer`.
        init_gain: Of the orthogonal weights that training starts from.
        pre_activation: Norm and activation come before each convolution, as in all
            other blocks here, so that no norm stands between a convolution and the sum.
    """

    def __init__(
        self,
        channels: int,
        dilations: Sequence[int] = (1, 2),
        norm: str | None = 'instance',
        init_gain: float = INIT_GAIN,
        pre_activation: bool = False,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for rate in dilations:
            conv = nn.Conv2d(channels, channels, 3, padding=rate, dilation=rate)
            unit = [norm_layer(norm, channels), activation()]
            layers += [*unit, conv] if pre_activation else [conv, *unit]
        self.body = nn.Sequential(*layers)
        init_orthogonal(self, init_gain)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, h, w) -> the same shape."""
        return x + self.body(x)
