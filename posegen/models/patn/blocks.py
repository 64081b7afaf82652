"""Layers of PATN's generator and discriminators.

The order inside each ``Sequential`` is the published one, dropout counted, so that
published weights keep their indices.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

NORMS = ('batch', 'instance')


def norm_layer(kind: str, channels: int) -> nn.Module:
    """Normalisation by name.

    Args:
        kind: ``'batch'`` (affine, running statistics; published for Market-1501) or
            ``'instance'`` (neither; published for DeepFashion).
        channels: Number of channels of its input.

    Raises:
        ValueError: If ``kind`` is neither.
    """
    if kind == 'batch':
        return nn.BatchNorm2d(channels)
    if kind == 'instance':
        return nn.InstanceNorm2d(channels)
    raise ValueError(f'norm must be one of {NORMS}, got {kind!r}')


def _has_bias(norm: str) -> bool:
    # Batch norm has a bias of its own.
    return norm == 'instance'


def down_layers(in_channels: int, base_channels: int, norm: str) -> list[nn.Module]:
    """A 7x7 convolution and two of stride 2: 1/4 of the resolution.

    Args:
        in_channels: Channels of the input.
        base_channels: Width of the first convolution; doubled twice.
        norm: See :func:`norm_layer`.

    Returns:
        Layers (B, in_channels, H, W) -> (B, 4 * base_channels, H/4, W/4).
    """
    bias = _has_bias(norm)
    layers: list[nn.Module] = [
        nn.ReflectionPad2d(3),
        nn.Conv2d(in_channels, base_channels, 7, bias=bias),
        norm_layer(norm, base_channels),
        nn.ReLU(inplace=True),
    ]
    for width in (base_channels, 2 * base_channels):
        layers += [
            nn.Conv2d(width, 2 * width, 3, stride=2, padding=1, bias=bias),
            norm_layer(norm, 2 * width),
            nn.ReLU(inplace=True),
        ]
    return layers


def up_layers(base_channels: int, norm: str) -> list[nn.Module]:
    """Two transposed convolutions of stride 2 and a 7x7 one to an image.

    Args:
        base_channels: Width of the last features.
        norm: See :func:`norm_layer`.

    Returns:
        Layers (B, 4 * base_channels, h, w) -> (B, 3, 4h, 4w) in [-1, 1].
    """
    layers: list[nn.Module] = []
    for width in (4 * base_channels, 2 * base_channels):
        up = nn.ConvTranspose2d(
            width,
            width // 2,
            3,
            stride=2,
            padding=1,
            output_padding=1,
            bias=_has_bias(norm),
        )
        layers += [up, norm_layer(norm, width // 2), nn.ReLU(inplace=True)]
    last = nn.Conv2d(base_channels, 3, 7)
    return [*layers, nn.ReflectionPad2d(3), last, nn.Tanh()]


def conv_branch(
    in_channels: int,
    out_channels: int,
    norm: str,
    dropout: float,
    last_norm: bool = True,
) -> nn.Sequential:
    """Two reflection-padded 3x3 convolutions with dropout between them.

    Args:
        in_channels: Channels of the input and of the first convolution.
        out_channels: Channels of the result.
        norm: See :func:`norm_layer`.
        dropout: Probability, in training.
        last_norm: Whether the second convolution has a norm behind it.

    Returns:
        (B, in_channels, h, w) -> (B, out_channels, h, w).
    """
    bias = _has_bias(norm)
    layers = [
        nn.ReflectionPad2d(1),
        nn.Conv2d(in_channels, in_channels, 3, bias=bias),
        norm_layer(norm, in_channels),
        nn.ReLU(inplace=True),
        nn.Dropout(dropout),
        nn.ReflectionPad2d(1),
        nn.Conv2d(in_channels, out_channels, 3, bias=bias),
    ]
    if last_norm:
        layers.append(norm_layer(norm, out_channels))
    return nn.Sequential(*layers)


class PoseAttentionalBlock(nn.Module):
    """Pose-attentional transfer block: the pose stream says where the image changes.

    Args:
        channels: Channels C of the image stream.
        pose_channels: Channels of the pose stream that comes in: C in front of the
            first block, 2C behind it.
        norm: See :func:`norm_layer`.
        dropout: Probability, in training.
    """

    def __init__(
        self, channels: int, pose_channels: int, norm: str, dropout: float
    ) -> None:
        super().__init__()
        self.image_branch = conv_branch(channels, channels, norm, dropout)
        self.pose_branch = conv_branch(
            pose_channels, channels, norm, dropout, last_norm=False
        )

    def forward(self, image: Tensor, pose: Tensor) -> tuple[Tensor, Tensor]:
        """One step of the transfer.

        Args:
            image: (B, C, h, w).
            pose: (B, pose_channels, h, w).

        Returns:
            The image stream (B, C, h, w), and the pose stream (B, 2C, h, w): the logits
            of the attention mask, then the new image stream.
        """
        logits = self.pose_branch(pose)
        moved = image + torch.sigmoid(logits) * self.image_branch(image)
        return moved, torch.cat([logits, moved], dim=1)


class ResidualBlock(nn.Module):
    """Residual block of the discriminators; (B, channels, h, w) is kept."""

    def __init__(self, channels: int, norm: str, dropout: float) -> None:
        super().__init__()
        self.branch = conv_branch(channels, channels, norm, dropout)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x)


def init_normal(module: nn.Module, deviation: float = 0.02) -> None:
    """The published start of the generator, in place.

    Convolutions are drawn from N(0, deviation), scales of norms from N(1, deviation);
    biases are zero.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0.0, deviation)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1.0, deviation)
        if getattr(layer, 'bias', None) is not None:
            nn.init.zeros_(layer.bias)
