"""Discriminators, and the set of them that a model trains against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from posegen.models.layers.blocks import (
    ResBlockEncoder,
    activation,
    spectral_conv,
    widths,
)
from posegen.registry import MODELS

#: Channels of the maps that a discriminator may be conditioned on.
CONDITION_CHANNELS = {'source_image': 3, 'source_pose': 18, 'target_pose': 18}


@MODELS.register_module()
class ResDiscriminator(nn.Module):
    """Residual patch discriminator (GFLA reference, section 2).

    Args:
        in_channels: 3 for the bare image, more with conditions.
        base_channels: Width of the first block.
        max_channels: Cap of the widths.
        num_downs: Blocks; the map of logits has 1/2^num_downs of the resolution
            (4 for 256x256, 3 for 128x64 in the reference).
        spectral: Whether every convolution is spectrally normalised.
    """

    def __init__(
        self,
        in_channels: int = 3,
        base_channels: int = 32,
        max_channels: int = 128,
        num_downs: int = 4,
        spectral: bool = True,
    ) -> None:
        super().__init__()
        channels = widths(base_channels, num_downs, max_channels)
        hidden = [channels[0], *channels]
        self.blocks = nn.Sequential(
            *(
                ResBlockEncoder(i, o, h, spectral)
                for i, o, h in zip([in_channels, *channels], channels, hidden)
            )
        )
        head = (spectral_conv if spectral else nn.Conv2d)(channels[-1], 1, 1)
        self.head = nn.Sequential(activation(), head)
        for name, parameter in self.named_parameters():
            if name.endswith('bias'):
                nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> logits (B, 1, H/2^num_downs, W/2^num_downs)."""
        return self.head(self.blocks(x))


class DiscriminatorSet(nn.Module):
    """Named discriminators, each with the maps that it sees beside the image.

    Args:
        discriminators: Name -> ``dict(net=<config>, condition=(<map name>, ...))``. Map
            names are the keys of :data:`CONDITION_CHANNELS`; the net is built with the
            matching ``in_channels``.

    Raises:
        ValueError: If an entry has other keys, lacks its net, or a condition is not a
            known map.
    """

    def __init__(self, discriminators: Mapping[str, Mapping]) -> None:
        super().__init__()
        self.nets = nn.ModuleDict()
        self.conditions: dict[str, tuple[str, ...]] = {}
        for name, entry in discriminators.items():
            condition = _condition(name, entry)
            self.conditions[name] = condition
            channels = 3 + sum(_condition_channels(name, condition))
            self.nets[name] = MODELS.build(
                dict(entry['net']), default_args=dict(in_channels=channels)
            )

    def join(self, image: Tensor, maps: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What each discriminator sees.

        Args:
            image: (B, 3, H, W) in [-1, 1], real or generated.
            maps: Name -> (B, C, H, W); must hold every condition.

        Returns:
            Name of the discriminator -> (B, in_channels, H, W).
        """
        return {
            name: torch.cat([image, *(maps[key] for key in condition)], dim=1)
            for name, condition in self.conditions.items()
        }

    def forward(
        self,
        image: Tensor | Mapping[str, Tensor],
        maps: Mapping[str, Tensor] | None = None,
    ) -> dict[str, Tensor]:
        """Logits of every discriminator.

        Args:
            image: (B, 3, H, W) in [-1, 1], real or generated; or what :meth:`join`
                gives, where discriminators are to see different images.
            maps: Name -> (B, C, H, W); must hold every condition of an ``image`` that
                is not joined yet.

        Returns:
            Name of the discriminator -> its map of logits.
        """
        joined = image if isinstance(image, Mapping) else self.join(image, maps or {})
        return {name: net(joined[name]) for name, net in self.nets.items()}


def _condition(name: str, entry: Mapping) -> tuple[str, ...]:
    if 'net' not in entry or not set(entry) <= {'net', 'condition'}:
        raise ValueError(
            f'discriminators.{name} must be dict(net=..., condition=(...)), got the '
            f'keys {sorted(entry)}'
        )
    return tuple(entry.get('condition', ()))


def _condition_channels(name: str, condition: Sequence[str]) -> list[int]:
    unknown = [key for key in condition if key not in CONDITION_CHANNELS]
    if unknown:
        raise ValueError(
            f'discriminators.{name}.condition names {unknown}; known maps are '
            f'{sorted(CONDITION_CHANNELS)}'
        )
    return [CONDITION_CHANNELS[key] for key in condition]
