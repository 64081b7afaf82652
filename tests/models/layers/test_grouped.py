"""Networks of one build side by side give what each gives by itself."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from posegen.models.layers import (
    EncoderBlock,
    FeatureEncoder,
    HybridDilatedBlock,
    OutputHead,
    PoseFlowNet,
    ResBlock,
    ResBlockDecoder,
)
from posegen.models.layers.grouped import group_modules, run_grouped
from posegen.utils.errors import ConfigError

WIDTHS = (4, 6, 4)


def flow_net(width: int) -> PoseFlowNet:
    return PoseFlowNet(
        width // 2, levels=(2, 1), base_channels=4, max_channels=8, num_downs=3
    )


#: Name -> how a part's network is built from its number of channels.
BUILDS: dict[str, Callable[[int], nn.Module]] = {
    'conv': lambda width: nn.Conv2d(width, 5, 3, stride=2, padding=1),
    'transposed conv': lambda width: nn.ConvTranspose2d(
        width, 5, 3, stride=2, padding=1, output_padding=1
    ),
    'encoder block': lambda width: EncoderBlock(width, 6),
    'decoder block': lambda width: ResBlockDecoder(width, 3, 5),
    'decoder block, layer norm': lambda width: ResBlockDecoder(width, 3, 5, 'layer'),
    'encoder': lambda width: FeatureEncoder(width, 2, base_channels=4),
    'encoder, layer norm': lambda width: FeatureEncoder(
        width, 2, base_channels=4, norm='layer'
    ),
    'encoder, no norm': lambda width: FeatureEncoder(
        width, 2, base_channels=4, norm=None
    ),
    'residual block': ResBlock,
    'dilated block': HybridDilatedBlock,
}


def networks(build: Callable[[int], nn.Module], *widths: int) -> nn.ModuleList:
    torch.manual_seed(0)
    nets = nn.ModuleList(build(width) for width in widths).double()
    for parameter in nets.parameters():  # norms start alike: let them differ
        nn.init.normal_(parameter)
    return nets


def inputs(*widths: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [
        torch.randn(2, width, 16, 8, dtype=torch.float64, generator=generator)
        for width in widths
    ]


def flat(value) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    items = value.values() if isinstance(value, dict) else value
    return [tensor for item in items for tensor in flat(item)]


def with_gradients(nets: nn.ModuleList, run: Callable) -> list[Tensor]:
    nets.zero_grad()
    out = flat(run())
    sum(x.sin().sum() for x in out).backward()
    return [*out, *(p.grad for p in nets.parameters())]


def assert_equal(nets: nn.ModuleList, one_by_one: Callable, grouped: Callable) -> None:
    expected = with_gradients(nets, one_by_one)
    found = with_gradients(nets, grouped)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    ('name', 'widths'),
    [
        (name, widths)
        for name in BUILDS
        for widths in (WIDTHS, (4, 4, 4), (6,))
        # These give as many channels as they get, and all parts give the same.
        if len(set(widths)) == 1 or BUILDS[name] not in (ResBlock, HybridDilatedBlock)
    ],
)
def test_each_gets_what_it_would_give_alone(name: str, widths: tuple[int]) -> None:
    nets, maps = networks(BUILDS[name], *widths), inputs(*widths)
    grouped = group_modules(list(nets))
    assert_equal(
        nets,
        lambda: [net(x) for net, x in zip(nets, maps)],
        lambda: run_grouped(grouped, maps),
    )


def test_methods_and_nested_results_are_those_of_each() -> None:
    nets, maps = networks(flow_net, *WIDTHS), inputs(*WIDTHS)
    halves = [x.chunk(2, dim=1) for x in maps]
    grouped = group_modules(list(nets))
    assert_equal(
        nets,
        lambda: [net(*poses) for net, poses in zip(nets, halves)],
        lambda: run_grouped(grouped.predict, maps),
    )
    found = run_grouped(grouped.predict, maps)
    assert [[*levels] for levels in found] == [[2, 1]] * 3
    encoders = networks(BUILDS['encoder'], *WIDTHS)
    levels = run_grouped(group_modules(list(encoders)).pyramid, maps)
    assert levels[1].keys() == {1, 2} and levels[1][2].shape == (2, 8, 4, 2)


def test_weights_stay_with_their_networks() -> None:
    nets, maps = networks(BUILDS['encoder'], *WIDTHS), inputs(*WIDTHS)
    grouped = group_modules(list(nets))
    assert not list(grouped.parameters()) and not grouped.state_dict()
    with torch.no_grad():
        for parameter in nets.parameters():
            parameter.add_(0.1)
    nets.float()  # new tensors in the same modules
    maps = [x.float() for x in maps]
    expected = [net(x) for net, x in zip(nets, maps)]
    torch.testing.assert_close(run_grouped(grouped, maps), expected)


def test_a_copy_of_both_follows_its_own_weights() -> None:
    maps = inputs(*WIDTHS)
    pair = {'nets': networks(BUILDS['encoder'], *WIDTHS)}
    pair['grouped'] = group_modules(list(pair['nets']))
    other = copy.deepcopy(pair)
    with torch.no_grad():
        for parameter in other['nets'].parameters():
            parameter.add_(0.1)
    for both in (pair, other):
        expected = [net(x) for net, x in zip(both['nets'], maps)]
        torch.testing.assert_close(run_grouped(both['grouped'], maps), expected)
    assert not torch.equal(pair['nets'][0](maps[0]), other['nets'][0](maps[0]))


def test_layers_of_one_width_are_one_call() -> None:
    class Count(TorchFunctionMode):
        calls = 0

        def __torch_function__(self, function, types, args=(), kwargs=None):
            self.calls += function is torch.conv2d
            return function(*args, **(kwargs or {}))

    nets, maps = networks(BUILDS['encoder'], *WIDTHS), inputs(*WIDTHS)
    grouped = group_modules(list(nets))
    with Count() as alone:
        for net, x in zip(nets, maps):
            net(x)
    with Count() as together:
        run_grouped(grouped, maps)
    # Two blocks of two convolutions, the first of another width in each network.
    assert (alone.calls, together.calls) == (12, 6)


def test_what_cannot_be_grouped_is_named() -> None:
    class Doubled(HybridDilatedBlock):
        pass

    with pytest.raises(ConfigError, match='cannot run Doubled .* set it to False'):
        group_modules([Doubled(4), Doubled(4)])
    with pytest.raises(ConfigError, match='cannot run OutputHead'):
        group_modules([OutputHead(4), OutputHead(4)])
    with pytest.raises(ConfigError, match='layers of HybridDilatedBlock differ'):
        group_modules([HybridDilatedBlock(4), HybridDilatedBlock(4, dilations=(1,))])
