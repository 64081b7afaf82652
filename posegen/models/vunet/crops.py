"""Crops of body parts, straightened: what VU-Net knows of a person's appearance."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from posegen.utils.errors import ConfigError

#: Part -> its two joints, where a part is the surrounding of one segment.
LIMB_PARTS = dict(
    left_upper_arm=(5, 6),
    left_forearm=(6, 7),
    right_upper_arm=(2, 3),
    right_forearm=(3, 4),
    left_thigh=(11, 12),
    left_shin=(12, 13),
    right_thigh=(8, 9),
    right_shin=(9, 10),
)
#: Parts that may end at the border of the image when their second joint is missing.
THIGHS = ('left_thigh', 'right_thigh')
PART_NAMES = ('torso', 'head', *LIMB_PARTS)
#: The eight parts of the published DeepFashion model.
DEFAULT_CROPS = tuple(name for name in PART_NAMES if not name.endswith('_shin'))

_NOSE, _R_SHOULDER, _L_SHOULDER, _R_HIP, _L_HIP = 0, 2, 5, 8, 11
_TORSO = [_L_SHOULDER, _L_HIP, _R_HIP, _R_SHOULDER]
_SHOULDERS = [_L_SHOULDER, _R_SHOULDER]
_LIMB_HALF_WIDTH, _HEAD_HALF_WIDTH = 0.25, 0.5  # of the segment's length


def check_parts(parts: Sequence[str]) -> tuple[str, ...]:
    """``parts`` as a tuple.

    Raises:
        ConfigError: It is empty, a plain string, or names a part that is not known.
    """
    if isinstance(parts, str) or not parts or not set(parts) <= set(PART_NAMES):
        raise ConfigError(
            f'parts must list names out of {", ".join(PART_NAMES)}; got {parts!r}.'
        )
    return tuple(parts)


def part_quads(
    keypoints: Tensor, size: tuple[int, int], parts: Sequence[str] = DEFAULT_CROPS
) -> tuple[Tensor, Tensor]:
    """Four corners around each part, as the published VU-Net places them.

    The torso spans shoulders and hips. A limb is a rectangle around its two joints,
    half as wide as it is long; a thigh whose knee is missing reaches from the hip
    straight down to the last row. The head is a square that stands on the middle of the
    shoulders and reaches twice as far as the nose; without a nose it stands on the line
    between the shoulders.

    Args:
        keypoints: (B, 18, 3) x, y, score in pixels.
        size: (height, width) of the image.
        parts: Names out of :data:`PART_NAMES`.

    Returns:
        ``quads`` (B, P, 4, 2) x, y of the corners that go to the upper left, lower
        left, lower right and upper right of a crop, zeros where the part is absent;
        ``present`` (B, P) bool.
    """
    seen = keypoints[..., 2] > 0
    exact = torch.promote_types(keypoints.dtype, torch.float32)
    points = keypoints[..., :2].to(exact).where(seen[..., None], 0.0)
    found = [_finder(name)(points, seen, size[0]) for name in parts]
    quads, present = (torch.stack(column, dim=1) for column in zip(*found))
    return quads.where(present[..., None, None], 0.0), present


def part_crops(
    image: Tensor,
    keypoints: Tensor,
    crop_size: tuple[int, int],
    parts: Sequence[str] = DEFAULT_CROPS,
) -> Tensor:
    """Cut parts out and straighten them with a perspective warp.

    Bilinear; beyond the image its edge is repeated.

    Args:
        image: (B, C, H, W), in [-1, 1].
        keypoints: (B, 18, 3) x, y, score in pixels of ``image``.
        crop_size: (h, w) of a crop.
        parts: Names out of :data:`PART_NAMES`.

    Returns:
        (B, P * C, h, w), the channels of one part together; 0, which is mid grey, where
        a part is absent.
    """
    height, width = image.shape[-2:]
    quads, present = part_quads(keypoints, (height, width), parts)
    places = _places_in(quads, crop_size)
    last = places.new_tensor([width - 1, height - 1])
    # Also ends what a quad seen edge-on brings: positions without bounds.
    grid = (places / last * 2 - 1).nan_to_num(0.0).clamp(-1, 1)
    crops = F.grid_sample(
        image,
        grid.flatten(1, 2).to(image.dtype),
        padding_mode='border',
        align_corners=True,
    )
    crops = crops.unflatten(2, (len(parts), crop_size[0])).transpose(1, 2)
    return (crops * present[:, :, None, None, None]).flatten(1, 2)


#: (points (B, 18, 2), seen (B, 18), image height) -> quad (B, 4, 2), present (B,).
_Finder = Callable[[Tensor, Tensor, int], tuple[Tensor, Tensor]]


def _finder(name: str) -> _Finder:
    if name == 'torso':
        return _torso
    if name == 'head':
        return _head
    start, end = LIMB_PARTS[name]
    if name in THIGHS:
        return lambda *args: _thigh(*args, start, end)
    return lambda *args: _limb(*args, start, end)


def _torso(points: Tensor, seen: Tensor, height: int) -> tuple[Tensor, Tensor]:
    return points[:, _TORSO], seen[:, _TORSO].all(1)


def _head(points: Tensor, seen: Tensor, height: int) -> tuple[Tensor, Tensor]:
    left, right = points[:, _SHOULDERS].unbind(1)
    neck = (left + right) / 2
    top = neck + 2 * (points[:, _NOSE] - neck)
    side = _HEAD_HALF_WIDTH * _normal(neck, top)
    square = torch.stack([top - side, neck - side, neck + side, top + side], dim=1)
    up = _normal(left, right)
    up = torch.where(up[:, 1:] > 0, -up, up)
    on_shoulders = torch.stack([left + up, left, right, right + up], dim=1)
    quad = square.where(seen[:, _NOSE, None, None], on_shoulders)
    return quad, seen[:, _SHOULDERS].all(1)


def _limb(
    points: Tensor, seen: Tensor, height: int, start: int, end: int
) -> tuple[Tensor, Tensor]:
    return _around(points[:, start], points[:, end]), seen[:, [start, end]].all(1)


def _thigh(
    points: Tensor, seen: Tensor, height: int, start: int, end: int
) -> tuple[Tensor, Tensor]:
    hip = points[:, start]
    below = torch.stack([hip[:, 0], torch.full_like(hip[:, 1], height - 1)], dim=1)
    knee = points[:, end].where(seen[:, end, None], below)
    return _around(hip, knee), seen[:, start]


def _around(start: Tensor, end: Tensor) -> Tensor:
    """Corners (B, 4, 2) of the rectangle around segments (B, 2)."""
    side = _LIMB_HALF_WIDTH * _normal(start, end)
    return torch.stack([start + side, start - side, end - side, end + side], dim=1)


def _normal(start: Tensor, end: Tensor) -> Tensor:
    """(B, 2), as long as the segment."""
    dx, dy = (end - start).unbind(1)
    return torch.stack([-dy, dx], dim=1)


def _places_in(quads: Tensor, crop_size: tuple[int, int]) -> Tensor:
    """Where the pixels of crops lie in the image: (B, P, 4, 2) -> (B, P, h, w, 2).

    The projective map of the unit square onto a quad (Heckbert 1989), read at u / w and
    v / h for the pixel (u, v).
    """
    height, width = crop_size
    p00, p01, p11, p10 = quads.unbind(2)
    first, second = p10 - p11, p01 - p11
    rest = p00 - p10 + p11 - p01
    det = _cross(first, second)
    flat = det.abs() < 1e-6  # a line or a point has no perspective
    det = torch.where(flat, 1.0, det)
    g = torch.where(flat, 0.0, _cross(rest, second) / det)[..., None]
    h = torch.where(flat, 0.0, _cross(first, rest) / det)[..., None]
    right, down = p10 - p00 + g * p10, p01 - p00 + h * p01
    u = torch.arange(width, device=quads.device) / width
    v = torch.arange(height, device=quads.device)[:, None] / height
    depth = (g * u)[..., None, :] + h[..., None] * v + 1

    def along(axis: int) -> Tensor:
        r, d, origin = (t[..., axis, None, None] for t in (right, down, p00))
        return (r * u + d * v + origin) / depth

    return torch.stack([along(0), along(1)], dim=-1)


def _cross(a: Tensor, b: Tensor) -> Tensor:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
