"""Change the size of a flow map together with the unit that it counts in."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def resize_flow(flow: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize a flow map and count it in pixels of the new size.

    Args:
        flow: (B, 2, h, w), dx and dy in pixels of its own map.
        size: new height and width.

    Returns:
        (B, 2, H, W) in pixels of the new map, bilinear, pixel areas aligned.

    Raises:
        ValueError: ``flow`` is not (B, 2, h, w).
    """
    if flow.dim() != 4 or flow.shape[1] != 2:
        raise ValueError(f'flow must be (B, 2, h, w), got {tuple(flow.shape)}')
    x, y = F.interpolate(flow, size=size, mode='bilinear').split(1, dim=1)
    return torch.cat([x * (size[1] / flow.shape[3]), y * (size[0] / flow.shape[2])], 1)


def resize_keypoints(keypoints: Tensor, factor: float) -> Tensor:
    """Joints in the frame of an image that was resized by a factor.

    Args:
        keypoints: (..., 3) x, y, score; integers are pixel centers.
        factor: size of the new image divided by that of the old one.

    Returns:
        (..., 3) in pixels of the new image, with the scores as they are.
    """
    points = (keypoints[..., :2] + 0.5) * factor - 0.5
    return torch.cat([points, keypoints[..., 2:]], dim=-1)
