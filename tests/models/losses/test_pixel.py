from __future__ import annotations

import pytest
import torch
from torch.autograd import gradcheck

from posegen.evaluation.functional import ssim
from posegen.models.losses import L1Loss, SSIMLoss
from posegen.registry import MODELS


def test_by_hand():
    fake = torch.tensor([[[[1.0, -1.0], [0.5, 0.0]]]])
    loss = L1Loss(weight=2.0)(fake, torch.zeros_like(fake))
    assert loss.item() == pytest.approx(2.0 * 2.5 / 4)


def test_zero_at_equality_and_gradient():
    image = torch.rand(2, 3, 4, 4, requires_grad=True)
    loss = L1Loss()
    assert loss(image, image).item() == 0
    loss(image, image.detach() - 1).backward()
    torch.testing.assert_close(image.grad, torch.full_like(image, 5 / image.numel()))


def test_built_from_a_config():
    loss = MODELS.build({'type': 'L1Loss', 'weight': 3.0})
    assert loss.weight == 3.0 and loss.layers_needed == set()


class TestSSIM:
    def test_is_one_minus_the_measure(self):
        fake, real = torch.rand(2, 2, 3, 24, 16) * 2 - 1
        expected = 1 - ssim(fake, real, data_range=2.0).mean().item()
        found = SSIMLoss(weight=3.0)(fake, real).item()
        assert found == pytest.approx(3 * expected, abs=1e-5)

    def test_equal_images_cost_nothing(self):
        image = torch.rand(1, 3, 16, 12)
        assert SSIMLoss()(image, image).item() == pytest.approx(0, abs=1e-5)

    def test_gradient(self):
        torch.manual_seed(0)
        fake, real = torch.rand(2, 1, 3, 12, 11, dtype=torch.double)
        loss = SSIMLoss()
        assert gradcheck(lambda x: loss(x, real), fake.requires_grad_())

    def test_refuses_small_images(self):
        with pytest.raises(ValueError, match='at least 11 pixels high and wide'):
            SSIMLoss()(torch.zeros(1, 3, 10, 20), torch.zeros(1, 3, 10, 20))


@pytest.mark.parametrize('loss', [L1Loss(), SSIMLoss()])
def test_shapes_must_be_equal(loss):
    with pytest.raises(ValueError, match='same shape'):
        loss(torch.zeros(2, 3, 16, 16), torch.zeros(1, 3, 16, 16))
