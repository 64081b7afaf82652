"""A backward flow from two poses alone: each limb carries the pixels around it."""

from __future__ import annotations

import torch
from torch import Tensor

from posegen.codecs.joints import LIMBS, NUM_JOINTS
from posegen.models.ops.precision import full_precision

#: Limbs that carry pixels: arms, legs and neck to nose, then shoulders, hips, eyes,
#: ears and the sides of the trunk.
FLOW_LIMBS: tuple[tuple[int, int], ...] = (
    *LIMBS[:13],
    (2, 5),
    (8, 11),
    *LIMBS[13:],
    (2, 8),
    (5, 11),
)

# Lengths as fractions of the image height: those of 1.5, 3 and 4 pixels at 128.
_BLEND = 1.5 / 128
_SHORT = 3 / 128
_REACH = 1 / 32
_STRETCH = (0.2, 5.0)  # smallest and largest ratio of a limb's two lengths
_FAR_WEIGHT = 1e-6  # of the similarity that serves where no limb is near
_EPS = 1e-12


@full_precision
def limb_flow(
    source_keypoints: Tensor, target_keypoints: Tensor, size: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """The flow that moves every limb of the target pose onto that of the source pose.

    A limb (i, j) that is present in both poses maps a pixel p with coordinates (u, v)
    in the frame of the target's limb, along and across it, to
    ``s_i + r u e + v n`` in the source, with e and n the directions along and across
    the source's limb and r the ratio of the two lengths (within 0.2 .. 5; 1 where the
    target's limb is shorter than 3/128 of the height). The maps are averaged with
    weights exp(-d / beta), d the distance of p from the target's limb and beta 1.5/128
    of the height. A similarity fitted to all joints that both poses have serves where
    no limb is near. It has no parameters; Balakrishnan et al. (CVPR 2018) move limbs
    likewise, each as an image of its own.

    Differentiable in the coordinates of both poses.

    Args:
        source_keypoints: (B, 18, 3) x, y, score in pixels of ``size``.
        target_keypoints: (B, 18, 3), likewise.
        size: (height, width) of the flow.

    Returns:
        ``flow`` (B, 2, H, W): dx, dy in pixels; zero where the poses have no joint in
        common. ``nearness`` (B, 1, H, W): exp(-d / (H / 32)) with d the distance from
        the nearest limb that both poses have, in [0, 1]; zero without such a limb.

    Raises:
        ValueError: The keypoints are not (B, 18, 3), or their batches differ.
    """
    _check(source_keypoints, target_keypoints)
    source, target = source_keypoints[..., :2], target_keypoints[..., :2]
    common = (source_keypoints[..., 2] > 0) & (target_keypoints[..., 2] > 0)
    # Coordinates of missing joints may be anything, nan too.
    source, target = (x.where(common[..., None], 0.0) for x in (source, target))
    pixels = _pixel_grid(size, target)
    start, end = (list(ends) for ends in zip(*FLOW_LIMBS))
    present = (common[:, start] & common[:, end])[..., None, None]
    moved, distance = _limb_maps(
        (source[:, start], source[:, end]), (target[:, start], target[:, end]), pixels
    )
    weight = torch.exp(-distance / (_BLEND * size[0])).where(present, 0.0)
    far = _similarity(source, target, common, pixels)
    total = weight.sum(1) + _FAR_WEIGHT
    flow = ((weight[:, :, None] * moved).sum(1) + _FAR_WEIGHT * far) / total[:, None]
    flow = flow.where(common.any(1)[:, None, None, None], 0.0)
    nearest = distance.masked_fill(~present, torch.inf).amin(1, keepdim=True)
    return flow, torch.exp(-nearest / (_REACH * size[0]))


def _check(source: Tensor, target: Tensor) -> None:
    for name, keypoints in (('source', source), ('target', target)):
        if keypoints.dim() != 3 or keypoints.shape[1:] != (NUM_JOINTS, 3):
            raise ValueError(
                f'{name}_keypoints must be (B, {NUM_JOINTS}, 3), got '
                f'{tuple(keypoints.shape)}'
            )
    if len(source) != len(target):
        raise ValueError(
            f'source_keypoints and target_keypoints must be of one batch, got '
            f'{len(source)} and {len(target)} poses'
        )


def _pixel_grid(size: tuple[int, int], like: Tensor) -> Tensor:
    """(2, H, W) x and y of every pixel, in the type and on the device of ``like``."""
    rows, columns = (
        torch.arange(n, dtype=like.dtype, device=like.device) for n in size
    )
    return torch.stack(torch.meshgrid(columns, rows, indexing='xy'))


def _limb_maps(
    source: tuple[Tensor, Tensor], target: tuple[Tensor, Tensor], pixels: Tensor
) -> tuple[Tensor, Tensor]:
    """Where each limb carries each pixel, and how far it is from the limb.

    Args:
        source: Start and end (B, L, 2) of the source's limbs.
        target: Likewise of the target's.
        pixels: (2, H, W).

    Returns:
        Displacements (B, L, 2, H, W) and distances (B, L, H, W) in pixels.
    """
    direction_s, length_s = _direction(source[1] - source[0])
    direction_t, length_t = _direction(target[1] - target[0])
    short = _SHORT * pixels.shape[1]
    ratio = (length_s / length_t.clamp_min(short)).clamp(*_STRETCH)
    ratio = ratio.where(length_t >= short, 1.0)[..., None, None]
    x, y = (pixels - target[0][..., None, None]).unbind(2)
    (ex, ey), (tx, ty) = (
        d[..., None, None].unbind(2) for d in (direction_s, direction_t)
    )
    along, across = x * tx + y * ty, y * tx - x * ty
    moved_x, moved_y = (
        source[0][..., 0, None, None] + ratio * along * ex - across * ey,
        source[0][..., 1, None, None] + ratio * along * ey + across * ex,
    )
    beyond = along - along.clamp_min(0).minimum(length_t[..., None, None])
    distance = (beyond.square() + across.square() + _EPS).sqrt()
    return torch.stack([moved_x, moved_y], 2) - pixels, distance


def _direction(step: Tensor) -> tuple[Tensor, Tensor]:
    """Unit vectors (..., 2) and lengths (...); a step of no length points right."""
    still = step.square().sum(-1) < _EPS
    x, y = step.unbind(-1)
    safe = torch.stack([x.where(~still, 1.0), y.where(~still, 0.0)], -1)
    length = safe.norm(dim=-1)
    return safe / length[..., None], length.where(~still, 0.0)


def _similarity(
    source: Tensor, target: Tensor, common: Tensor, pixels: Tensor
) -> Tensor:
    """Displacements (B, 2, H, W) of the similarity that fits the common joints best."""
    weight = common[..., None].to(source.dtype)
    count = weight.sum(1).clamp_min(1)
    mean_s, mean_t = ((x * weight).sum(1) / count for x in (source, target))
    (sx, sy), (tx, ty) = (
        ((x - mean[:, None]) * weight).unbind(-1)
        for x, mean in ((source, mean_s), (target, mean_t))
    )
    spread = (tx.square() + ty.square()).sum(1)
    safe = spread.where(spread > 0, 1.0)
    # The factor a + ib of the complex plane; one joint alone can only be shifted.
    real = ((tx * sx + ty * sy).sum(1) / safe).where(spread > 0, 1.0)
    imaginary = ((tx * sy - ty * sx).sum(1) / safe).where(spread > 0, 0.0)
    a, b = real[:, None, None], imaginary[:, None, None]
    x, y = (pixels - mean_t[..., None, None]).unbind(1)
    moved = torch.stack([a * x - b * y, b * x + a * y], 1) + mean_s[..., None, None]
    return moved - pixels
