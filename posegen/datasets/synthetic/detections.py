"""Joints as a pose estimator gives them: shaken, sometimes missing, rarely swapped."""

from __future__ import annotations

import numpy as np

#: Standard deviation of the usual error in picture heights.
JITTER = 0.006
#: Share of the joints that are far off, and by how many times the usual error.
OUTLIERS, OUTLIER_SCALE = 0.04, 4.0
#: Share of the joints that are not found.
MISSING = 0.03
#: Share of the views in which both arms or both legs change sides.
SWAPPED = 0.02
#: Right and left limb in OpenPose order.
_LIMBS = (((2, 3, 4), (5, 6, 7)), ((8, 9, 10), (11, 12, 13)))


def estimated_joints(
    rng: np.random.Generator, joints: np.ndarray, size: tuple[int, int]
) -> np.ndarray:
    """Joints with an estimator's errors.

    Args:
        rng: source of randomness.
        joints: (18, 2) int64 true x, y in pixels, -1 missing.
        size: (height, width) of the picture.

    Returns:
        (18, 2) int64 x, y inside the picture; -1, -1 for missing joints.
    """
    found = joints[:, :1] >= 0
    deviation = JITTER * size[0] * np.exp(rng.normal(0, 0.25))
    far = np.where(rng.random((len(joints), 1)) < OUTLIERS, OUTLIER_SCALE, 1.0)
    shaken = joints + deviation * far * rng.standard_normal(joints.shape)
    marked = np.clip(np.rint(shaken), 0, (size[1] - 1, size[0] - 1)).astype(np.int64)
    lost = rng.random((len(joints), 1)) < MISSING
    marked = np.where(found & ~lost, marked, -1)
    if rng.random() < SWAPPED:
        right, left = (list(side) for side in _LIMBS[rng.integers(2)])
        marked[right + left] = marked[left + right]
    return marked
