"""Pictures of flow fields and visibility maps, of one part or of several."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from posegen.codecs import keypoints_to_heatmaps
from posegen.codecs.joints import DEFAULT_PARTS
from posegen.models.ops import resize_flow


def flow_to_rgb(
    flow: Tensor | np.ndarray, max_magnitude: float | None = None
) -> np.ndarray:
    """Colour a flow field: the direction is the hue, the length the saturation.

    Zero is white, right (dx > 0) red, down (dy > 0) yellow-green, left cyan, up violet.

    Args:
        flow: (2, H, W) dx, dy.
        max_magnitude: Length that is shown in full colour, in the unit of ``flow``;
            longer arrows look the same. None takes the longest of this field.

    Returns:
        uint8 (H, W, 3) RGB.
    """
    field = torch.as_tensor(flow).detach().cpu().double().numpy()
    if field.ndim != 3 or field.shape[0] != 2:
        raise ValueError(f'flow must be (2, H, W), got {field.shape}')
    length = np.hypot(*field)
    if max_magnitude is None:
        max_magnitude = float(length.max())
    saturation = np.clip(length / max(max_magnitude, 1e-9), 0, 1)[..., None]
    turns = np.arctan2(field[1], field[0]) / (2 * np.pi)
    rgb = 1 - saturation * (1 - _pure_colors(turns))
    return np.rint(255 * rgb).astype(np.uint8)


def _pure_colors(turns: np.ndarray) -> np.ndarray:
    """Fully saturated RGB of hues given in turns: (...) -> (..., 3) in [0, 1]."""
    # Each channel is a trapezium of the hue, centred on red, green or blue.
    distance = (turns[..., None] - np.array([0, 1 / 3, 2 / 3]) + 0.5) % 1 - 0.5
    return np.clip(2 - 6 * np.abs(distance), 0, 1)


def part_flows_to_rgb(
    flows: Mapping[str, Tensor],
    visibilities: Mapping[str, Tensor] | None,
    keypoints: Tensor,
    size: tuple[int, int],
) -> np.ndarray:
    """Show the flows of all parts in one picture.

    Every pixel shows the flow of the part whose joints are closest in the target pose
    and which is most visible there; it fades to black away from the person and where
    the model takes nothing from the source.

    Args:
        flows: Part name -> (2, h, w) in pixels of that map.
        visibilities: Part name -> (1, h, w) in [0, 1], or None to ignore it.
        keypoints: (18, 3) of the target in pixels of the picture.
        size: Height and width of the picture.

    Returns:
        uint8 (H, W, 3) RGB.
    """
    full = torch.stack([_enlarge(flow, size) for flow in flows.values()])
    weights = torch.stack([_closeness(name, keypoints, size) for name in flows])
    if visibilities:
        weights *= torch.cat([_resize(visibilities[name], size) for name in flows])
    best, index = weights.max(dim=0)
    flow = full.gather(0, index.expand(1, 2, *size))[0]
    brightness = (best / best.max().clamp(min=1e-9)).numpy()[..., None]
    return np.rint(flow_to_rgb(flow) * brightness).astype(np.uint8)


def visibility_to_rgb(
    visibilities: Mapping[str, Tensor], size: tuple[int, int]
) -> np.ndarray:
    """Show the visibility of every part in its own tint; a single part is grey.

    Args:
        visibilities: Part name -> (1, h, w) in [0, 1].
        size: Height and width of the picture.

    Returns:
        uint8 (H, W, 3) RGB. With three parts these are red, green and blue, so that
        white is visible in all parts and black in none.
    """
    maps = torch.stack([_resize(v, size)[0] for v in visibilities.values()], dim=-1)
    count = maps.shape[-1]
    tints = _pure_colors(np.arange(count) / count) if count > 1 else np.ones((1, 3))
    rgb = np.clip(maps.numpy() @ tints, 0, 1)
    return np.rint(255 * rgb).astype(np.uint8)


def _enlarge(flow: Tensor, size: tuple[int, int]) -> Tensor:
    """(2, h, w) in pixels of that map -> float32 (2, H, W) in pixels of the picture."""
    return resize_flow(flow.detach().float().cpu()[None], size)[0]


def _resize(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear (C, h, w) -> float32 (C, H, W) on the CPU."""
    maps = maps.detach().float().cpu()[None]
    return interpolate(maps, size=size, mode='bilinear', align_corners=False)[0]


def _closeness(part: str, keypoints: Tensor, size: tuple[int, int]) -> Tensor:
    """(H, W) in [0, 1]: 1 at the joints of the part, falling over H/8 pixels."""
    maps = keypoints_to_heatmaps(keypoints.float().cpu(), size, sigma=size[0] / 8)
    joints = list(DEFAULT_PARTS.get(part, range(len(maps))))
    return maps[joints].amax(dim=0)
