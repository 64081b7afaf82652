"""Layers of VU-Net: weight-normalised convolutions, residuals, changes of size."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from mmengine.dist import all_reduce
from torch import Tensor, nn

#: Keeps the gain of a channel that is constant over the first batch finite.
VARIANCE_FLOOR = 1e-6


class WeightNormConv2d(nn.Module):
    """Convolution whose filters have a length of their own (Salimans and Kingma 2016).

    A filter is ``g * v / |v|``. Padding is that of TensorFlow's 'SAME': with stride 2
    and even sizes, one row below and one column to the right.

    Its outputs have zero mean and unit variance on the batch that it is calibrated on,
    see :func:`calibrating`; before that ``g`` is 1 and ``b`` is 0.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the result.
        kernel_size: 3, or 1 for a layer that sees single pixels.
        stride: 1, or 2 to halve even sizes.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int = 3, stride: int = 1
    ) -> None:
        super().__init__()
        shape = (out_channels, in_channels, kernel_size, kernel_size)
        self.v = nn.Parameter(torch.randn(shape) * 0.05)
        self.g = nn.Parameter(torch.ones(out_channels))
        self.b = nn.Parameter(torch.zeros(out_channels))
        self.stride = stride
        self.calibrates = False

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> (B, out_channels, H / stride, W / stride)."""
        if self.calibrates:
            return self._calibrate(x)
        weight = self.g[:, None, None, None] * self._directions()
        return self._convolve(x, weight, self.b)

    def _directions(self) -> Tensor:
        return F.normalize(self.v.flatten(1), dim=1).view_as(self.v)

    def _convolve(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        padding = self.v.shape[-1] // 2
        if self.stride > 1:
            x, padding = F.pad(x, (0, 1, 0, 1)), 0
        return F.conv2d(x, weight, bias, self.stride, padding)

    @torch.no_grad()
    def _calibrate(self, x: Tensor) -> Tensor:
        x = self._convolve(x, self._directions(), None)
        mean, variance = channel_moments(x)
        self.g.copy_((variance + VARIANCE_FLOOR).rsqrt())
        self.b.copy_(-mean * self.g)
        return x * self.g[:, None, None] + self.b[:, None, None]

    def extra_repr(self) -> str:
        out_channels, in_channels, size, _ = self.v.shape
        return (
            f'{in_channels}, {out_channels}, kernel_size={size}, stride={self.stride}'
        )


def pointwise(in_channels: int, out_channels: int) -> WeightNormConv2d:
    """A weight-normalised 1x1 convolution."""
    return WeightNormConv2d(in_channels, out_channels, kernel_size=1)


def channel_moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of each channel over the batches of all processes.

    Args:
        x: (B, C, H, W) of this process.

    Returns:
        Two tensors (C,), the same on every process, in the type of ``x``.
    """
    values = x.double().transpose(0, 1).flatten(1)
    count = torch.full_like(values[:, 0], values.shape[1])
    sums = torch.stack([values.sum(1), values.square().sum(1), count])
    all_reduce(sums)
    mean, square = sums[:2] / sums[2]
    variance = (square - mean.square()).clamp(min=0)
    return mean.to(x.dtype), variance.to(x.dtype)


@contextmanager
def calibrating(net: nn.Module) -> Iterator[None]:
    """While it lasts, a forward pass sets gains and biases of the layers it meets.

    Each layer is brought to zero mean and unit variance before the next one is
    measured. With several processes all of them must pass a batch: moments are taken
    over all, so that every process ends with the same values.

    Args:
        net: Anything with :class:`WeightNormConv2d` inside.
    """
    layers = [m for m in net.modules() if isinstance(m, WeightNormConv2d)]
    for layer in layers:
        layer.calibrates = True
    try:
        yield
    finally:
        for layer in layers:
            layer.calibrates = False


def depth_to_space(x: Tensor) -> Tensor:
    """Channels to pixels in TensorFlow's order: (B, 4C, H, W) -> (B, C, 2H, 2W).

    Channels come in four groups of C, the pixels (0, 0), (0, 1), (1, 0), (1, 1) of a
    2x2 cell as (row, column). PixelShuffle has the four of each channel together.
    """
    batch, channels, height, width = x.shape
    x = x.reshape(batch, 2, 2, channels // 4, height, width)
    x = x.permute(0, 3, 4, 1, 5, 2)
    return x.reshape(batch, channels // 4, 2 * height, 2 * width)


def space_to_depth(x: Tensor) -> Tensor:
    """The inverse of :func:`depth_to_space`: (B, C, 2H, 2W) -> (B, 4C, H, W)."""
    batch, channels, height, width = x.shape
    x = x.reshape(batch, channels, height // 2, 2, width // 2, 2)
    x = x.permute(0, 3, 5, 1, 2, 4)
    return x.reshape(batch, 4 * channels, height // 2, width // 2)


class Residual(nn.Module):
    """One convolution behind an ELU, added to its input.

    Args:
        channels: Channels of the input and the result.
        side_channels: Channels of a second input that is read too; 0 for none.
        dropout: Probability, in training.
    """

    def __init__(
        self, channels: int, side_channels: int = 0, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.side = pointwise(side_channels, channels) if side_channels else None
        width = 2 * channels if side_channels else channels
        self.conv = WeightNormConv2d(width, channels)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, side: Tensor | None = None) -> Tensor:
        """(B, channels, h, w), and (B, side_channels, h, w) if it reads a side."""
        joined = x
        if self.side is not None:
            joined = torch.cat([x, self.side(F.elu(side))], dim=1)
        return x + self.conv(self.dropout(F.elu(joined)))


class Upsample(nn.Module):
    """A convolution to four times the channels, which become pixels.

    (B, in_channels, h, w) -> (B, out_channels, 2h, 2w).
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = WeightNormConv2d(in_channels, 4 * out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return depth_to_space(self.conv(x))
