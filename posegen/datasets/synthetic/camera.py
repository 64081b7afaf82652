"""Perspective cameras and the framings of fashion and street photos."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Camera:
    """A pinhole camera at ``position``, looking along ``rotation``'s third row.

    Pixel coordinates have pixel centres at integers: the upper left pixel is seen
    exactly at (0, 0).

    Attributes:
        size: (height, width) in pixels.
        focal: pixels per unit of the viewing tangent.
        centre: (x, y) pixel where the optical axis meets the picture.
        position: (3,) metres.
        rotation: (3, 3) rows: right, down, forward in the world.
    """

    size: tuple[int, int]
    focal: float
    centre: np.ndarray
    position: np.ndarray
    rotation: np.ndarray

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """World points (N, 3) -> pixels (N, 2) as x, y, and depth (N,) in metres."""
        local = (points - self.position) @ self.rotation.T
        depth = local[:, 2]
        return self.focal * local[:, :2] / depth[:, None] + self.centre, depth

    def rays(self, pixels: np.ndarray) -> np.ndarray:
        """Pixels (N, 2) as x, y -> unit directions (N, 3) in the world."""
        local = np.ones((len(pixels), 3))
        local[:, :2] = (pixels - self.centre) / self.focal
        local /= np.linalg.norm(local, axis=1, keepdims=True)
        return local @ self.rotation


def pixel_grid(size: tuple[int, int], samples: int = 1) -> np.ndarray:
    """Sampling positions of a picture.

    Args:
        size: (height, width).
        samples: per pixel and direction, evenly spread over the pixel's area.

    Returns:
        (height * samples * width * samples, 2) x, y, row by row of the fine grid.
    """
    rows, columns = (
        (np.arange(length * samples) + 0.5) / samples - 0.5 for length in size
    )
    x, y = np.meshgrid(columns, rows)
    return np.stack([x.ravel(), y.ravel()], 1)


def look(distance: float, pitch: float, size: tuple[int, int]) -> Camera:
    """A camera in front of the origin, at unit focal length.

    Args:
        distance: metres from the origin.
        pitch: radians; positive looks down from above.
        size: (height, width) of the picture.
    """
    c, s = np.cos(pitch), np.sin(pitch)
    rotation = np.array([[1, 0, 0], [0, -s, -c], [0, c, -s]])
    centre = np.array([(size[1] - 1) / 2, (size[0] - 1) / 2])
    return Camera(size, 1.0, centre, -distance * rotation[2], rotation)


def frame(
    camera: Camera,
    points: np.ndarray,
    fill: tuple[float, float],
    shift: tuple[float, float] = (0.0, 0.0),
) -> Camera:
    """Zoom and shift so that points fill a share of the picture.

    Args:
        camera: from :func:`look`.
        points: (N, 3) what must be in the picture.
        fill: largest share of the (height, width) that the points may take.
        shift: (x, y) of the points' centre from the picture's, as shares of its size.
    """
    pixels, _ = replace(camera, focal=1.0, centre=np.zeros(2)).project(points)
    low, high = pixels.min(0), pixels.max(0)
    height, width = camera.size
    focal = min(fill[0] * height / (high - low)[1], fill[1] * width / (high - low)[0])
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    middle = middle + np.array(shift) * (width, height)
    return replace(camera, focal=focal, centre=middle - focal * (low + high) / 2)
