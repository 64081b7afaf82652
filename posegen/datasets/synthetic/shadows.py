"""The shadow that a person casts on the floor and on a wall behind."""

from __future__ import annotations

import cv2
import numpy as np

from posegen.datasets.synthetic.camera import Camera
from posegen.datasets.synthetic.figure import Posed
from posegen.datasets.synthetic.render import Light

#: Every n-th vertex casts; the mask is made at this share of the picture's size.
_STEP, _SHRINK = 5, 4


def cast_shadow(posed: Posed, light: Light, camera: Camera, wall: float) -> np.ndarray:
    """How much of the main light the person keeps from what is behind.

    Args:
        posed: the person; the lowest point stands on the floor.
        light: the main light.
        camera: where it is seen from.
        wall: meters from the person to the wall.

    Returns:
        (H, W) float32 in [0, 1], soft.
    """
    points = posed.points[::_STEP]
    floor = float(posed.points[:, 2].min())
    low = points[points[:, 2] < floor + 0.5]
    near = _splat(_on_floor(low, np.array([0.0, 0.0, 1.0]), floor), camera, 0.006)
    if light.direction[2] < 0.12 or light.direction[1] > 0:
        return 0.7 * near
    ground = _on_floor(points, light.direction, floor)
    reach = np.maximum(ground[:, 1] - points[:, 1], 1e-6)
    share = np.clip((wall - points[:, 1]) / reach, 0, 1)[:, None]
    fallen = points + share * (ground - points)
    far = _splat(fallen, camera, 0.012 + 0.04 * light.softness)
    return np.maximum(0.7 * near, far)


def _on_floor(points: np.ndarray, towards: np.ndarray, floor: float) -> np.ndarray:
    rise = (points[:, 2] - floor) / towards[2]
    return points - rise[:, None] * towards


def _splat(points: np.ndarray, camera: Camera, softness: float) -> np.ndarray:
    """(H, W) soft mask of points; ``softness`` in picture heights."""
    height, width = camera.size
    pixels, _ = camera.project(points)
    rows, columns = height // _SHRINK + 1, width // _SHRINK + 1
    cells = np.rint(pixels / _SHRINK)
    inside = ((cells >= 0) & (cells < (columns, rows))).all(1)
    flat = (cells[inside] @ (1, columns)).astype(np.int64)
    count = np.bincount(flat, minlength=rows * columns).reshape(rows, columns)
    blur = max(softness * height / _SHRINK, 0.6)
    mask = cv2.GaussianBlur((count > 0).astype(np.float32), (0, 0), blur)
    scale = np.array([[_SHRINK, 0, 0], [0, _SHRINK, 0]], np.float64)
    return cv2.warpAffine(np.clip(1.3 * mask, 0, 1), scale, (width, height))
