from __future__ import annotations

import pytest
import torch
from torch.autograd import gradcheck

from posegen.models.ops import extract_blocks, flow_warp, gaussian_warp


def random_pair(shape=(2, 3, 5, 4), spread=2.0, seed=0):
    """Features and a flow whose positions keep clear of pixel centres."""
    generator = torch.Generator().manual_seed(seed)
    batch, _, height, width = shape
    x = torch.randn(shape, dtype=torch.float64, generator=generator)
    whole = torch.randn(batch, 2, height, width, generator=generator) * spread
    part = torch.rand(batch, 2, height, width, generator=generator)
    return x, whole.round().double() + 0.1 + 0.8 * part.double()


def constant_flow(x, dx, dy):
    flow = torch.zeros(len(x), 2, *x.shape[2:], dtype=x.dtype)
    flow[:, 0], flow[:, 1] = dx, dy
    return flow


class TestFlowWarp:
    @pytest.mark.parametrize('shape', [(2, 3, 5, 4), (1, 1, 1, 6), (1, 2, 7, 1)])
    def test_zero_flow_is_identity(self, shape):
        x, flow = random_pair(shape)
        out = flow_warp(x, torch.zeros_like(flow))
        torch.testing.assert_close(out, x, rtol=0, atol=1e-12)

    def test_integer_flow_reads_the_neighbour(self):
        x, _ = random_pair()
        out = flow_warp(x, constant_flow(x, 1, -2))
        torch.testing.assert_close(out[..., 2:, :-1], x[..., :-2, 1:])

    def test_half_pixel_is_the_mean_of_two(self):
        x, _ = random_pair()
        out = flow_warp(x, constant_flow(x, 0.5, 0))
        torch.testing.assert_close(
            out[..., :-1], (x[..., :-1] + x[..., 1:]) / 2, rtol=0, atol=1e-12
        )

    def test_outside_reads_the_border(self):
        x, _ = random_pair()
        out = flow_warp(x, constant_flow(x, -100, 0))
        torch.testing.assert_close(out, x[..., :1].expand_as(x))

    def test_gradients(self):
        x, flow = random_pair(spread=1.0)
        assert gradcheck(flow_warp, (x.requires_grad_(), flow.requires_grad_()))

    def test_half_precision_keeps_type_and_position(self):
        x = torch.arange(300.0).expand(1, 1, 2, 300).bfloat16()
        flow = constant_flow(x, 0.25, 0)
        out = flow_warp(x, flow)
        assert out.dtype == torch.bfloat16
        assert (out.float() - x.float() - 0.25)[..., 2:5].abs().max() < 0.02


@pytest.mark.parametrize('warp', [flow_warp, gaussian_warp])
class TestWrongShapes:
    def test_flow_of_another_size(self, warp):
        with pytest.raises(ValueError, match=r'flow must be .*\(2, 2, 5, 4\).*fit x'):
            warp(torch.zeros(2, 3, 5, 4), torch.zeros(2, 2, 4, 5))

    def test_x_without_batch(self, warp):
        with pytest.raises(ValueError, match=r'x must be \(B, C, h, w\)'):
            warp(torch.zeros(3, 5, 4), torch.zeros(2, 5, 4))


class TestGaussianWarp:
    def test_golden(self, shared):
        file = shared('fixtures/ops/gaussian_resample_k4_s2.pt')
        gold = torch.load(file, weights_only=True)
        x = gold['source'].clone().requires_grad_()
        flow = gold['flow'].clone().requires_grad_()
        out = gaussian_warp(x, flow)
        (out * gold['cotangent']).sum().backward()
        for value, name in (
            (out.detach(), 'output'),
            (x.grad, 'grad_source'),
            (flow.grad, 'grad_flow'),
        ):
            torch.testing.assert_close(value, gold[name], rtol=0, atol=1e-10)

    def test_golden_in_float32(self, shared):
        file = shared('fixtures/ops/gaussian_resample_k4_s2.pt')
        gold = torch.load(file, weights_only=True)
        out = gaussian_warp(gold['source'].float(), gold['flow'].float())
        torch.testing.assert_close(out, gold['output'].float(), rtol=1e-5, atol=1e-5)

    def test_weights_by_hand(self):
        x = torch.zeros(1, 1, 1, 9, dtype=torch.float64)
        x[..., 4] = 1
        out = gaussian_warp(x, constant_flow(x, 0.25, 0))
        weight = torch.exp(-(torch.tensor([1.25, 0.25, 0.75, 1.75]).double() ** 2) / 8)
        weight /= weight.sum()
        # Column 4 is the second tap of position 4.25, the first tap of 5.25, ...
        expected = torch.stack([weight[3], weight[2], weight[1], weight[0]])
        torch.testing.assert_close(out[0, 0, 0, 2:6], expected)

    def test_constant_stays_constant(self):
        x, flow = random_pair(spread=30)
        out = gaussian_warp(torch.full_like(x, 3.0), flow)
        torch.testing.assert_close(out, torch.full_like(x, 3.0))

    @pytest.mark.parametrize('kernel_size', [2, 4, 6])
    def test_gradients(self, kernel_size):
        x, flow = random_pair((2, 2, 3, 4), spread=1.0)
        x.requires_grad_(), flow.requires_grad_()
        assert gradcheck(lambda a, b: gaussian_warp(a, b, kernel_size, 1.5), (x, flow))

    def test_huge_flow_is_finite(self):
        x, flow = random_pair()
        assert gaussian_warp(x, flow * 1e12).isfinite().all()

    def test_memory_format_does_not_matter(self):
        x, flow = random_pair()
        dense = gaussian_warp(x, flow)
        last = gaussian_warp(x.contiguous(memory_format=torch.channels_last), flow)
        assert torch.equal(dense, last)

    @pytest.mark.parametrize(
        'kwargs, match',
        [
            ({'kernel_size': 3}, 'kernel_size must be even'),
            ({'kernel_size': 0}, 'kernel_size must be even'),
            ({'sigma': 0}, 'sigma must be > 0'),
        ],
    )
    def test_wrong_arguments(self, kwargs, match):
        x, flow = random_pair()
        with pytest.raises(ValueError, match=match):
            gaussian_warp(x, flow, **kwargs)


class TestExtractBlocks:
    @pytest.mark.parametrize('kernel_size', [3, 5])
    def test_golden(self, shared, kernel_size):
        file = shared(f'fixtures/ops/block_extractor_k{kernel_size}.pt')
        gold = torch.load(file, weights_only=True)
        out = extract_blocks(gold['source'], gold['flow'], kernel_size)
        torch.testing.assert_close(out, gold['output'], rtol=0, atol=1e-10)

    def test_zero_flow_gives_neighbourhoods(self):
        x, flow = random_pair()
        out = extract_blocks(x, torch.zeros_like(flow), 3)
        padded = torch.nn.functional.pad(x, (1, 1, 1, 1), mode='replicate')
        expected = padded.unfold(2, 3, 1).unfold(3, 3, 1)
        expected = expected.permute(0, 1, 2, 4, 3, 5).reshape(out.shape)
        torch.testing.assert_close(out, expected, rtol=0, atol=1e-12)

    def test_block_of_one_is_the_warp(self):
        x, flow = random_pair()
        torch.testing.assert_close(extract_blocks(x, flow, 1), flow_warp(x, flow))

    def test_gradients(self):
        x, flow = random_pair((1, 2, 3, 4), spread=1.0)
        x.requires_grad_(), flow.requires_grad_()
        assert gradcheck(lambda a, b: extract_blocks(a, b, 3), (x, flow))

    @pytest.mark.parametrize('kernel_size', [0, 2, 4])
    def test_even_kernel(self, kernel_size):
        x, flow = random_pair()
        with pytest.raises(ValueError, match='kernel_size must be odd'):
            extract_blocks(x, flow, kernel_size)
