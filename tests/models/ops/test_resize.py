"""Resizing a flow changes its unit too."""

from __future__ import annotations

import pytest
import torch

from posegen.models.ops import resize_flow


def test_unit_follows_the_size_on_both_axes():
    flow = torch.tensor([1.0, 2.0]).view(1, 2, 1, 1).expand(3, 2, 16, 8)
    full = resize_flow(flow, (64, 16))
    assert full.shape == (3, 2, 64, 16)
    torch.testing.assert_close(full[:, 0], torch.full((3, 64, 16), 2.0))
    torch.testing.assert_close(full[:, 1], torch.full((3, 64, 16), 8.0))


def test_same_size_changes_nothing():
    flow = torch.randn(2, 2, 5, 7)
    torch.testing.assert_close(resize_flow(flow, (5, 7)), flow)


def test_refuses_other_shapes():
    with pytest.raises(
        ValueError, match=r'flow must be \(B, 2, h, w\), got \(2, 4, 4\)'
    ):
        resize_flow(torch.zeros(2, 4, 4), (8, 8))
