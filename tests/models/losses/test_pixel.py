from __future__ import annotations

import pytest
import torch

from posegen.models.losses import L1Loss
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


def test_shapes_must_be_equal():
    with pytest.raises(ValueError, match='same shape'):
        L1Loss()(torch.zeros(2, 3, 4, 4), torch.zeros(1, 3, 4, 4))
