"""Images and joints of any size on the canvas of a model, and the result back.

A model works on one canvas size. A picture is scaled to fit it, keeping the person's
proportions, and centred; what stays free repeats the picture's edge.

Some sets are stored squeezed: DeepFashion of 256x176 is widely trained on as 256x256.
``frame`` is the size that such a set had before; a picture then goes onto a canvas of
the frame's shape, and is squeezed with it, so that the model sees the proportions it
was trained on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from .transforms import resize_image

Size = tuple[int, int]


@dataclass(frozen=True)
class Placement:
    """Where a picture lies on a canvas.

    Attributes:
        image_size: (height, width) of the picture itself.
        canvas_size: (height, width) of the canvas.
        box: (top, left, height, width) of the scaled picture on the canvas.
    """

    image_size: Size
    canvas_size: Size
    box: tuple[int, int, int, int]

    @property
    def scale(self) -> tuple[float, float]:
        """Canvas pixels per picture pixel, (vertical, horizontal)."""
        _, _, height, width = self.box
        return height / self.image_size[0], width / self.image_size[1]

    @property
    def relative_box(self) -> tuple[float, float, float, float]:
        """``box`` as fractions of the canvas' height and width."""
        top, left, height, width = self.box
        rows, columns = self.canvas_size
        return top / rows, left / columns, height / rows, width / columns


def fit(image_size: Size, canvas_size: Size, frame: Size | None = None) -> Placement:
    """Place a picture in the middle of a canvas, as large as it goes.

    Args:
        image_size: (height, width) of the picture.
        canvas_size: (height, width) of the canvas.
        frame: (height, width) that the canvas stands for where it was squeezed; None
            where it was not.

    Returns:
        The placement; one that changes nothing where the sizes agree.
    """
    frame = frame or canvas_size
    squeeze = (canvas_size[1] / frame[1]) / (canvas_size[0] / frame[0])
    scale = min(
        canvas_size[0] / image_size[0], canvas_size[1] / (image_size[1] * squeeze)
    )
    height = _pixels(image_size[0] * scale, canvas_size[0])
    width = _pixels(image_size[1] * scale * squeeze, canvas_size[1])
    top, left = (canvas_size[0] - height) // 2, (canvas_size[1] - width) // 2
    return Placement(image_size, canvas_size, (top, left, height, width))


def _pixels(length: float, limit: int) -> int:
    return min(max(round(length), 1), limit)


def place_image(image: np.ndarray, placement: Placement) -> np.ndarray:
    """Draw a picture onto its canvas.

    Args:
        image: (H, W, 3) uint8.
        placement: from `fit` for this size.

    Returns:
        (Hc, Wc, 3) uint8; free space repeats the nearest pixel of the picture's edge.
    """
    top, left, height, width = placement.box
    bottom = placement.canvas_size[0] - top - height
    right = placement.canvas_size[1] - left - width
    scaled = resize_image(image, (height, width))
    return np.pad(scaled, ((top, bottom), (left, right), (0, 0)), mode='edge')


def place_keypoints(keypoints: np.ndarray, placement: Placement) -> np.ndarray:
    """Move joints from the pixels of a picture to those of the canvas.

    Integer coordinates are pixel centres, so half a pixel goes along.

    Args:
        keypoints: (18, 3) x, y, score.
        placement: from `fit` for the picture that the joints belong to.

    Returns:
        (18, 3) float32; missing joints are zero.
    """
    top, left, _, _ = placement.box
    vertical, horizontal = placement.scale
    scale, offset = np.array([horizontal, vertical]), np.array([left, top])
    present = keypoints[:, 2:] > 0
    points = (keypoints[:, :2] + 0.5) * scale - 0.5 + offset
    placed = np.hstack([points, keypoints[:, 2:]])
    return np.where(present, placed, 0).astype(np.float32)


def take_out(canvas: np.ndarray, placement: Placement) -> np.ndarray:
    """Cut a picture out of its canvas again and give it its own size.

    Args:
        canvas: (Hc, Wc, 3) uint8.
        placement: where the picture was put.

    Returns:
        (H, W, 3) uint8 of the picture's size.
    """
    top, left, height, width = placement.box
    part = canvas[top : top + height, left : left + width]
    if part.shape[:2] == placement.image_size:
        return part
    size = placement.image_size[::-1]
    return np.asarray(Image.fromarray(part).resize(size, Image.Resampling.BICUBIC))
