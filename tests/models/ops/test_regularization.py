from __future__ import annotations

import pytest
import torch
from torch.autograd import gradcheck

from posegen.models.ops import affine_regularization


@pytest.fixture
def gold(shared):
    file = shared('fixtures/ops/affine_regularisation.pt')
    return torch.load(file, weights_only=True)


@pytest.mark.parametrize('kernel_size', [3, 5])
def test_golden(gold, kernel_size):
    case = gold[f'k{kernel_size}']
    flow = case['flow'].clone().requires_grad_()
    loss = affine_regularization(flow, kernel_size)
    loss.backward()
    torch.testing.assert_close(loss.detach(), case['loss'], rtol=0, atol=1e-10)
    torch.testing.assert_close(flow.grad, case['grad_flow'], rtol=0, atol=1e-10)
    affine = affine_regularization(case['affine_flow'], kernel_size)
    torch.testing.assert_close(affine, case['affine_loss'], rtol=0, atol=1e-10)


def test_golden_levels(gold):
    case = gold['multi_level']
    loss = affine_regularization(case['flow_level3_k3'], 3) + affine_regularization(
        case['flow_level2_k5'], 5
    )
    torch.testing.assert_close(loss, case['loss'], rtol=0, atol=1e-10)


def test_affine_flow_is_free():
    row, column = torch.meshgrid(torch.arange(6.0), torch.arange(5.0), indexing='ij')
    flow = torch.stack((2 + 0.5 * row - column, -1 + 3 * column)).double()[None]
    assert affine_regularization(flow, 3).item() == pytest.approx(0, abs=1e-20)


def test_residual_by_hand():
    # One 2x2 window: what an affine function cannot follow is the corner term
    # a - b - c + d, spread over the four pixels.
    flow = torch.zeros(1, 2, 2, 2).double()
    flow[0, 0, 1, 1] = 2.0
    assert affine_regularization(flow, 2).item() == pytest.approx(2.0**2 / 4)


def test_mean_over_the_batch():
    flow = torch.randn(1, 2, 6, 5)
    torch.testing.assert_close(
        affine_regularization(flow.repeat(3, 1, 1, 1), 3),
        affine_regularization(flow, 3),
    )


def test_gradients():
    flow = torch.randn(2, 2, 4, 5).double().requires_grad_()
    assert gradcheck(lambda f: affine_regularization(f, 3), (flow,))


@pytest.mark.parametrize('kernel_size', [0, 1, 5])
def test_window_that_does_not_fit(kernel_size):
    with pytest.raises(ValueError, match='kernel_size must be between 2 and'):
        affine_regularization(torch.zeros(1, 2, 4, 6), kernel_size)


def test_wrong_shape():
    with pytest.raises(ValueError, match=r'flow must be \(B, 2, h, w\)'):
        affine_regularization(torch.zeros(1, 3, 4, 6), 3)
