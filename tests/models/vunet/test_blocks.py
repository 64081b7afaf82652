"""Layers against plain statements of what TensorFlow computes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from posegen.models.vunet.blocks import (
    Residual,
    Upsample,
    WeightNormConv2d,
    calibrating,
    channel_moments,
    depth_to_space,
    space_to_depth,
)


def tensorflow_depth_to_space(x: np.ndarray) -> np.ndarray:
    """NHWC, block size 2, pixel by pixel."""
    batch, height, width, channels = x.shape
    depth = channels // 4
    out = np.zeros((batch, 2 * height, 2 * width, depth), x.dtype)
    for row in range(2 * height):
        for column in range(2 * width):
            group = 2 * (row % 2) + column % 2
            cell = x[:, row // 2, column // 2]
            out[:, row, column] = cell[:, group * depth : (group + 1) * depth]
    return out


@settings(max_examples=20, deadline=None)
@given(st.tuples(*(st.integers(1, 3) for _ in range(4))))
def test_depth_to_space_is_tensorflows(shape: tuple[int, ...]) -> None:
    batch, depth, height, width = shape
    x = torch.arange(batch * 4 * depth * height * width, dtype=torch.float32)
    x = x.view(batch, 4 * depth, height, width)
    expected = tensorflow_depth_to_space(x.permute(0, 2, 3, 1).numpy())
    found = depth_to_space(x)
    assert np.array_equal(found.permute(0, 2, 3, 1).numpy(), expected)
    assert torch.equal(space_to_depth(found), x)


def test_depth_to_space_is_not_pixel_shuffle() -> None:
    x = torch.randn(1, 8, 2, 2)
    assert not torch.equal(depth_to_space(x), F.pixel_shuffle(x, 2))


def test_a_filter_has_the_length_of_its_gain() -> None:
    conv = WeightNormConv2d(3, 2, kernel_size=1)
    with torch.no_grad():
        conv.g.copy_(torch.tensor([2.0, 0.5]))
        conv.b.copy_(torch.tensor([1.0, -1.0]))
    weight = conv(torch.eye(3).view(3, 3, 1, 1)).view(3, 2) - conv.b
    torch.testing.assert_close(weight.norm(dim=0), torch.tensor([2.0, 0.5]))
    before = conv(torch.ones(1, 3, 1, 1))
    with torch.no_grad():
        conv.v.mul_(7)
    torch.testing.assert_close(conv(torch.ones(1, 3, 1, 1)), before)


@pytest.mark.parametrize('stride', [1, 2])
def test_padding_is_tensorflows_same(stride: int) -> None:
    conv = WeightNormConv2d(1, 1, stride=stride)
    x = torch.randn(1, 1, 6, 4)
    weight = (conv.v / conv.v.norm())[0, 0].detach()
    # SAME splits max((ceil(n / s) - 1) s + 3 - n, 0) rows, the larger half below.
    before = max((6 // stride - 1) * stride + 3 - 6, 0) // 2
    padded = torch.zeros(9, 7)
    padded[before : before + 6, before : before + 4] = x[0, 0]
    expected = torch.stack(
        [
            torch.stack(
                [
                    (padded[i : i + 3, j : j + 3] * weight).sum()
                    for j in range(0, 4, stride)
                ]
            )
            for i in range(0, 6, stride)
        ]
    )
    torch.testing.assert_close(conv(x)[0, 0], expected)


def test_residual_reads_its_side() -> None:
    block = Residual(2, side_channels=3)
    x, side = torch.randn(1, 2, 4, 4), torch.randn(1, 3, 4, 4)
    expected = x + block.conv(F.elu(torch.cat([x, block.side(F.elu(side))], dim=1)))
    torch.testing.assert_close(block(x, side), expected)
    plain = Residual(2)
    torch.testing.assert_close(plain(x), x + plain.conv(F.elu(x)))


def test_upsample_doubles() -> None:
    up = Upsample(3, 2)
    x = torch.randn(2, 3, 4, 2)
    assert torch.equal(up(x), depth_to_space(up.conv(x)))
    assert up(x).shape == (2, 2, 8, 4)


def test_moments_are_those_of_each_channel() -> None:
    x = torch.randn(3, 4, 5, 6) * 3 + 100
    mean, variance = channel_moments(x)
    flat = x.transpose(0, 1).flatten(1)
    torch.testing.assert_close(mean, flat.mean(1))
    torch.testing.assert_close(variance, flat.var(1, correction=0), rtol=1e-4, atol=0)


def test_calibration_brings_every_layer_to_unit_variance() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(
        WeightNormConv2d(3, 4), Residual(4), Upsample(4, 4), WeightNormConv2d(4, 2)
    )
    x = torch.randn(4, 3, 8, 8) * 5 + 2
    with calibrating(net):
        first = net(x)
    seen = []
    for layer in net.modules():
        if isinstance(layer, WeightNormConv2d):
            layer.register_forward_hook(lambda _, __, out: seen.append(out))
    torch.testing.assert_close(net(x), first, rtol=1e-4, atol=1e-4)
    assert len(seen) == 4
    for out in seen:
        mean, variance = channel_moments(out)
        torch.testing.assert_close(mean, torch.zeros_like(mean), rtol=0, atol=1e-4)
        torch.testing.assert_close(variance, torch.ones_like(mean), rtol=1e-3, atol=0)


def test_a_constant_channel_stays_finite() -> None:
    conv = WeightNormConv2d(1, 2, kernel_size=1)
    with calibrating(conv):
        out = conv(torch.full((2, 1, 3, 3), 5.0))
    assert conv.g.isfinite().all() and (out.abs() < 1e-2).all()


def test_calibration_ends_also_when_the_pass_fails() -> None:
    conv = WeightNormConv2d(1, 1)
    with pytest.raises(RuntimeError), calibrating(conv):
        conv(torch.zeros(1, 2, 3, 3))
    assert not conv.calibrates
