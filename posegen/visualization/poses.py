"""Pictures of poses: coloured limbs and joints on black."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw
from torch import Tensor

from posegen.codecs.joints import LIMBS

# The right side is warm, the left side cold, the middle grey to white, so that a
# swapped side shows at a glance. One colour a joint, in the order of JOINT_NAMES.
JOINT_COLORS: tuple[tuple[int, int, int], ...] = (
    (255, 255, 255),  # nose
    (190, 190, 190),  # neck
    (255, 40, 40),  # right arm: red to yellow
    (255, 120, 0),
    (255, 205, 0),
    (0, 200, 60),  # left arm: green to cyan
    (0, 215, 150),
    (0, 225, 225),
    (255, 0, 110),  # right leg: pink to violet
    (235, 60, 190),
    (255, 140, 220),
    (30, 70, 255),  # left leg: blues
    (50, 130, 255),
    (120, 190, 255),
    (255, 170, 130),  # right eye
    (150, 230, 190),  # left eye
    (215, 110, 70),  # right ear
    (70, 170, 120),  # left ear
)

_OVERSAMPLING = 4
_LIMB_BRIGHTNESS = 0.65


def draw_pose(keypoints: Tensor | np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Draw the limbs and joints that are present, anti-aliased, on black.

    A limb has the darkened colour of its outer joint. Widths follow the height of
    the picture, so that a pose looks alike at every resolution.

    Args:
        keypoints: (18, 3) x, y in pixels (integers are pixel centres) and score;
            a joint is present if and only if its score is above 0.
        size: Height and width of the picture in pixels.

    Returns:
        uint8 (H, W, 3) RGB.
    """
    joints = np.asarray(keypoints, dtype=np.float64)
    if joints.shape != (18, 3):
        raise ValueError(f'keypoints must be (18, 3), got {joints.shape}')
    height, width = size
    canvas = Image.new('RGB', (width * _OVERSAMPLING, height * _OVERSAMPLING))
    pen = ImageDraw.Draw(canvas)
    points = (joints[:, :2] + 0.5) * _OVERSAMPLING - 0.5
    radius = max(height / 60, 1.0) * _OVERSAMPLING
    present = joints[:, 2] > 0
    for start, end in LIMBS:
        if present[start] and present[end]:
            color = tuple(int(_LIMB_BRIGHTNESS * c) for c in JOINT_COLORS[end])
            line = [tuple(points[start]), tuple(points[end])]
            pen.line(line, fill=color, width=round(1.3 * radius))
    for point, color in zip(points[present], np.array(JOINT_COLORS)[present]):
        box = [tuple(np.ceil(point - radius)), tuple(np.floor(point + radius))]
        pen.ellipse(box, fill=tuple(int(c) for c in color))
    return np.asarray(canvas.reduce(_OVERSAMPLING))
