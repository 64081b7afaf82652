"""Convolution blocks of the flow line (reference: GFLA, sections 1 and 2).

All blocks are pre-activation: norm, LeakyReLU(0.1), convolution. The norm is
instance normalisation with affine parameters and no running statistics, as in GFLA, or
one of :func:`norm_layer`'s others.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from posegen.models.ops.precision import without_autocast
from posegen.utils.errors import ConfigError

NEGATIVE_SLOPE = 0.1
NORM_GROUPS = 8
INIT_GAIN = 0.02


def norm_layer(kind: str | None, channels: int) -> nn.Module:
    """Normalisation by name.

    Args:
        kind: ``'instance'`` (affine, no running statistics), ``'layer'`` (affine, one
            mean and variance over the channels, rows and columns of a sample),
            ``'group'`` (the same over each of 8 groups of channels) or None (identity).
        channels: Number of channels of its input.

    Raises:
        ValueError: If ``kind`` is none of them.
    """
    if kind is None:
        return nn.Identity()
    if kind == 'instance':
        return nn.InstanceNorm2d(channels, affine=True)
    if kind == 'layer':
        return nn.GroupNorm(1, channels)
    if kind == 'group':
        return nn.GroupNorm(math.gcd(NORM_GROUPS, channels), channels)
    raise ValueError(f"norm must be 'instance', 'layer', 'group' or None, got {kind!r}")


def activation() -> nn.LeakyReLU:
    """The activation of the flow line, LeakyReLU with slope 0.1."""
    return nn.LeakyReLU(NEGATIVE_SLOPE)


def _pre(norm: str | None, channels: int) -> tuple[nn.Module, nn.Module]:
    return norm_layer(norm, channels), activation()


def init_orthogonal(module: nn.Module, gain: float = INIT_GAIN) -> None:
    """Draw every convolution weight orthogonally and set its bias to zero, in place.

    GFLA's small gain lets a new flow net start from the identity warp with 50/50
    visibility, and a new decoder from a grey picture, which takes it some hundred steps
    to leave.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.orthogonal_(layer.weight, gain)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


class EncoderBlock(nn.Sequential):
    """Halve the resolution: 4x4 convolution of stride 2, then a 3x3 one.

    (B, in_channels, H, W) -> (B, out_channels, H/2, W/2).
    """

    def __init__(
        self, in_channels: int, out_channels: int, norm: str | None = 'instance'
    ) -> None:
        super().__init__(
            *_pre(norm, in_channels),
            nn.Conv2d(in_channels, out_channels, 4, stride=2, padding=1),
            *_pre(norm, out_channels),
            nn.Conv2d(out_channels, out_channels, 3, padding=1),
        )


class ResBlock(nn.Module):
    """Two 3x3 convolutions and an identity skip; shape is kept."""

    def __init__(self, channels: int, norm: str | None = 'instance') -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_pre(norm, channels),
            nn.Conv2d(channels, channels, 3, padding=1),
            *_pre(norm, channels),
            nn.Conv2d(channels, channels, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class ResBlockDecoder(nn.Module):
    """Double the resolution with a residual pair of transposed convolutions.

    (B, in_channels, H, W) -> (B, out_channels, 2H, 2W).

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the result.
        hidden_channels: Width of the 3x3 convolution of the main branch.
        norm: See :func:`norm_layer`.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        hidden_channels: int,
        norm: str | None = 'instance',
    ) -> None:
        super().__init__()
        up = partial(
            nn.ConvTranspose2d,
            kernel_size=3,
            stride=2,
            padding=1,
            output_padding=1,
        )
        self.body = nn.Sequential(
            *_pre(norm, in_channels),
            nn.Conv2d(in_channels, hidden_channels, 3, padding=1),
            *_pre(norm, hidden_channels),
            up(hidden_channels, out_channels),
        )
        self.shortcut = up(in_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) + self.shortcut(x)


def spectral_conv(*args: Any, **kwargs: Any) -> nn.Conv2d:
    """A convolution whose weight is divided by its largest singular value.

    Arguments as ``nn.Conv2d``. The singular value is estimated in float32 under
    autocast too, where a product of half precision is off by up to 0.4 percent.
    """
    return spectral_norm(_FullPrecisionWeight(*args, **kwargs))


class _FullPrecisionWeight(nn.Conv2d):
    """A convolution whose weight, where it is computed, is so outside of autocast."""

    def forward(self, x: Tensor) -> Tensor:
        with without_autocast(x.device):
            weight = self.weight
        return F.conv2d(x, weight, self.bias, self.stride, self.padding)


class ResBlockEncoder(nn.Module):
    """Halve the resolution in a residual block, as the discriminator does.

    (B, in_channels, H, W) -> (B, out_channels, H/2, W/2). No norm; every convolution is
    spectrally normalised if asked for.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        hidden_channels: int,
        spectral: bool = True,
    ) -> None:
        super().__init__()
        conv = spectral_conv if spectral else nn.Conv2d
        self.body = nn.Sequential(
            activation(),
            conv(in_channels, hidden_channels, 3, padding=1),
            activation(),
            conv(hidden_channels, out_channels, 4, stride=2, padding=1),
        )
        self.shortcut = nn.Sequential(
            nn.AvgPool2d(2), conv(in_channels, out_channels, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) + self.shortcut(x)


class Jump(nn.Sequential):
    """Skip connection: activation, reflection padding and a 3x3 convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__(
            activation(), nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3)
        )


class OutputHead(nn.Sequential):
    """Features to an RGB image in [-1, 1]: activation, 3x3 convolution, tanh.

    What is given as ``added``, of the image's shape, is added before the tanh.
    """

    def __init__(self, in_channels: int, out_channels: int = 3) -> None:
        super().__init__(
            activation(),
            nn.ReflectionPad2d(1),
            nn.Conv2d(in_channels, out_channels, 3),
            nn.Tanh(),
        )

    def forward(self, x: Tensor, added: Tensor | None = None) -> Tensor:
        *layers, tanh = self
        for layer in layers:
            x = layer(x)
        return tanh(x if added is None else x + added)


def widths(base: int, steps: int, maximum: int) -> list[int]:
    """Channel counts ``base * 2**i`` for ``steps`` levels, capped at ``maximum``."""
    return [min(base * 2**i, maximum) for i in range(steps)]


def check_divisible(size: torch.Size | tuple[int, int], factor: int, who: str) -> None:
    """Refuse a picture whose sides are no multiples of ``factor``.

    Raises:
        ConfigError: Naming the network, its factor and the size that it got.
    """
    height, width = size[-2:]
    if height % factor or width % factor:
        raise ConfigError(
            f'{who} halves its input {factor.bit_length() - 1} times, so height and '
            f'width must be multiples of {factor}; got {height}x{width}: change '
            'image_size of the data'
        )
