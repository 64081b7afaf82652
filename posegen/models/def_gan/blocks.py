"""Layers of Def-GAN's generator and discriminator."""

from __future__ import annotations

import torch
from torch import Tensor, nn

NEGATIVE_SLOPE = 0.2


class SampleNorm(nn.Module):
    """Normalise a sample over channels, rows and columns together.

    ``weight * (x - mean) / (deviation + eps) + bias`` with one ``weight`` and one
    ``bias`` in all: keras-contrib's InstanceNormalization as the published code calls
    it, without an axis.

    Args:
        eps: Added to the deviation, not to the variance.
    """

    def __init__(self, eps: float = 1e-3) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(()))
        self.bias = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w), shape and type are kept."""
        exact = x.to(torch.promote_types(x.dtype, torch.float32))
        dims = tuple(range(1, x.dim()))
        variance, mean = torch.var_mean(exact, dims, correction=0, keepdim=True)
        # The slope of a root is infinite at 0, where an even map would have it.
        deviation = variance.clamp_min(torch.finfo(exact.dtype).tiny).sqrt()
        scale = self.weight / (deviation + self.eps)
        return ((exact - mean) * scale + self.bias).to(x.dtype)

    def extra_repr(self) -> str:
        return f'eps={self.eps}'


def down_block(in_channels: int, out_channels: int, norm: bool) -> nn.Sequential:
    """(B, in_channels, H, W) -> (B, out_channels, H/2, W/2), activation first."""
    layers = [
        nn.LeakyReLU(NEGATIVE_SLOPE),
        nn.Conv2d(in_channels, out_channels, 4, stride=2, padding=1, bias=False),
    ]
    return nn.Sequential(*layers, *([SampleNorm()] if norm else []))


def up_block(in_channels: int, out_channels: int, dropout: float) -> nn.Sequential:
    """(B, in_channels, h, w) -> (B, out_channels, 2h, 2w), activation first."""
    up = nn.ConvTranspose2d(
        in_channels, out_channels, 4, stride=2, padding=1, bias=False
    )
    layers = [nn.ReLU(), up, SampleNorm()]
    return nn.Sequential(*layers, *([nn.Dropout(dropout)] if dropout else []))


def init_glorot(module: nn.Module) -> None:
    """Start as Keras does, in place: Glorot's uniform weights and biases of zero."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
