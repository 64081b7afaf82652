"""Joints to a picture of a stick figure, the pose that VU-Net reads."""

from __future__ import annotations

import torch
from torch import Tensor

from .joints import NUM_JOINTS
from .parts import squared_distance

# From the ankle over the trunk to the wrist, the right side and the left.
_SIDES = (
    ((10, 9), (9, 8), (8, 2), (2, 3), (3, 4)),
    ((13, 12), (12, 11), (11, 5), (5, 6), (6, 7)),
)
_NOSE, _EYES, _SHOULDERS = 0, (14, 15), (2, 5)
_TORSO = (5, 11, 8, 2)  # around the polygon
_NECK_VALUE = 127 / 255
# Thickness of a line at a height of 128 pixels.
_THICKNESS, _HEIGHT = 3, 128


def keypoints_to_stickman(keypoints: Tensor, size: tuple[int, int]) -> Tensor:
    """Draw people as the published VU-Net draws them.

    The first channel has the limbs of the right side at full value, the second those of
    the left, each as a chain from ankle over knee, hip, shoulder and elbow to wrist;
    the third has the torso, a filled polygon of shoulders and hips. The two share the
    line from the middle of the shoulders to the nose at half value, and have one to
    their own eye each, where nose and both eyes are present. A line is drawn where both
    of its ends are present, with OpenCV's thickness ``int(3 * height / 128)``.

    Departure: lines and polygon are drawn by distance to the true positions, in batch,
    where the published way rounds them and draws with OpenCV; pixels at the edges of
    lines may differ.

    Args:
        keypoints: ``(B, 18, 3)`` x, y, score in pixels of ``size``.
        size: ``(height, width)``.

    Returns:
        ``(B, 3, H, W)`` in [-1, 1], -1 where nothing is drawn.

    Raises:
        ValueError: ``keypoints`` has another shape.
    """
    if keypoints.dim() != 3 or tuple(keypoints.shape[1:]) != (NUM_JOINTS, 3):
        raise ValueError(
            f'keypoints must be (B, {NUM_JOINTS}, 3), got {tuple(keypoints.shape)}'
        )
    present = keypoints[..., 2] > 0
    exact = torch.promote_types(keypoints.dtype, torch.float32)
    points = keypoints[..., :2].to(exact).where(present[..., None], 0.0)
    neck = _neck_line(points, present, size)
    sides = [
        _side(points, present, limbs, eye, neck, size)
        for limbs, eye in zip(_SIDES, _EYES)
    ]
    torso = _torso(points, present, size)
    return torch.stack([*sides, torso], dim=1) * 2 - 1


def _side(
    points: Tensor,
    present: Tensor,
    limbs: tuple[tuple[int, int], ...],
    eye: int,
    neck: Tensor,
    size: tuple[int, int],
) -> Tensor:
    """One side of the body, (B, H, W) in [0, 1]; later lines cover earlier ones."""
    a, b = (list(ends) for ends in zip(*limbs))
    drawn = present[:, a] & present[:, b]
    figure = _lines(points[:, a], points[:, b], drawn, size).to(points.dtype)
    figure = torch.where(neck, _NECK_VALUE, figure)
    face = present[:, [_NOSE, *_EYES]].all(1, keepdim=True)
    glance = _lines(points[:, [_NOSE]], points[:, [eye]], face, size)
    return torch.where(glance, 1.0, figure)


def _neck_line(points: Tensor, present: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, H, W) bool."""
    neck = points[:, list(_SHOULDERS)].mean(1, keepdim=True)
    drawn = present[:, [_NOSE, *_SHOULDERS]].all(1, keepdim=True)
    return _lines(neck, points[:, [_NOSE]], drawn, size)


def _lines(start: Tensor, end: Tensor, drawn: Tensor, size: tuple[int, int]) -> Tensor:
    """Union of the segments (B, S, 2) that are drawn (B, S), as (B, H, W) bool."""
    thickness = max(int(_THICKNESS * size[0] / _HEIGHT), 1)
    # So many pixels to either side of the middle one are what OpenCV draws.
    reach = (thickness + 1) // 2 if thickness > 1 else 0
    near = squared_distance(start, end, size) <= (reach + 0.5) ** 2
    return (near & drawn[..., None, None]).any(1)


def _torso(points: Tensor, present: Tensor, size: tuple[int, int]) -> Tensor:
    """The filled polygon with its outline, (B, H, W) of 0 and 1."""
    start = points[:, list(_TORSO)]
    end = start.roll(-1, dims=1)
    outline = (squared_distance(start, end, size) <= 0.25).any(1)
    whole = present[:, list(_TORSO)].all(1)
    filled = _inside(start, end, size) | outline
    return (filled & whole[:, None, None]).to(points.dtype)


def _inside(start: Tensor, end: Tensor, size: tuple[int, int]) -> Tensor:
    """Pixels from which a ray to the right crosses an odd number of the edges."""
    rows = torch.arange(size[0], device=start.device, dtype=start.dtype)
    columns = torch.arange(size[1], device=start.device, dtype=start.dtype)
    (ax, ay), (bx, by) = (p[..., None].unbind(2) for p in (start, end))
    spans = (ay > rows) != (by > rows)  # (B, S, H)
    slope = (bx - ax) / torch.where(spans, by - ay, 1.0)
    crossing = ax + slope * (rows - ay)
    crosses = spans[..., None] & (columns < crossing[..., None])
    return crosses.sum(1) % 2 == 1
