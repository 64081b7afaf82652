"""Frames that keypoints are in: resized pictures, and DeepFashion's cropped canvas."""

from __future__ import annotations

import numpy as np

SCALINGS = ('gfla', 'center')

#: Widths of the two canvases that DeepFashion's joints are published on.
FRAMES = (256, 176)
#: Where the narrow canvas begins: columns 40 to 215 of the wide one.
CROP_LEFT = 40


def scale_keypoints(
    keypoints: np.ndarray,
    from_size: tuple[int, int],
    to_size: tuple[int, int],
    scaling: str = 'gfla',
) -> np.ndarray:
    """Move keypoints from one frame to another, as a resize of the image does.

    Args:
        keypoints: ``(..., J, 3)`` x, y, score in pixels of ``from_size``.
        from_size: ``(height, width)`` of the frame they were annotated in.
        to_size: ``(height, width)`` of the frame they are wanted in.
        scaling: 'gfla' is ``int(x * s)``, the published way, which cuts off fractions
            even when nothing is scaled; 'center' is ``(x + 0.5) * s - 0.5``, where
            pixel centres go to pixel centres, as image resizing has it.

    Returns:
        ``(..., J, 3)`` float32; missing joints are zeros.
    """
    if scaling not in SCALINGS:
        raise ValueError(f"scaling must be one of {SCALINGS}, got '{scaling}'")
    keypoints = np.asarray(keypoints)
    (from_height, from_width), (to_height, to_width) = from_size, to_size
    scale = np.array([to_width / from_width, to_height / from_height])
    points = keypoints[..., :2].astype(np.float64)
    if scaling == 'gfla':
        points = np.trunc(points * scale)
    else:
        points = (points + 0.5) * scale - 0.5
    score = keypoints[..., 2:]
    points = np.where(score > 0, points, 0.0)
    return np.concatenate([points, score], axis=-1, dtype=np.float32)


def move_frame(keypoints: np.ndarray, from_frame: int, to_frame: int) -> np.ndarray:
    """Move joints between DeepFashion's canvases, 256x256 and its 176 wide crop.

    The published crop takes 40 from x and leaves y alone. A joint left of the crop gets
    a negative x there, which is a place, not a mark: it stays present, and moving it
    back is exact. The published crop, being in integers, has one exception: x = 39
    becomes -1, which its readers take as missing. Here the joint stays present; a file
    format that marks missing joints with -1 cannot hold it.

    Args:
        keypoints: ``(..., J, 3)`` x, y, score.
        from_frame: width of the canvas that they are on, 256 or 176.
        to_frame: width of the canvas that they are wanted on, 256 or 176.

    Returns:
        ``(..., J, 3)`` float32; missing joints are zeros.
    """
    for frame in (from_frame, to_frame):
        if frame not in FRAMES:
            raise ValueError(f'a frame must be one of {FRAMES}, got {frame!r}')
    keypoints = np.array(keypoints, dtype=np.float32)
    shift = CROP_LEFT * (int(from_frame == 176) - int(to_frame == 176))
    keypoints[..., 0] += shift
    return np.where(keypoints[..., 2:] > 0, keypoints, np.float32(0))
