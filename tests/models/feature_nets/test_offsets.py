"""Where the centers of receptive fields lie, found from impulses through the layers."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from posegen.models.feature_nets import (
    EfficientNetLite0Features,
    FeatureNet,
    VGG19Features,
)


@pytest.fixture(scope='module', params=[EfficientNetLite0Features, VGG19Features])
def net(request: pytest.FixtureRequest) -> FeatureNet:
    """A net whose layers average, so that its gradient is its receptive field."""
    net = request.param(weights='random')
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            module.weight.fill_(1 / module.weight[0].numel())
            module.bias.zero_()
        for name, child in module.named_children():
            if isinstance(child, nn.MaxPool2d):
                setattr(module, name, nn.AvgPool2d(child.kernel_size, child.stride))
    return net.double()


@pytest.mark.parametrize('axis', [2, 3])
def test_the_offset_is_that_of_the_impulse_response(net, axis) -> None:
    # As deep as the receptive field fits into a small image.
    deepest, length = (2, 64) if isinstance(net, VGG19Features) else (3, 256)
    layers = [name for name, level in net.levels.items() if level <= deepest]
    size = (length, 16) if axis == 2 else (16, length)
    # Above 0 and below 6 everywhere: activations pass it on.
    image = torch.full((1, 3, *size), 0.1, dtype=torch.float64, requires_grad=True)
    pixels = torch.arange(length, dtype=torch.float64)
    for name, feat in net(image, layers).items():
        level = net.levels[name]
        middle = [n // 2 for n in feat.shape[2:]]
        picked = feat[0, 0, middle[0], middle[1]]
        (seen,) = torch.autograd.grad(picked, image, retain_graph=True)
        weight = seen.sum(dim=[d for d in range(4) if d != axis])
        assert weight.min() >= 0 and weight[0] == weight[-1] == 0, name
        center = float((weight * pixels).sum() / weight.sum())
        position = (middle[axis - 2] + 0.5) * 2**level - 0.5
        assert center - position == pytest.approx(net.offsets.get(name, 0)), name


def test_the_figures_that_the_docs_state() -> None:
    offsets = EfficientNetLite0Features('random').offsets
    assert (offsets['block2'], offsets['block4']) == (1.5, 3.5)
    assert not VGG19Features('random').offsets
