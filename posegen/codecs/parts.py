"""Body parts in batch: boxes, sub-images and masks from joints.

A part is a tuple of joint indices, such as ``DEFAULT_PARTS['torso']``. Everything here
runs on the device of its inputs and is cheap enough for every training step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import torch
from torch import Tensor

from .joints import LIMBS, NUM_JOINTS

_FAR = -1e6  # pixels; where absent segments are parked, out of reach of any image


def ordered_parts(
    parts: Mapping[str, Sequence[int]],
) -> dict[str, tuple[int, ...]]:
    """Parts by their joints, head first, in whatever order a config names them.

    What a model keeps per part stands in this order, and a config that was written to a
    file by MMEngine has its keys sorted.

    Args:
        parts: part name -> joint indices.

    Raises:
        ValueError: there is no part, or one names no joint or one that does not exist.
    """
    if not parts:
        raise ValueError('parts must name at least one part, got none')
    for name, joints in parts.items():
        if not joints or not all(0 <= joint < NUM_JOINTS for joint in joints):
            raise ValueError(
                f'parts.{name} must name joints 0..{NUM_JOINTS - 1}, at least one; got '
                f'{tuple(joints)}'
            )
    checked = {name: tuple(joints) for name, joints in parts.items()}
    return dict(sorted(checked.items(), key=lambda item: (sorted(item[1]), item[0])))


def part_boxes(
    keypoints: Tensor, joints: Sequence[int], size: tuple[int, int], margin: float = 0.1
) -> tuple[Tensor, Tensor]:
    """Boxes around the present joints of a part.

    Args:
        keypoints: ``(B, J, 3)`` x, y, score in pixels of ``size``.
        joints: joint indices of the part.
        size: ``(height, width)`` of the image.
        margin: added on every side, as a fraction of the height.

    Returns:
        ``boxes`` ``(B, 4)`` x0, y0, x1, y1 in pixels, ends included, not cut at
        the frame (a pixel belongs to the box if its centre does), zeros where the part
        is absent; ``present`` ``(B,)`` bool, whether any joint of the part is there.
    """
    keypoints = _part_keypoints(keypoints, joints)
    points, seen = keypoints[..., :2], keypoints[..., 2:] > 0
    low = points.masked_fill(~seen, float('inf')).amin(1) - margin * size[0]
    high = points.masked_fill(~seen, float('-inf')).amax(1) + margin * size[0]
    present = seen.any(1)
    return torch.cat([low, high], 1).where(present, 0.0), present[:, 0]


def part_images(
    image: Tensor, keypoints: Tensor, joints: Sequence[int], margin: float = 0.1
) -> tuple[Tensor, Tensor]:
    """Cut a part out of the image without moving it.

    The canvas keeps its size, so that flow fields of all parts live in one frame;
    pixels outside the part's box become 0, which is mid grey in [-1, 1].

    Args:
        image: ``(B, C, H, W)``, in [-1, 1].
        keypoints: ``(B, J, 3)`` x, y, score in pixels of ``image``.
        joints: joint indices of the part.
        margin: added to the box on every side, as a fraction of the height.

    Returns:
        ``(B, C, H, W)``, zero everywhere where no joint of the part is present, and
        ``present`` ``(B,)`` bool.
    """
    size = image.shape[-2], image.shape[-1]
    boxes, present = part_boxes(keypoints, joints, size, margin)
    x, y = _pixels(size, boxes)
    x0, y0, x1, y1 = boxes[:, :, None].unbind(1)
    columns = (x >= x0) & (x <= x1)
    rows = (y >= y0) & (y <= y1) & present[:, None]
    inside = rows[:, None, :, None] & columns[:, None, None, :]
    return image * inside, present


def part_masks(
    keypoints: Tensor,
    joints: Sequence[int],
    size: tuple[int, int],
    radius: float = 1 / 16,
) -> Tensor:
    """Where a part is in the image, judged by its joints alone.

    The union of capsules around the part's limbs (both ends belong to the part and are
    present) and of discs around its other present joints.

    Args:
        keypoints: ``(B, J, 3)`` x, y, score in pixels of ``size``.
        joints: joint indices of the part.
        size: ``(height, width)`` of the mask.
        radius: of capsules and discs, as a fraction of the height.

    Returns:
        ``(B, 1, H, W)`` floats, 0 or 1; all zero where the part is absent.
    """
    start, end = _part_segments(keypoints, joints)
    distance = squared_distance(start, end, size)
    reach = (radius * size[0]) ** 2
    return (distance.amin(1, keepdim=True) <= reach).to(distance.dtype)


def _part_keypoints(keypoints: Tensor, joints: Sequence[int]) -> Tensor:
    """(B, J, 3) -> (B, len(joints), 3) in float32 or better, checked."""
    if keypoints.dim() != 3 or keypoints.shape[-1] != 3:
        raise ValueError(f'keypoints must be (B, J, 3), got {tuple(keypoints.shape)}')
    if not joints or not 0 <= min(joints) <= max(joints) < keypoints.shape[1]:
        raise ValueError(
            f'joints of a part must be indices below {keypoints.shape[1]}, '
            f'got {tuple(joints)}'
        )
    part = keypoints[:, list(joints)]
    return part.to(torch.promote_types(part.dtype, torch.float32))


@lru_cache(maxsize=64)
def _segment_ends(joints: tuple[int, ...]) -> tuple[list[int], list[int]]:
    """Ends of the part's limbs, and joints of no limb as segments of length zero.

    The indices count within ``joints``.
    """
    place = {joint: index for index, joint in enumerate(joints)}
    segments = [(place[a], place[b]) for a, b in LIMBS if a in place and b in place]
    covered = {index for segment in segments for index in segment}
    segments += [(i, i) for i in place.values() if i not in covered]
    return [a for a, _ in segments], [b for _, b in segments]


def _part_segments(keypoints: Tensor, joints: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Start and end (B, S, 2) of the part's segments.

    A limb with one end missing shrinks to its other end: a disc. So every present joint
    is covered by some segment, and no disc has to be drawn twice.
    """
    part = _part_keypoints(keypoints, joints)
    points, seen = part[..., :2], part[..., 2:] > 0
    first, second = _segment_ends(tuple(joints))
    seen_a, seen_b = seen[:, first], seen[:, second]
    start = points[:, first].where(seen_a, points[:, second])
    end = points[:, second].where(seen_b, points[:, first])
    absent = ~(seen_a | seen_b)
    return start.masked_fill(absent, _FAR), end.masked_fill(absent, _FAR)


def keypoints_to_limb_maps(
    keypoints: Tensor, size: tuple[int, int], reach: float = 1 / 32
) -> Tensor:
    """Draw one map per limb: exp(-d / (reach * height)), d the distance to the limb.

    Not for gradients in the coordinates: they are not finite on a limb.

    Args:
        keypoints: ``(B, 18, 3)`` x, y, score in pixels of ``size``.
        size: ``(height, width)`` of the maps.
        reach: distance at which a map has fallen to 1/e, as a fraction of the height.

    Returns:
        ``(B, 17, H, W)`` in [0, 1], in the order of ``LIMBS``; zero where a limb lacks
        a joint.

    Raises:
        ValueError: ``keypoints`` is not ``(B, 18, 3)``.
    """
    points = _part_keypoints(keypoints, range(NUM_JOINTS))
    start, end = (points[:, list(ends)] for ends in zip(*LIMBS))
    present = ((start[..., 2] > 0) & (end[..., 2] > 0))[..., None]
    start, end = (x[..., :2].where(present, _FAR) for x in (start, end))
    return torch.exp(squared_distance(start, end, size).sqrt() / (-reach * size[0]))


def squared_distance(start: Tensor, end: Tensor, size: tuple[int, int]) -> Tensor:
    """Squared distance of every pixel to every segment.

    In the frame of a segment a pixel has a coordinate along and one across. Both are
    sums of a term in x and a term in y, so only additions run over whole maps.

    Args:
        start: (B, S, 2) x, y in pixels.
        end: (B, S, 2); where it is the start, the distance is that to a point.
        size: ``(height, width)``.

    Returns:
        (B, S, H, W) in square pixels.
    """
    x, y = _pixels(size, start)
    step = end - start
    length = step.norm(dim=-1, keepdim=True)
    # A segment of length zero may point anywhere: to the right.
    ux, uy = (step / length.clamp(min=1e-12))[..., None].unbind(2)
    ux = torch.where(length > 0, ux, 1.0)
    right = x - start[..., 0:1]
    down = y - start[..., 1:2]
    along = (down * uy)[..., :, None] + (right * ux)[..., None, :]
    across = (down * ux)[..., :, None] - (right * uy)[..., None, :]
    beyond = along - along.clamp(min=0).minimum(length[..., None])
    return beyond.square_().addcmul_(across, across)


def _pixels(size: tuple[int, int], like: Tensor) -> tuple[Tensor, Tensor]:
    """Pixel coordinates along x (W,) and y (H,), as exact and where ``like`` is."""
    height, width = size
    x = torch.arange(width, device=like.device, dtype=like.dtype)
    y = torch.arange(height, device=like.device, dtype=like.dtype)
    return x, y
