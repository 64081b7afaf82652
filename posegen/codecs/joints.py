"""The canonical joints: OpenPose's 18 of COCO, as every published list of the field.

A person is a float32 array ``(18, 3)`` of x, y, score in pixels, where integer
coordinates are pixel centres. A joint is present if and only if its score is positive;
missing joints are stored as zeros.

Some published label lists name 14-17 left before right. The annotations themselves say
otherwise (index 16 lies on the side of the right shoulder), and so do we.
"""

from __future__ import annotations

JOINT_NAMES: tuple[str, ...] = (
    'nose',
    'neck',
    'right_shoulder',
    'right_elbow',
    'right_wrist',
    'left_shoulder',
    'left_elbow',
    'left_wrist',
    'right_hip',
    'right_knee',
    'right_ankle',
    'left_hip',
    'left_knee',
    'left_ankle',
    'right_eye',
    'left_eye',
    'right_ear',
    'left_ear',
)

NUM_JOINTS: int = len(JOINT_NAMES)

LIMBS: tuple[tuple[int, int], ...] = (
    (1, 2),
    (2, 3),
    (3, 4),
    (1, 5),
    (5, 6),
    (6, 7),
    (1, 8),
    (8, 9),
    (9, 10),
    (1, 11),
    (11, 12),
    (12, 13),
    (1, 0),
    (0, 14),
    (14, 16),
    (0, 15),
    (15, 17),
)
"""The 17 limbs of the body as pairs of joint indices."""

LEFT_RIGHT_PAIRS: tuple[tuple[int, int], ...] = (
    (5, 2),
    (6, 3),
    (7, 4),
    (11, 8),
    (12, 9),
    (13, 10),
    (15, 14),
    (17, 16),
)
"""(left, right) joints that change places when an image is mirrored."""

DEFAULT_PARTS: dict[str, tuple[int, ...]] = dict(
    head=(0, 1, 14, 15, 16, 17),
    torso=(1, 2, 3, 4, 5, 6, 7, 8, 11),
    leg=(8, 9, 10, 11, 12, 13),
)
"""The paper's three parts; neighbours share the joints where they meet."""
