"""From fused features to a choice between candidate images, and a painted one."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from posegen.models.layers.blocks import ResBlock, activation
from posegen.models.ops import pull_push
from posegen.models.ops.precision import at_least_float32
from posegen.registry import MODELS

_INSIDE = 0.98  # black and white stay where the tanh has a slope
_LEAST = 0.01  # of a share, so that a change can undo it
_BACKGROUND = 3.0  # of the logit, at first: what is off the joints is background


@MODELS.register_module()
class CandidateComposer(nn.Module):
    """Decoder (eq. 8) that chooses pixels instead of painting all of them.

    The paper decodes an image from features. Here the decoder paints one as well, and
    beside it weighs, pixel by pixel, the painted image against the source as it stands
    and the source warped by each part's flow, which it sees.

    The painter has these images filled from what they show
    (:func:`~posegen.models.ops.pull_push`): the source without its person, so that
    there is a background where that person stood, and every part's warp without what
    the source hides, so that the back of a garment has the colors of its front. It
    takes one for the background and for each part, and adds what they lack.

    All weights are corrections of what parsing and visibility say: the source and the
    warps where the source shows background and parts, the painted image elsewhere; in
    that, a filled image where its background or part is.

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
        self.num_images = 1 + num_parts
        images = 3 * self.num_images
        self.coarse = nn.Conv2d(in_channels, channels, 1)
        seen = fine_channels + 4 * images + self.num_images
        self.fine = nn.Conv2d(seen, channels, 1)
        self.background = nn.Conv2d(channels, 1, 1)
        self.filled = nn.Conv2d(images, channels, 1)
        self.body = nn.Sequential(
            *(ResBlock(channels, norm) for _ in range(num_blocks))
        )
        self.up = nn.Sequential(
            activation(), nn.Conv2d(channels, 4 * full_channels, 3, padding=1)
        )
        # Colors reach the painted picture without an activation on their way.
        self.color = nn.Conv2d(channels, 3 * 4, 1)
        self.mix = nn.Conv2d(full_channels + 2 * images, full_channels, 3, padding=1)
        self.activation = activation()
        # Changes of the masks and of the painter's regions; a residual.
        self.outputs = (1 + self.num_images, self.num_images, 3)
        self.head = nn.Conv2d(full_channels, sum(self.outputs), 3, padding=1)
        # No correction at first, and nothing is added to the mean.
        for layer in (self.head, self.color):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(
        self,
        fused: Tensor,
        fine: Tensor,
        images: Tensor,
        parsing: Tensor,
        shown: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Weigh the candidates and paint.

        Args:
            fused: (B, in_channels, H/4, W/4).
            fine: (B, fine_channels, H/2, W/2) warped features of all parts.
            images: (B, 3 (1 + num_parts), H, W) the source and its warps.
            parsing: (B, 1 + num_parts, H/2, W/2), logarithms of the shares of
                background and parts in the target.
            shown: (B, 1 + num_parts, H/2, W/2) in [0, 1], where the source may show
                background, and where each warp shows its part.

        Returns:
            ``masks`` (B, 2 + num_parts, H, W): weights of source, painted image and
            warps, which sum to 1; ``painted`` (B, 3, H, W) in [-1, 1]; ``regions``
            (B, 1 + num_parts, H, W): what the painter takes for background and parts,
            which sums to 1. All in float32 or better.
        """
        seen = torch.cat([fine, F.pixel_unshuffle(images, 2), parsing.exp()], 1)
        x = self.fine(seen) + _double(self.coarse(fused))
        keep = at_least_float32(self.background(x) + _BACKGROUND).sigmoid()
        shown = torch.cat([keep * shown[:, :1], shown[:, 1:]], 1)
        fills = _fill(images, shown)
        x = self.body(x + self.filled(fills))
        color = F.pixel_shuffle(self.color(x), 2)
        x = F.pixel_shuffle(self.up(x), 2)
        fills = _double(fills)
        x = self.activation(self.mix(torch.cat([x, images, fills], 1)))
        change, parts, residual = at_least_float32(self.head(x)).split(self.outputs, 1)
        regions, kept = _regions(parsing, shown)
        hidden = (regions - kept).sum(1, keepdim=True)
        masks = _corrected(torch.cat([kept[:, :1], hidden, kept[:, 1:]], 1), change)
        regions = _corrected(regions, parts)
        return masks, _paint(regions, residual + color, fills), regions


def _fill(images: Tensor, shown: Tensor) -> Tensor:
    """(B, 3 n, H/2, W/2): each of n images, filled from where it shows its part."""
    small = F.avg_pool2d(images, 2).unflatten(1, (-1, 3))
    filled = pull_push(small.flatten(0, 1), shown.flatten(0, 1)[:, None])
    return filled.view_as(small).flatten(1, 2)


def _double(maps: Tensor) -> Tensor:
    return F.interpolate(maps, scale_factor=2, mode='bilinear')


def _regions(parsing: Tensor, shown: Tensor) -> tuple[Tensor, Tensor]:
    """Shares (B, 1 + num_parts, H, W) of background and parts, and what is shown."""
    regions, shown = (_double(at_least_float32(x)) for x in (parsing, shown))
    regions = regions.softmax(1)
    background = regions[:, :1] * shown[:, :1]
    kept = torch.cat([background, regions[:, 1:].minimum(shown[:, 1:])], 1)
    return regions, kept


def _corrected(shares: Tensor, change: Tensor) -> Tensor:
    """Shares that sum to 1, after a change of their logarithms."""
    return ((shares + _LEAST).log() + change).softmax(1)


def _paint(weights: Tensor, residual: Tensor, images: Tensor) -> Tensor:
    """The mean of the images by their weights, and a residual inside of the tanh."""
    mean = (weights[:, :, None] * images.unflatten(1, (-1, 3))).sum(1)
    return (torch.atanh(_INSIDE * mean) + residual).tanh()
