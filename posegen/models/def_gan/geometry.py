"""The ten body parts of Def-GAN: their affine maps and masks, from joints alone.

Part order: torso, head, right and left thigh, shin, upper arm, forearm.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from posegen.models.ops.affine import fit_affine

PART_NAMES = (
    'torso',
    'head',
    'right_thigh',
    'left_thigh',
    'right_shin',
    'left_shin',
    'right_upper_arm',
    'left_upper_arm',
    'right_forearm',
    'left_forearm',
)

_TORSO = (8, 11, 5, 2)
_FACE = (14, 15, 16, 17, 0)
_SHOULDERS = (2, 5)
_HIPS = (8, 11)
#: Start and end of the eight limbs; the neighbour with the other side is index ^ 1.
_LIMB_STARTS = (8, 11, 9, 12, 2, 5, 3, 6)
_LIMB_ENDS = (9, 12, 10, 13, 3, 6, 4, 7)
#: How far a limb reaches beyond its end, as a fraction of its length: shins and
#: forearms further, to take feet and hands along.
_REACH = (0.1, 0.1, 0.3, 0.3, 0.1, 0.1, 0.3, 0.3)
_MASK_REACH = (0.1, 0.1, 0.5, 0.5, 0.1, 0.1, 0.5, 0.5)
_BACK = 0.1  # of its length, before its start
_HALF_WIDTH = 0.2  # of the body scale
_HEAD_HALF_SIZE = 0.4  # of the body scale

#: Map of a part that cannot be used: everything it reads lies outside the image.
_NOWHERE = ((1.0, 0.0, 1000.0), (0.0, 1.0, 1000.0))


class PartGeometry(NamedTuple):
    """Where each part comes from and where it goes.

    Attributes:
        transforms: (B, 10, 2, 3) float64, source position = matrix @ (x, y, 1) of the
            target pixel, in pixels of the image.
        masks: (B, 10, H, W) bool, where the part is in the target.
    """

    transforms: Tensor
    masks: Tensor


@torch.no_grad()
def part_geometry(
    source_keypoints: Tensor,
    target_keypoints: Tensor,
    size: tuple[int, int],
    fit: str = 'homogeneous',
) -> PartGeometry:
    """Maps and masks of all parts.

    Args:
        source_keypoints: (B, 18, 3) x, y in pixels and score.
        target_keypoints: (B, 18, 3), same frame.
        size: (height, width) of the image.
        fit: See :func:`posegen.models.ops.affine.fit_affine`.

    Raises:
        ValueError: If ``fit`` is unknown.
    """
    transforms = part_transforms(source_keypoints, target_keypoints, fit)
    return PartGeometry(transforms, part_masks(target_keypoints, size))


@torch.no_grad()
def part_transforms(
    source_keypoints: Tensor, target_keypoints: Tensor, fit: str = 'homogeneous'
) -> Tensor:
    """Affine map of each part from target to source pixels, the published way.

    The torso is fitted to hips and shoulders, the head to the face joints present in
    both poses and the shoulders, a limb to the corners of a box around it. A limb that
    only the source lacks is taken from the source's other side. A part that the target
    lacks, that neither side of the source has, or whose points lie on a line reads
    outside the image.

    Departure: the published code stops where a joint of the torso is missing. Here
    torso and head are fitted to the joints that are left, and are unusable with fewer
    than three; see :func:`body_scale` for the width of limbs.

    Args:
        source_keypoints: (B, 18, 3) x, y in pixels and score.
        target_keypoints: (B, 18, 3), same frame.
        fit: See :func:`posegen.models.ops.affine.fit_affine`.

    Returns:
        (B, 10, 2, 3) float64.

    Raises:
        ValueError: If ``fit`` is unknown.
    """
    source, target = _pose(source_keypoints), _pose(target_keypoints)
    common = source.seen & target.seen
    face = common[:, _FACE].any(1, keepdim=True)
    joints = [*_TORSO, *_FACE, *_SHOULDERS]
    seen = torch.cat([common[:, _TORSO], common[:, _FACE + _SHOULDERS] & face], dim=1)
    trunk = fit_affine(
        *(_split(points[:, joints]) for points in (target.points, source.points)),
        _split(seen),
        fit,
    )
    limbs = fit_affine(*_limb_corners(source, target), fit)
    matrices, usable = (torch.cat(pair, dim=1) for pair in zip(trunk, limbs))
    nowhere = matrices.new_tensor(_NOWHERE)
    return matrices.where(usable[..., None, None], nowhere)


@torch.no_grad()
def part_masks(keypoints: Tensor, size: tuple[int, int]) -> Tensor:
    """Where each part is in the target, the published way.

    The torso is everywhere, which also covers limbs that were not detected. The head is
    a box around the mean of the present face joints, a limb a box along it, as wide as
    for its map but longer for shins and forearms. Both are empty where joints lack.

    Args:
        keypoints: (B, 18, 3) x, y in pixels of ``size`` and score.
        size: (height, width).

    Returns:
        (B, 10, H, W) bool.
    """
    pose = _pose(keypoints)
    height, width = size
    x = torch.arange(width, dtype=torch.float64, device=keypoints.device)
    y = torch.arange(height, dtype=torch.float64, device=keypoints.device)
    torso = torch.ones(len(keypoints), 1, *size, dtype=torch.bool, device=x.device)
    return torch.cat([torso, _head_mask(pose, x, y), _limb_masks(pose, x, y)], dim=1)


def body_scale(keypoints: Tensor) -> Tensor:
    """Root mean square distance of shoulder and hip, which limbs are as wide as.

    Args:
        keypoints: (B, 18, 3) x, y in pixels and score.

    Returns:
        (B,) float64 pixels. The mean is over the sides of which both joints are there;
        0 with neither, which leaves no limb usable.
    """
    return _pose(keypoints).scale


class _Pose(NamedTuple):
    points: Tensor
    """(B, 18, 2) float64; absent joints are 0, whatever they held."""
    seen: Tensor
    """(B, 18) bool."""
    scale: Tensor
    """(B,)."""


def _pose(keypoints: Tensor) -> _Pose:
    seen = keypoints[..., 2] > 0
    points = keypoints[..., :2].double().where(seen[..., None], 0.0)
    sides = seen[:, _SHOULDERS] & seen[:, _HIPS]
    squares = (points[:, _HIPS] - points[:, _SHOULDERS]).square().sum(-1)
    mean = (squares * sides).sum(1) / sides.sum(1).clamp_min(1)
    return _Pose(points, seen, mean.sqrt())


def _split(trunk: Tensor) -> Tensor:
    """Torso and head, (B, 4 + 7, ...) -> (B, 2, 7, ...), filled up with zeros."""
    torso, head = trunk.split([len(_TORSO), len(_FACE + _SHOULDERS)], dim=1)
    filled = torch.zeros_like(head)
    filled[:, : len(_TORSO)] = torso
    return torch.stack([filled, head], dim=1)


def _limb_corners(source: _Pose, target: _Pose) -> tuple[Tensor, Tensor, Tensor]:
    """Corners in target and source, (B, 8, 4, 2) each, and present (B, 8, 4)."""
    corners, seen = _boxes(source, _REACH), _limbs_seen(source)
    other = [limb ^ 1 for limb in range(len(_REACH))]
    corners = corners.where(seen[..., None, None], corners[:, other])
    present = _limbs_seen(target) & (seen | seen[:, other])
    return _boxes(target, _REACH), corners, present[..., None].expand(-1, -1, 4)


def _limbs_seen(pose: _Pose) -> Tensor:
    """(B, 8) bool."""
    return pose.seen[:, _LIMB_STARTS] & pose.seen[:, _LIMB_ENDS]


def _boxes(pose: _Pose, reach: tuple[float, ...]) -> Tensor:
    """Corners (B, 8, 4, 2) of boxes along limbs, in the order around each.

    Border pixels of masks hang on the last digit, so the order of the published
    arithmetic is kept. A limb without length gives a box without area.
    """
    start, end = pose.points[:, _LIMB_STARTS], pose.points[:, _LIMB_ENDS]
    start = start + (start - end) * _BACK
    # The way beyond the end is a fraction of what the limb measures by now.
    end = end + (end - start) * end.new_tensor(reach)[:, None]
    normal = torch.stack([end[..., 1] - start[..., 1], start[..., 0] - end[..., 0]], -1)
    length = normal.square().sum(-1, keepdim=True).sqrt()
    normal = normal / length.where(length > 0, 1.0)
    side = pose.scale[:, None, None] * _HALF_WIDTH * normal
    return torch.stack([start + side, start - side, end - side, end + side], dim=2)


def _limb_masks(pose: _Pose, x: Tensor, y: Tensor) -> Tensor:
    """(B, 8, H, W) bool for pixel centres x (W,) and y (H,)."""
    inside = inside_polygons(_boxes(pose, _MASK_REACH), x, y)
    return inside & _limbs_seen(pose)[..., None, None]


def inside_polygons(corners: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Grid points inside polygons or on their edges.

    A ray from the point to each side is crossed by an odd number of edges inside
    (O'Rourke, Computational Geometry in C, 7.4), as in scikit-image's
    ``grid_points_in_poly``, which the published masks are drawn with.

    Args:
        corners: (..., n, 2) x, y in order around each polygon.
        x: (W,) columns of the grid, of the same type as the corners.
        y: (H,) rows of the grid.

    Returns:
        (..., H, W) bool.
    """
    columns = corners[..., 0, None, None] - x
    rows = corners[..., 1, None, None] - y[:, None]
    odd_above = torch.zeros((), dtype=torch.bool, device=corners.device)
    odd_below = odd_above
    for edge in range(corners.shape[-2]):
        x0, x1 = columns[..., edge, :, :], columns[..., edge - 1, :, :]
        y0, y1 = rows[..., edge, :, :], rows[..., edge - 1, :, :]
        # Where an edge passes the point's column, relative to the point.
        crossing = (y0 * x1 - y1 * x0) / (x1 - x0)
        odd_above = odd_above ^ (((x0 > 0) != (x1 > 0)) & (crossing > 0))
        odd_below = odd_below ^ (((x0 < 0) != (x1 < 0)) & (crossing < 0))
    return odd_above | odd_below


def _head_mask(pose: _Pose, x: Tensor, y: Tensor) -> Tensor:
    """(B, 1, H, W) bool for pixel centres x (W,) and y (H,)."""
    seen = pose.seen[:, _FACE]
    centre = pose.points[:, _FACE].sum(1) / seen.sum(1, keepdim=True).clamp_min(1)
    low = centre.trunc() - (_HEAD_HALF_SIZE * pose.scale[:, None]).trunc()
    high = centre.trunc() + (_HEAD_HALF_SIZE * pose.scale[:, None]).trunc()
    columns = (x >= low[:, :1]) & (x < high[:, :1])
    rows = (y >= low[:, 1:]) & (y < high[:, 1:]) & seen.any(1, keepdim=True)
    return (rows[:, :, None] & columns[:, None, :])[:, None]
