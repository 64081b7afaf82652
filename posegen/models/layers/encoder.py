"""Feature encoder and image decoder of the flow line (GFLA reference, section 2).

Both can have a linear path for colors, which neither GFLA nor the paper has: a 1x1
convolution of the pixels that lie under a position, without norm and activation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

import torch.nn.functional as F
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

#: Of the decoder's linear path at the start: it must not drown what else is painted.
LINEAR_OUT_GAIN = 0.1


@MODELS.register_module()
class FeatureEncoder(nn.Module):
    """Encoder blocks down to one level.

    Args:
        in_channels: 3 for an image, the number of joints for a pose.
        level: The result has 1/2^level of the input's resolution.
        base_channels: Width of the first block; doubled at each further one.
        max_channels: Cap of the widths.
        norm: See :func:`~posegen.models.layers.blocks.norm_layer`.
        init_gain: Of the orthogonal weights that training starts from.
        linear_levels: Levels whose features get the input added through a linear path:
            the 2^level x 2^level pixels under a position and a 1x1 convolution, which
            starts orthogonal with gain 1, so that it keeps the input's strength. The
            blocks that follow do not see it.

    Attributes:
        out_channels: Channels of the result.
        channels: Level -> channels of its features.

    Raises:
        ValueError: If ``linear_levels`` names a level that there is not.
    """

    def __init__(
        self,
        in_channels: int,
        level: int = 2,
        base_channels: int = 64,
        max_channels: int = 512,
        norm: str | None = 'instance',
        init_gain: float = INIT_GAIN,
        linear_levels: Sequence[int] = (),
    ) -> None:
        super().__init__()
        channels = widths(base_channels, level, max_channels)
        self.level = level
        self.channels = dict(enumerate(channels, start=1))
        self.out_channels = channels[-1]
        self.blocks = nn.Sequential(
            *(
                EncoderBlock(i, o, norm)
                for i, o in zip([in_channels, *channels], channels)
            )
        )
        init_orthogonal(self, init_gain)
        self.linear = nn.ModuleDict(
            {
                str(at): nn.Conv2d(in_channels * 4**at, self.channels[at], 1)
                for at in _checked_levels(linear_levels, level)
            }
        )
        init_orthogonal(self.linear, 1.0)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> (B, out_channels, H/2^level, W/2^level)."""
        return self.pyramid(x)[self.level]

    def pyramid(self, x: Tensor, depth: int | None = None) -> dict[int, Tensor]:
        """Features of all levels.

        Args:
            x: (B, in_channels, H, W).
            depth: The last level that is wanted; None gives all.

        Returns:
            Level -> (B, channels[level], H/2^level, W/2^level), from level 1 on.
        """
        check_divisible(x.shape, 2**self.level, type(self).__name__)
        feats = {}
        image = x
        for level, block in enumerate(islice(self.blocks, depth), start=1):
            x = block(x)
            feats[level] = self._with_linear(level, x, image)
        return feats

    def _with_linear(self, level: int, feat: Tensor, image: Tensor) -> Tensor:
        key = str(level)
        if key not in self.linear:
            return feat
        return feat + self.linear[key](F.pixel_unshuffle(image, 2**level))

    def parameters_beyond(self, depth: int) -> Iterator[nn.Parameter]:
        """Parameters that no features of the levels up to ``depth`` depend on."""
        yield from self.blocks[depth:].parameters()
        for level, linear in self.linear.items():
            if int(level) > depth:
                yield from linear.parameters()


@MODELS.register_module()
class ResidualDecoder(nn.Module):
    """Residual blocks and deconvolutions up to an image (paper equation 8).

    A generator that has more to say at finer levels gives ``refine``: GFLA attends to
    the source there.

    Args:
        in_channels: Channels of the features.
        level: Level of the features, so ``level`` deconvolutions follow.
        min_channels: Widths are halved at each step down to this.
        num_blocks: Residual blocks before each deconvolution.
        norm: See :func:`~posegen.models.layers.blocks.norm_layer`.
        init_gain: Of the orthogonal weights that training starts from.
        linear_levels: Levels whose features, as the residual blocks read them, also
            reach the image through a linear path: a 1x1 convolution, which starts
            orthogonal with gain 0.1, gives each position its 2^level x 2^level pixels;
            they are added before the tanh.

    Attributes:
        channels: Level -> channels of the features that its residual blocks read.

    Raises:
        ValueError: If ``linear_levels`` names a level that there is not.
    """

    def __init__(
        self,
        in_channels: int,
        level: int = 2,
        min_channels: int = 64,
        num_blocks: int = 1,
        norm: str | None = 'instance',
        init_gain: float = INIT_GAIN,
        linear_levels: Sequence[int] = (),
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        self.channels: dict[int, int] = {}
        channels = in_channels
        for step in range(level):
            self.channels[level - step] = channels
            out_channels = max(channels // 2, min_channels)
            layers += [ResBlock(channels, norm) for _ in range(num_blocks)]
            layers.append(ResBlockDecoder(channels, out_channels, channels, norm))
            channels = out_channels
        self.layers_per_level = num_blocks + 1
        self.body = nn.Sequential(*layers)
        self.head = OutputHead(channels)
        init_orthogonal(self, init_gain)
        self.linear = nn.ModuleDict(
            {
                str(at): nn.Conv2d(self.channels[at], 3 * 4**at, 1)
                for at in _checked_levels(linear_levels, level)
            }
        )
        init_orthogonal(self.linear, LINEAR_OUT_GAIN)

    def forward(
        self, x: Tensor, refine: Callable[[int, Tensor], Tensor] | None = None
    ) -> Tensor:
        """Paint the image.

        Args:
            x: (B, in_channels, h, w) features at ``level``.
            refine: (level, features) -> features of the same shape, called at every
                level from ``level`` to 1 before its residual blocks.

        Returns:
            (B, 3, h*2^level, w*2^level) in [-1, 1].
        """
        layers = iter(self.body)
        added = None
        for level in self.channels:
            if refine is not None:
                x = refine(level, x)
            if (key := str(level)) in self.linear:
                pixels = F.pixel_shuffle(self.linear[key](x), 2**level)
                added = pixels if added is None else added + pixels
            for layer in islice(layers, self.layers_per_level):
                x = layer(x)
        return self.head(x, added)


def _checked_levels(linear_levels: Iterable[int], level: int) -> list[int]:
    """Levels of a linear path, coarse first."""
    levels = sorted(set(linear_levels), reverse=True)
    if not all(1 <= at <= level for at in levels):
        raise ValueError(
            f'linear_levels must lie in 1..{level}, got {tuple(linear_levels)}'
        )
    return levels
