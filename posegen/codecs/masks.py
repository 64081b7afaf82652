"""The person mask of mask-SSIM and its relatives, drawn from joints alone."""

from __future__ import annotations

import numpy as np
from skimage.draw import disk, polygon
from skimage.morphology import dilation, erosion

from .joints import LIMBS, NUM_JOINTS

MASK_LIMBS: tuple[tuple[int, int], ...] = (
    *LIMBS,
    *((1, 16), (1, 17), (8, 11), (11, 5), (8, 2), (16, 17)),
)
"""The body's limbs and six more that close the outline of head and trunk."""

RADIUS = 4  # pixels, at every image size
_CLOSING = np.ones((5, 5), dtype=np.uint8)


def pose_mask(keypoints: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Mask of a person as the published Market-1501 scores use it.

    Every limb whose two joints are present is a rectangle of half width 4, every
    present joint a disc of radius 4, and the union is closed with a 5x5 square. Pixels
    outside the frame are ignored by both steps of the closing. scikit-image draws it,
    so it is bit-equal to the masks behind published mask-SSIM numbers.

    Args:
        keypoints: ``(18, 3)`` x, y, score in pixels of ``size``.
        size: ``(height, width)``.

    Returns:
        ``(H, W)`` bool; all False for nobody.
    """
    keypoints = np.asarray(keypoints, dtype=np.float64)
    if keypoints.shape != (NUM_JOINTS, 3):
        raise ValueError(f'keypoints must be ({NUM_JOINTS}, 3), got {keypoints.shape}')
    points, present = keypoints[:, 1::-1], keypoints[:, 2] > 0
    mask = np.zeros(size, dtype=np.uint8)
    for a, b in MASK_LIMBS:
        if present[a] and present[b]:
            mask[_limb_pixels(points[a], points[b], size)] = 1
    for joint in points[present]:
        mask[disk(joint, RADIUS, shape=size)] = 1
    return erosion(dilation(mask, _CLOSING), _CLOSING).astype(bool)


def _limb_pixels(
    start: np.ndarray, end: np.ndarray, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of a limb's rectangle; none where the limb has no length."""
    step = end - start
    length = np.linalg.norm(step)
    if length == 0:
        return np.empty(0, dtype=int), np.empty(0, dtype=int)
    side = RADIUS * np.array([-step[1], step[0]]) / length
    corners = np.stack([start + side, start - side, end - side, end + side])
    return polygon(corners[:, 0], corners[:, 1], shape=size)
