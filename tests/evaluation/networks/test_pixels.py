"""Pixels to the ranges of networks."""

from __future__ import annotations

import pytest
import torch

from posegen.evaluation.networks.pixels import to_range


def test_ends_and_middle():
    images = torch.tensor([0, 51, 255]).byte().view(1, 3, 1, 1)
    assert to_range(images, -1, 1).flatten().tolist() == pytest.approx([-1, -0.6, 1])
    assert to_range(images, 0, 1).flatten().tolist() == pytest.approx([0, 0.2, 1])
    assert torch.equal(to_range(images.double(), 0, 1), to_range(images, 0, 1))


def test_overshoot_of_a_resize_passes():
    images = torch.tensor([-3.0, 128, 258]).view(1, 3, 1, 1)
    assert to_range(images, 0, 1).max() > 1


@pytest.mark.parametrize(
    'images',
    [torch.zeros(3, 4, 4), torch.zeros(1, 4, 4, 3), torch.zeros(1, 3, 4, 4).int()],
)
def test_refuses_what_is_no_batch_of_images(images):
    with pytest.raises(TypeError, match=r'must be \(B, 3, H, W\), uint8 or floats'):
        to_range(images, 0, 1)


@pytest.mark.parametrize(
    ('value', 'message'),
    [
        (float('nan'), 'not finite'),
        (float('inf'), 'not finite'),
        (1.0, r'must be of 0\.\.255; these lie in \[-1, 1\]'),
    ],
)
def test_refuses_values_of_another_scale(value, message):
    images = -torch.ones(1, 3, 2, 2)
    images[0, 0, 0, 0] = value
    with pytest.raises(ValueError, match=message):
        to_range(images, 0, 1)
