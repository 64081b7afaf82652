"""Nearest neighbours between feature maps, in windows."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from posegen.models.ops.precision import full_precision


@torch.no_grad()
@full_precision
def nearest_neighbours(query: Tensor, feat: Tensor, window: int) -> Tensor:
    """For every position the most similar vector of a window around it.

    A running minimum over the shifts of the window: no more than one of ``window^2``
    shifted copies is there at a time.

    Args:
        query: (B, C, h, w).
        feat: (B, C, h, w), where neighbours are looked for.
        window: Odd side of the window, in pixels of the map; what lies outside the map
            is no candidate.

    Returns:
        (B, C, h, w) vectors of ``feat`` with the smallest sum of absolute differences
        to ``query``; the first in rows and columns of the window where several are
        equal.

    Raises:
        ValueError: If ``window`` is even or below 1.
    """
    if window < 1 or window % 2 == 0:
        raise ValueError(f'window must be odd and at least 1, got {window}')
    height, width = feat.shape[-2:]
    padded = F.pad(feat, [window // 2] * 4, value=float('inf'))
    best = query.new_full((len(query), 1, height, width), float('inf'))
    result = feat.clone()
    for row in range(window):
        for column in range(window):
            shifted = padded[..., row : row + height, column : column + width]
            cost = (query - shifted).abs_().sum(1, keepdim=True)
            nearer = cost < best
            result = torch.where(nearer, shifted, result)
            best = torch.where(nearer, cost, best)
    return result
