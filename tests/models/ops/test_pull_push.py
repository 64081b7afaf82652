from __future__ import annotations

import pytest
import torch
from torch.autograd import gradcheck

from posegen.models.ops import pull_push


def test_known_pixels_stay():
    images = torch.rand(2, 3, 9, 6)
    torch.testing.assert_close(pull_push(images, torch.ones(2, 1, 9, 6)), images)


@pytest.mark.parametrize('size', [(16, 8), (7, 5), (1, 4)])
def test_one_known_pixel_fills_all(size):
    images, weights = torch.rand(1, 3, *size), torch.zeros(1, 1, *size)
    weights[..., 0, 3] = 1
    expected = images[..., 0, 3, None, None].expand(images.shape)
    torch.testing.assert_close(pull_push(images, weights), expected, atol=0, rtol=2e-3)


def test_a_hole_in_a_ramp_is_filled_by_what_is_around():
    ramp = torch.linspace(0, 1, 32).expand(1, 1, 32, 32)
    weights = torch.ones(1, 1, 32, 32)
    weights[..., 12:20, 12:20] = 0
    broken = torch.where(weights > 0, ramp, -5.0)
    filled = pull_push(broken, weights)
    torch.testing.assert_close(filled, ramp, atol=0.1, rtol=0)


def test_unknown_values_do_not_matter():
    images, weights = torch.rand(1, 2, 8, 8), (torch.rand(1, 1, 8, 8) > 0.5).float()
    other = torch.where(weights > 0, images, 100 * torch.rand_like(images))
    torch.testing.assert_close(pull_push(other, weights), pull_push(images, weights))


def test_nothing_known_is_about_zero():
    filled = pull_push(torch.rand(1, 3, 8, 6), torch.zeros(1, 1, 8, 6))
    assert filled.isfinite().all() and filled.abs().max() < 1e-3


def test_gradient():
    torch.manual_seed(0)
    images = torch.rand(1, 2, 5, 4, dtype=torch.double, requires_grad=True)
    weights = 0.2 * torch.rand(1, 1, 5, 4, dtype=torch.double)
    assert gradcheck(pull_push, (images, weights.requires_grad_()))


def test_refuses_weights_of_another_size():
    with pytest.raises(ValueError, match=r'weights must be \(1, 1, 4, 4\)'):
        pull_push(torch.rand(1, 3, 4, 4), torch.rand(1, 1, 2, 2))
