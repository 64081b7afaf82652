"""Networks of one build, run side by side in one pass.

The networks of the parts have the same layers with weights of their own. Their maps
can lie in one map, (B, P * C, h, w), part after part: a convolution of all parts is
then one convolution in P groups, a norm over the pixels of a channel stays what it is,
and what works pixel by pixel does not notice. The weights stay where they are, so that
state dicts, optimizers and gradients see no difference.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from posegen.models.layers.blocks import (
    EncoderBlock,
    Jump,
    ResBlock,
    ResBlockDecoder,
)
from posegen.models.layers.encoder import FeatureEncoder
from posegen.models.layers.flow_net import PoseFlowNet
from posegen.models.layers.hybrid_dilated import HybridDilatedBlock
from posegen.utils.errors import ConfigError

#: Modules that do the same with every channel, however many there are.
_TRANSPARENT = (
    nn.Identity,
    nn.LeakyReLU,
    nn.ModuleDict,
    nn.ModuleList,
    nn.ReflectionPad2d,
    nn.Sequential,
    EncoderBlock,
    FeatureEncoder,
    HybridDilatedBlock,
    Jump,
    PoseFlowNet,
    ResBlock,
    ResBlockDecoder,
)


def group_modules(modules: Sequence[nn.Module]) -> nn.Module:
    """One module that runs several of the same build side by side.

    Layers of different widths, as the first ones of parts with different numbers of
    joints, run one after the other on their own channels; all others are one call.

    Args:
        modules: Modules of one build, each with its own weights: blocks of
            :mod:`posegen.models.layers` made of convolutions, instance or layer norms
            and LeakyReLU.

    Returns:
        A module with the methods of the first, which takes and gives maps that hold
        the channels of all, (B, C_1 + ... + C_P, h, w). It has no parameters of its own
        and reads those of ``modules`` at every call.

    Raises:
        ConfigError: They are of different builds, or hold a layer of another kind.
    """
    first = modules[0]
    builds = [[(n, type(m)) for n, m in net.named_modules()] for net in modules]
    if any(build != builds[0] for build in builds):
        raise ConfigError(
            'batched_parts=True needs networks of one build, but layers of '
            f'{type(first).__name__} differ from part to part; set it to False'
        )
    grouped: dict[int, nn.Module] = {}
    for name, kind in builds[0]:
        if kind in _LAYERS:
            layers = [net.get_submodule(name) for net in modules]
            grouped[id(layers[0])] = _GroupedLayer(layers)
        elif kind not in _TRANSPARENT:
            raise ConfigError(
                f'batched_parts=True cannot run {kind.__name__} for several parts at '
                'once; set it to False'
            )
    # All weights are in layers, so the copy takes its structure from the first module
    # and each layer from here.
    return copy.deepcopy(first, grouped)


def run_grouped(network: Callable[[Tensor], Any], maps: Sequence[Tensor]) -> list:
    """Call a grouped module, or a method of it, on maps that are apart.

    Args:
        network: Of :func:`group_modules`.
        maps: (B, C_p, h, w), one a part.

    Returns:
        For each part what its own network would give.
    """
    return _split(network(torch.cat(list(maps), dim=1)), len(maps))


def _split(value: Any, count: int) -> list:
    """Maps, or dicts and tuples of them, of all parts -> those of each."""
    if isinstance(value, Tensor):
        return list(value.chunk(count, dim=1))
    if isinstance(value, Mapping):
        columns = zip(*(_split(inner, count) for inner in value.values()))
        return [dict(zip(value, column)) for column in columns]
    return list(zip(*(_split(inner, count) for inner in value)))


class _GroupedLayer(nn.Module):
    """Layers with weights as one; where they are of different widths, one by one."""

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        super().__init__()
        # In a tuple, where they do not become modules of this one.
        self.layers = tuple(layers)
        width_of, self.run = _LAYERS[type(layers[0])]
        self.widths = [width_of(layer) for layer in layers]
        self.is_uniform = len({tuple(layer.weight.shape) for layer in layers}) == 1

    def forward(self, x: Tensor) -> Tensor:
        if not self.is_uniform:
            parts = x.split(self.widths, dim=1)
            return torch.cat([layer(p) for layer, p in zip(self.layers, parts)], dim=1)
        weight, bias = (
            torch.cat([getattr(layer, name) for layer in self.layers])
            for name in ('weight', 'bias')
        )
        return self.run(self.layers[0], x, weight, bias, len(self.layers))


# All layers of the blocks that are let in have a bias, and pad with zeros if they do.


def _conv(
    like: nn.Conv2d, x: Tensor, weight: Tensor, bias: Tensor, parts: int
) -> Tensor:
    place = (like.stride, like.padding, like.dilation)
    return F.conv2d(x, weight, bias, *place, groups=parts)


def _transposed_conv(
    like: nn.ConvTranspose2d, x: Tensor, weight: Tensor, bias: Tensor, parts: int
) -> Tensor:
    place = (like.stride, like.padding, like.output_padding)
    return F.conv_transpose2d(x, weight, bias, *place, groups=parts)


def _instance_norm(
    like: nn.InstanceNorm2d, x: Tensor, weight: Tensor, bias: Tensor, parts: int
) -> Tensor:
    return F.instance_norm(x, weight=weight, bias=bias, eps=like.eps)


def _group_norm(
    like: nn.GroupNorm, x: Tensor, weight: Tensor, bias: Tensor, parts: int
) -> Tensor:
    return F.group_norm(x, parts * like.num_groups, weight, bias, like.eps)


#: Kind of layer -> how many channels it reads, and how several are one.
_LAYERS: dict[type[nn.Module], tuple[Callable[..., int], Callable[..., Tensor]]] = {
    nn.Conv2d: (attrgetter('in_channels'), _conv),
    nn.ConvTranspose2d: (attrgetter('in_channels'), _transposed_conv),
    nn.InstanceNorm2d: (attrgetter('num_features'), _instance_norm),
    nn.GroupNorm: (attrgetter('num_channels'), _group_norm),
}
