"""PATN's discriminators: sizes, shapes, no activation at the end."""

from __future__ import annotations

import pytest
import torch

from posegen.models.discriminators import DiscriminatorSet
from posegen.models.patn import PATNDiscriminator


@pytest.mark.parametrize(
    ('channels', 'norm', 'total'),
    [
        (21, 'batch', 3977408),
        (21, 'instance', 3975424),
        (6, 'batch', 3930368),
        (6, 'instance', 3928384),
    ],
)
def test_parameters_are_those_of_the_publication(
    channels: int, norm: str, total: int
) -> None:
    with torch.device('meta'):
        net = PATNDiscriminator(channels, norm=norm)
    assert sum(p.numel() for p in net.parameters()) == total


@pytest.mark.parametrize('norm', ['batch', 'instance'])
def test_a_map_of_many_channels_at_a_quarter_of_the_size(norm: str) -> None:
    net = PATNDiscriminator(6, base_channels=4, norm=norm)
    x = torch.randn(2, 6, 32, 16, requires_grad=True)
    out = net(x)
    assert out.shape == (2, 16, 8, 4)
    assert out.min() < 0  # logits
    out.square().sum().backward()
    assert x.grad.abs().sum() > 0
    assert all(p.grad is not None for p in net.parameters())


def test_conditions_set_the_channels() -> None:
    net = dict(type='PATNDiscriminator', base_channels=4)
    critics = DiscriminatorSet(
        dict(
            pp=dict(net=net, condition=('source_image',)),
            pb=dict(net=net, condition=('target_pose',)),
        )
    )
    assert critics.nets['pp'].layers[1].in_channels == 6
    assert critics.nets['pb'].layers[1].in_channels == 21


def test_keeps_the_weights_that_pytorch_starts_with() -> None:
    torch.manual_seed(0)
    net = PATNDiscriminator(6, base_channels=4)
    torch.manual_seed(0)
    conv = torch.nn.Conv2d(6, 4, 7, bias=False)
    assert torch.equal(net.layers[1].weight, conv.weight)
