"""A drawing board for places: boxes, polygons and textures in shares of a picture."""

from __future__ import annotations

import cv2
import numpy as np

from posegen.datasets.synthetic.fabrics import smooth_noise

#: Subpixel bits of OpenCV's drawing functions.
_SHIFT = 4


class Canvas:
    """A float picture that is drawn on in the coordinates of a base picture.

    (0, 0) is the base picture's upper left corner, (1, 1) its lower right one; the
    canvas reaches beyond it on all sides.

    Args:
        size: (height, width) of the canvas in pixels.
        scale: (x, y) pixels of the canvas per unit.
        origin: (x, y) of the base picture's corner in pixels of the canvas.
        color: (3,) that it is filled with, in [0, 1].
    """

    def __init__(
        self,
        size: tuple[int, int],
        scale: tuple[float, float],
        origin: tuple[float, float],
        color: np.ndarray,
    ) -> None:
        self.picture = np.empty((*size, 3), np.float32)
        self.picture[:] = color
        self.scale = np.array(scale)
        self.origin = np.array(origin)

    @property
    def left(self) -> float:
        """x of the left edge."""
        return float(-self.origin[0] / self.scale[0])

    @property
    def right(self) -> float:
        """x of the right edge."""
        return float((self.picture.shape[1] - self.origin[0]) / self.scale[0])

    @property
    def top(self) -> float:
        """y of the upper edge."""
        return float(-self.origin[1] / self.scale[1])

    @property
    def bottom(self) -> float:
        """y of the lower edge."""
        return float((self.picture.shape[0] - self.origin[1]) / self.scale[1])

    @property
    def aspect(self) -> float:
        """Height of one unit of y in units of x."""
        return float(self.scale[1] / self.scale[0])

    def _pixels(self, points: np.ndarray) -> np.ndarray:
        pixels = np.asarray(points) * self.scale + self.origin
        pixels = np.clip(pixels, -4000, 4000)
        return np.rint(pixels * 2**_SHIFT).astype(np.int32)

    def polygon(self, points: np.ndarray, color: np.ndarray) -> None:
        """Fill a polygon (N, 2)."""
        corners = self._pixels(points)[None]
        cv2.fillPoly(self.picture, corners, _tuple(color), cv2.LINE_8, _SHIFT)

    def box(
        self, x: float, y: float, width: float, height: float, color: np.ndarray
    ) -> None:
        """Fill a rectangle."""
        corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
        self.polygon(np.array(corners), color)

    def ellipse(
        self, x: float, y: float, width: float, height: float, color: np.ndarray
    ) -> None:
        """Fill an ellipse about its middle; width and height are its half axes."""
        turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        points = np.stack([x + width * np.cos(turn), y + height * np.sin(turn)], 1)
        self.polygon(points, color)

    def line(self, points: np.ndarray, color: np.ndarray, width: float = 0.0) -> None:
        """Draw a line through points (N, 2), ``width`` in units of x."""
        thick = max(int(round(width * self.scale[0])), 1)
        path = self._pixels(points)[None]
        cv2.polylines(
            self.picture, path, False, _tuple(color), thick, cv2.LINE_8, _SHIFT
        )

    def rows(self, start: float, stop: float) -> slice:
        """The rows of pixels between two y."""
        low, high = (
            int(np.clip(y * self.scale[1] + self.origin[1], 0, len(self.picture)))
            for y in (start, stop)
        )
        return slice(low, max(high, low))

    def shade(self, factor: np.ndarray, rows: slice = slice(None)) -> None:
        """Multiply rows by a factor (h, w)."""
        self.picture[rows] *= factor[..., None]

    def texture(
        self,
        rng: np.random.Generator,
        strength: float,
        cells: int,
        rows: slice = slice(None),
        stretch: float = 1.0,
    ) -> None:
        """Multiply rows by noise.

        Args:
            rng: source of randomness.
            strength: standard deviation of the factor.
            cells: bumps over the canvas's width.
            rows: see :meth:`rows`.
            stretch: how much longer the bumps are along x than along y.
        """
        height, width = self.picture[rows].shape[:2]
        if height == 0:
            return
        tile = smooth_noise(rng, cells).astype(np.float32)
        tall = min(max(int(len(tile) * height * stretch / width), 8), 4 * len(tile))
        tile = np.tile(tile, (4, 1))[:tall]
        noise = cv2.resize(tile, (width, height), interpolation=cv2.INTER_CUBIC)
        self.shade(1 + np.float32(strength) * noise, rows)

    def fade(self, x: float, y: float, rows: slice = slice(None)) -> None:
        """Darken rows linearly: by ``x`` from left to right, by ``y`` downwards."""
        height, width = self.picture[rows].shape[:2]
        across = np.linspace(-0.5, 0.5, width, dtype=np.float32)
        down = np.linspace(-0.5, 0.5, height, dtype=np.float32)
        factor = (1 - np.float32(y) * down)[:, None] * (1 - np.float32(x) * across)
        self.shade(factor, rows)


def _tuple(color: np.ndarray) -> tuple[float, ...]:
    return tuple(float(value) for value in np.clip(color, 0, 1))
