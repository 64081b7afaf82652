"""Block operators against the same things done on blocks that are written out."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck

from posegen.models.ops import conv_blocks, extract_blocks, flow_warp, sum_blocks

SHAPE = (2, 3, 5, 4)


def random_pair(shape=SHAPE, spread=2.0, seed=0):
    """Features and a flow whose positions keep clear of pixel centres."""
    generator = torch.Generator().manual_seed(seed)
    batch, _, height, width = shape
    x = torch.randn(shape, dtype=torch.float64, generator=generator)
    whole = torch.randn(batch, 2, height, width, generator=generator) * spread
    part = torch.rand(batch, 2, height, width, generator=generator)
    return x, whole.round().double() + 0.1 + 0.8 * part.double()


def random_weights(kernel_size, seed=1):
    generator = torch.Generator().manual_seed(seed)
    shape = (SHAPE[0], kernel_size**2, *SHAPE[2:])
    return torch.randn(shape, dtype=torch.float64, generator=generator)


def random_kernel(kernel_size, seed=2):
    generator = torch.Generator().manual_seed(seed)
    shape = (6, SHAPE[1], kernel_size, kernel_size)
    return torch.randn(shape, dtype=torch.float64, generator=generator)


def conv_written_out(x, flow, weight, bias=None):
    blocks = extract_blocks(x, flow, weight.shape[-1])
    return F.conv2d(blocks, weight, bias, stride=weight.shape[-1])


def sum_written_out(x, flow, weights):
    k = round(weights.shape[1] ** 0.5)
    blocks = F.unfold(extract_blocks(x, flow, k), k, stride=k)
    blocks = blocks.view(len(x), x.shape[1], k * k, *x.shape[2:])
    return (blocks * weights[:, None]).sum(2)


def same_with_gradients(function, reference, tensors):
    results = []
    for call in (function, reference):
        leaves = [t.clone().requires_grad_() for t in tensors]
        out = call(*leaves)
        cotangent = torch.sin(torch.arange(out.numel(), dtype=out.dtype)).view_as(out)
        gradients = torch.autograd.grad(out, leaves, cotangent)
        results.append([out, *gradients])
    for ours, theirs in zip(*results):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize('kernel_size', [1, 3, 5])
@pytest.mark.parametrize('spread', [0.0, 2.0, 60.0])
class TestSameAsWrittenOut:
    def test_conv_blocks(self, kernel_size, spread):
        x, flow = random_pair(spread=spread)
        tensors = (x, flow, random_kernel(kernel_size), torch.randn(6).double())
        same_with_gradients(conv_blocks, conv_written_out, tensors)

    def test_sum_blocks(self, kernel_size, spread):
        x, flow = random_pair(spread=spread)
        tensors = (x, flow, random_weights(kernel_size))
        same_with_gradients(sum_blocks, sum_written_out, tensors)


def test_conv_of_zero_flow_is_a_convolution():
    x, flow = random_pair()
    kernel = random_kernel(3)
    expected = F.conv2d(F.pad(x, [1] * 4, mode='replicate'), kernel)
    out = conv_blocks(x, torch.zeros_like(flow), kernel)
    torch.testing.assert_close(out, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(('cell', 'shift'), [(4, (0, 0)), (5, (1, 0)), (0, (-1, -1))])
def test_one_weight_picks_one_neighbour(cell, shift):
    x, flow = random_pair()
    weights = torch.zeros(len(x), 9, *x.shape[2:], dtype=x.dtype)
    weights[:, cell] = 1
    moved = flow + torch.tensor(shift, dtype=x.dtype).view(1, 2, 1, 1)
    torch.testing.assert_close(sum_blocks(x, flow, weights), flow_warp(x, moved))


def test_gradients():
    x, flow = random_pair((1, 2, 3, 4), spread=1.0)
    weights = random_weights(3)[:1, :, :3]
    leaves = [t.clone().requires_grad_() for t in (x, flow, weights)]
    assert gradcheck(sum_blocks, leaves)


def test_huge_flow_is_finite():
    x, flow = random_pair()
    assert sum_blocks(x, flow * 1e12, random_weights(3)).isfinite().all()
    assert conv_blocks(x, flow * 1e12, random_kernel(3)).isfinite().all()


def test_half_precision_keeps_its_type():
    x, flow = (t.bfloat16() for t in random_pair())
    assert sum_blocks(x, flow, random_weights(3).bfloat16()).dtype == torch.bfloat16
    assert conv_blocks(x, flow, random_kernel(3).bfloat16()).dtype == torch.bfloat16


def test_wrong_arguments():
    x, flow = random_pair()
    with pytest.raises(ValueError, match=r'weights must be .*\(2, 9, 5, 4\)'):
        sum_blocks(x, flow, torch.zeros(2, 8, 5, 4))
    with pytest.raises(ValueError, match='weights must be of an odd kernel size'):
        sum_blocks(x, flow, torch.zeros(2, 4, 5, 4))
    with pytest.raises(ValueError, match='weight must be of an odd kernel size'):
        conv_blocks(x, flow, torch.zeros(1, 3, 2, 2))
    with pytest.raises(ValueError, match='flow must be'):
        conv_blocks(x, flow[:, :1], random_kernel(3))
