"""VU-Net's networks on maps: encoders, posterior of the appearance, decoder with prior.

Inside every network the layers are registered in the order in which the published graph
calls them, because its weights are numbered by that order.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from posegen.models.vunet.blocks import (
    Residual,
    Upsample,
    WeightNormConv2d,
    depth_to_space,
    pointwise,
    space_to_depth,
)

#: Pixels of a cell that the prior draws one after another.
NUM_GROUPS = 4


class ResidualEncoder(nn.Module):
    """Two residual blocks a level, with every one of their outputs kept.

    Args:
        in_channels: Channels of the input.
        channels: Widths of the levels, fine first.
        dropout: Probability, in training.
    """

    def __init__(
        self, in_channels: int, channels: Sequence[int], dropout: float
    ) -> None:
        super().__init__()
        self.first = pointwise(in_channels, channels[0])
        layers: list[nn.Module] = []
        for width, coarser in zip(channels, [*channels[1:], None]):
            layers += [Residual(width, dropout=dropout) for _ in range(2)]
            if coarser is not None:
                layers.append(WeightNormConv2d(width, coarser, stride=2))
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(B, in_channels, H, W) -> outputs of the residual blocks, fine first."""
        x = self.first(x)
        kept = []
        for layer in self.layers:
            x = layer(x)
            if isinstance(layer, Residual):
                kept.append(x)
        return kept


class PosteriorScale(nn.Module):
    """One scale of the posterior: its mean, and the way to the next finer scale.

    Args:
        channels: Width at this scale, also of the latent.
        finer: Width at the next finer scale.
        dropout: Probability, in training.
    """

    def __init__(self, channels: int, finer: int, dropout: float) -> None:
        super().__init__()
        self.read = Residual(channels, channels, dropout)
        self.mean = WeightNormConv2d(channels, channels)
        self.merge = Residual(channels, 2 * channels, dropout)
        self.up = Upsample(channels, finer)


class AppearancePosterior(nn.Module):
    """What the appearance of a person says about the latents, coarse scale first.

    Latents are normal with the means given here and unit variance.

    Args:
        channels: Widths of the appearance encoder's levels, fine first.
        num_latents: Scales with a latent.
        dropout: Probability, in training.
    """

    def __init__(
        self, channels: Sequence[int], num_latents: int, dropout: float
    ) -> None:
        super().__init__()
        coarse = channels[::-1]
        self.first = pointwise(coarse[0], coarse[0])
        self.scales = nn.ModuleList(
            PosteriorScale(width, finer, dropout)
            for width, finer in zip(coarse[:num_latents], coarse[1:])
        )
        self.last = Residual(coarse[num_latents], coarse[num_latents], dropout)
        # The published graph goes on behind the last latent, but nothing reads what
        # comes out: its weights are kept for files of weights, and never run.
        for unread in (self.scales[-1].merge, self.scales[-1].up, self.last):
            unread.requires_grad_(False)

    def forward(
        self, feats: Sequence[Tensor], sample: bool
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Means and latents.

        Args:
            feats: Outputs of the appearance encoder, fine first.
            sample: Whether latents are drawn; otherwise they are the means.

        Returns:
            Means, and latents, each (B, C, h, w) a scale, coarse first.
        """
        feats = list(feats)
        x = self.first(feats[-1])
        means, latents = [], []
        for index, scale in enumerate(self.scales):
            x = scale.read(x, feats.pop())
            means.append(scale.mean(x))
            latents.append(_draw(means[-1], sample))
            if index + 1 < len(self.scales):
                x = scale.merge(x, torch.cat([feats.pop(), latents[-1]], dim=1))
                x = scale.up(x)
        return means, latents


class AutoregressivePrior(nn.Module):
    """Distribution of a latent given the pose, one pixel of every 2x2 cell at a time.

    The pixels of a cell form four groups; the mean of a group depends on the pose and
    on the latent's groups before it.

    Args:
        channels: Channels C of the features and of the latent.
        dropout: Probability, in training.
    """

    def __init__(self, channels: int, dropout: float) -> None:
        super().__init__()
        wide = NUM_GROUPS * channels
        self.first = Residual(channels, dropout=dropout)
        layers: list[nn.Module] = [WeightNormConv2d(wide, channels)]
        for _ in range(NUM_GROUPS - 1):
            layers.append(Residual(wide, channels, dropout))
            layers.append(WeightNormConv2d(wide, channels))
        self.layers = nn.ModuleList(layers)

    def forward(
        self, x: Tensor, latent: Tensor | None = None, sample: bool = True
    ) -> tuple[Tensor, Tensor]:
        """Mean of the prior, and the latent that it was conditioned on.

        Args:
            x: (B, C, h, w) features of the pose, h and w even.
            latent: (B, C, h, w) latent of the posterior; None takes the prior's own.
            sample: Whether the prior's own is drawn; otherwise it is the mean.

        Returns:
            Mean and latent, both (B, C, h, w).
        """
        given = None if latent is None else space_to_depth(latent).chunk(NUM_GROUPS, 1)
        feat = space_to_depth(self.first(x))
        means, groups = [], []
        for k in range(NUM_GROUPS):
            if k:
                feat = self.layers[2 * k - 1](feat, groups[-1])
            means.append(self.layers[2 * k](feat))
            groups.append(_draw(means[-1], sample) if given is None else given[k])
        mean = depth_to_space(torch.cat(means, dim=1))
        if latent is None:
            latent = depth_to_space(torch.cat(groups, dim=1))
        return mean, latent


class DecoderLevel(nn.Module):
    """Two residual blocks that read the pose, with a latent between them where given.

    Args:
        channels: Width at this level.
        finer: Width at the next finer level; None at the finest.
        has_latent: Whether a latent enters here.
        dropout: Probability, in training.
    """

    def __init__(
        self, channels: int, finer: int | None, has_latent: bool, dropout: float
    ) -> None:
        super().__init__()
        self.read = Residual(channels, channels, dropout)
        self.prior = AutoregressivePrior(channels, dropout) if has_latent else None
        self.join = pointwise(2 * channels, channels) if has_latent else None
        self.refine = Residual(channels, channels, dropout)
        self.up = Upsample(channels, finer) if finer is not None else None


class ShapeDecoder(nn.Module):
    """From the pose's features and the latents to features of the image.

    Args:
        channels: Widths of the shape encoder's levels, fine first.
        num_latents: Levels with a latent, from the coarsest.
        dropout: Probability, in training.
    """

    def __init__(
        self, channels: Sequence[int], num_latents: int, dropout: float
    ) -> None:
        super().__init__()
        coarse = channels[::-1]
        self.first = pointwise(coarse[0], coarse[0])
        self.levels = nn.ModuleList(
            DecoderLevel(width, finer, index < num_latents, dropout)
            for index, (width, finer) in enumerate(zip(coarse, [*coarse[1:], None]))
        )

    def forward(
        self,
        feats: Sequence[Tensor],
        latents: Sequence[Tensor] | None = None,
        sample: bool = True,
    ) -> tuple[Tensor, list[Tensor]]:
        """Decode.

        Args:
            feats: Outputs of the shape encoder, fine first.
            latents: Latents of the posterior, coarse first; None takes the prior's.
            sample: Whether the prior's are drawn; otherwise they are its means.

        Returns:
            Features (B, channels[0], H, W), and the means of the prior, coarse first.
        """
        feats = list(feats)
        queue = list(latents or ())
        x = self.first(feats[-1])
        means = []
        for level in self.levels:
            x = level.read(x, feats.pop())
            if level.prior is not None:
                given = queue.pop(0) if latents is not None else None
                mean, latent = level.prior(x, given, sample)
                means.append(mean)
                x = level.join(torch.cat([x, latent], dim=1))
            x = level.refine(x, feats.pop())
            if level.up is not None:
                x = level.up(x)
        return x, means


def _draw(mean: Tensor, sample: bool) -> Tensor:
    return mean + torch.randn_like(mean) if sample else mean
