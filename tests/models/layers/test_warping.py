"""Warp operators, local attention above all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import gradcheck

from posegen.models.layers import BilinearWarp, LocalAttentionWarp
from posegen.models.ops import extract_blocks, flow_warp


def from_published(state_dict: dict[str, Tensor], kernel_size: int) -> torch.nn.Module:
    channels = state_dict['fully_connect_layer.0.weight'].shape[1] // 2
    warp = LocalAttentionWarp(channels, kernel_size).double()
    places = {'0': 'compare', '2': 'score'}
    warp.load_state_dict(
        {
            f'{places[key.split(".")[1]]}.{key.split(".")[2]}': value
            for key, value in state_dict.items()
        }
    )
    return warp


@pytest.fixture(params=[3, 5], name='golden')
def _golden(
    request: pytest.FixtureRequest, shared: Callable[[str], Path]
) -> tuple[int, dict]:
    file = shared(f'fixtures/ops/local_attention_k{request.param}.pt')
    return request.param, torch.load(file, weights_only=True)


def test_local_attention_is_the_published_one(golden: tuple[int, dict]) -> None:
    size, entry = golden
    warp = from_published(entry['state_dict'], size)
    with torch.no_grad():
        inputs = (entry['source'], entry['target'], entry['flow'])
        attention, out = warp.attention(*inputs), warp(*inputs)
    for ours, name in ((attention, 'attention'), (out, 'output')):
        torch.testing.assert_close(ours, entry[name], rtol=0, atol=1e-10)


def random_inputs(
    channels: int = 3, size: tuple[int, int] = (5, 4)
) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)

    def random(count: int) -> Tensor:
        return torch.randn(2, count, *size, generator=generator, dtype=torch.float64)

    # Positions keep clear of pixel centres, where bilinear reads have no derivative.
    flow = random(2).round() + 0.1 + 0.8 * random(2).sigmoid()
    return random(channels), random(channels), flow


def written_out(
    warp: LocalAttentionWarp, source: Tensor, target: Tensor, flow: Tensor
) -> Tensor:
    """The published way, with all blocks in memory."""
    k = warp.kernel_size
    sources = extract_blocks(source, flow, k)
    targets = extract_blocks(target, torch.zeros_like(flow), k)
    hidden = F.conv2d(
        torch.cat([targets, sources], 1),
        warp.compare.weight,
        warp.compare.bias,
        stride=k,
    )
    attention = warp.score(warp.activation(hidden)).softmax(1)
    return F.avg_pool2d(F.pixel_shuffle(attention, k) * sources, k, k)


@pytest.mark.parametrize('kernel_size', [1, 3, 5])
def test_same_as_written_out_with_gradients(kernel_size: int) -> None:
    torch.manual_seed(0)
    warp = LocalAttentionWarp(3, kernel_size, hidden_channels=7, init_gain=1).double()
    results = []
    for call in (warp, lambda *inputs: written_out(warp, *inputs)):
        leaves = [x.clone().requires_grad_() for x in random_inputs()]
        out = call(*leaves)
        wanted = [*leaves, *warp.parameters()]
        results.append([out, *torch.autograd.grad(out.square().sum(), wanted)])
    for ours, theirs in zip(*results):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-11)


def test_gradcheck() -> None:
    torch.manual_seed(0)
    warp = LocalAttentionWarp(2, 3, hidden_channels=4, init_gain=1).double()
    leaves = [x[:1].requires_grad_() for x in random_inputs(2, (3, 2))]
    assert gradcheck(warp, leaves)


def test_starts_as_the_mean_of_the_neighbourhood_over_its_area() -> None:
    source, target, flow = random_inputs()
    warp = LocalAttentionWarp(3, 3, init_gain=0).double()
    blocks = extract_blocks(source, flow, 3)
    expected = F.avg_pool2d(blocks, 3, 3) / 9
    torch.testing.assert_close(warp(source, target, flow), expected)


def test_bilinear_ignores_the_target() -> None:
    source, target, flow = random_inputs()
    warp = BilinearWarp(3)
    assert torch.equal(warp(source, target, flow), flow_warp(source, flow))
    assert torch.equal(warp(source, target, flow), warp(source, -target, flow))


@pytest.mark.parametrize('kernel_size', [0, 2, -3])
def test_kernel_must_be_odd(kernel_size: int) -> None:
    with pytest.raises(ValueError, match=f'odd and >= 1, got {kernel_size}'):
        LocalAttentionWarp(4, kernel_size)
