"""Grids and losses are the same numbers inside of autocast and outside."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from posegen.models.ops import (
    affine_regularization,
    extract_blocks,
    flow_warp,
    gaussian_warp,
    max_similarity,
    nearest_neighbours,
    resize_flow,
    sampling_correctness,
    sum_blocks,
)
from posegen.models.ops.precision import at_least_float32, full_precision

HALF = [torch.bfloat16, torch.float16]
OPERATORS = {
    'flow_warp': lambda x, y, flow: flow_warp(x, flow),
    'gaussian_warp': lambda x, y, flow: gaussian_warp(x, flow),
    'extract_blocks': lambda x, y, flow: extract_blocks(x, flow, 3),
    'sum_blocks': lambda x, y, flow: sum_blocks(x, flow, y[:, :9]),
    'max_similarity': lambda x, y, flow: max_similarity(x, y),
    'sampling_correctness': lambda x, y, flow: sampling_correctness(x, y, flow),
    'affine_regularization': lambda x, y, flow: affine_regularization(flow, 5),
    'resize_flow': lambda x, y, flow: resize_flow(flow, (32, 32)),
    'nearest_neighbours': lambda x, y, flow: nearest_neighbours(x, y, 3),
}


def inputs(device: str = 'cpu') -> tuple[Tensor, Tensor, Tensor]:
    """Two maps, and a flow of some 20 pixels that a gradient is wanted of."""
    generator = torch.Generator().manual_seed(0)
    maps = torch.rand(2, 2, 16, 24, 24, generator=generator)
    flow = 20 * torch.randn(2, 2, 24, 24, generator=generator)
    return *(m.to(device) for m in maps), flow.to(device).requires_grad_()


def value_and_gradient(name: str, device: str) -> list[Tensor]:
    x, y, flow = inputs(device)
    out = OPERATORS[name](x, y, flow)
    if not out.requires_grad:
        return [out]
    with torch.autocast(device, enabled=False):  # as in training
        out.square().sum().backward()
    return [out.detach(), flow.grad]


def assert_same_under_autocast(name: str, device: str, dtype: torch.dtype) -> None:
    full = value_and_gradient(name, device)
    with torch.autocast(device, dtype):
        mixed = value_and_gradient(name, device)
    assert len(full) == len(mixed)
    for expected, found in zip(full, mixed):
        assert found.dtype == torch.float32
        # Not to the last bit: sums over threads of a GPU come in any order.
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('dtype', HALF)
@pytest.mark.parametrize('name', OPERATORS)
def test_operators_ignore_autocast(name: str, dtype: torch.dtype) -> None:
    assert_same_under_autocast(name, 'cpu', dtype)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
@pytest.mark.parametrize('dtype', HALF)
@pytest.mark.parametrize('name', OPERATORS)
def test_operators_ignore_autocast_on_a_gpu(name: str, dtype: torch.dtype) -> None:
    assert_same_under_autocast(name, 'cuda', dtype)


def test_half_precision_becomes_float32_and_the_rest_stays() -> None:
    for dtype in HALF:
        assert at_least_float32(torch.ones(1, dtype=dtype)).dtype == torch.float32
    for dtype in (torch.float32, torch.float64, torch.int64, torch.bool):
        x = torch.ones(1, dtype=dtype)
        assert at_least_float32(x) is x


def test_a_function_in_full_precision_sees_no_autocast() -> None:
    seen = {}

    @full_precision
    def product(a: Tensor, *, b: Tensor, note: str) -> Tensor:
        seen.update(a=a.dtype, b=b.dtype, note=note)
        return a @ b

    a, b = torch.rand(2, 8, 8)
    with torch.autocast('cpu', torch.bfloat16):
        assert (a @ b).dtype == torch.bfloat16
        out = product(a.bfloat16(), b=b, note='as it is')
        assert (a @ b).dtype == torch.bfloat16
    assert seen == dict(a=torch.float32, b=torch.float32, note='as it is')
    assert torch.equal(out, a.bfloat16().float() @ b)
    assert product.__name__ == 'product'


def test_tensors_without_data_have_no_autocast_to_leave() -> None:
    flow = torch.empty(1, 2, 8, 8, device='meta')
    assert affine_regularization(flow, 3).device.type == 'meta'
