from __future__ import annotations

import pytest
import torch

from posegen.models.ops import nearest_neighbours


def by_hand(query, feat, window):
    """The same, one position after the other."""
    result, radius = torch.empty_like(feat), window // 2
    batch, _, height, width = feat.shape
    for b in range(batch):
        for y in range(height):
            for x in range(width):
                candidates = [
                    feat[b, :, i, j]
                    for i in range(max(0, y - radius), min(height, y + radius + 1))
                    for j in range(max(0, x - radius), min(width, x + radius + 1))
                ]
                costs = [(query[b, :, y, x] - c).abs().sum() for c in candidates]
                result[b, :, y, x] = candidates[int(torch.stack(costs).argmin())]
    return result


@pytest.mark.parametrize('window', [1, 3, 5])
def test_every_position_against_a_search(window):
    generator = torch.Generator().manual_seed(0)
    query, feat = torch.randn(2, 2, 3, 6, 5, generator=generator)
    found = nearest_neighbours(query, feat, window)
    assert torch.equal(found, by_hand(query, feat, window))


def test_window_one_is_the_map_itself():
    feat = torch.randn(1, 2, 4, 4)
    assert torch.equal(nearest_neighbours(torch.zeros_like(feat), feat, 1), feat)


def test_a_shift_inside_the_window_is_found():
    feat = torch.randn(1, 8, 7, 7)
    found = nearest_neighbours(feat.roll((1, -1), (2, 3)), feat, 3)
    assert torch.equal(found[..., 1:, :-1], feat.roll((1, -1), (2, 3))[..., 1:, :-1])


@pytest.mark.parametrize('window', [0, 2])
def test_even_windows_have_no_middle(window):
    with pytest.raises(ValueError, match=f'odd and at least 1, got {window}'):
        nearest_neighbours(torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2), window)
