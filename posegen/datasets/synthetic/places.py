"""Places for the varied look: one larger picture that all views of a person cut from.

A place is drawn once, wider than any view needs, and each view cuts its window out of
it, so that what a person uncovers is the same in every picture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from posegen.datasets.synthetic import rooms, streets
from posegen.datasets.synthetic.canvas import Canvas

#: How often each kind of place is drawn.
KINDS = {'studio': 0.38, 'wall': 0.14, 'room': 0.20, 'street': 0.28}
#: How far the drawing reaches beyond the base picture, in its widths and heights.
MARGINS = (0.6, 0.25)


@dataclass(frozen=True)
class Place:
    """What is behind a person.

    Attributes:
        kind: key of :data:`KINDS`.
        picture: (h, w, 3) float32 in [0, 1].
        scale: pixels of the picture per pixel of the base picture.
        origin: (x, y) pixel of the picture at the base picture's first pixel.
        wall: meters from the person to the wall behind, for its shadow.
        shadow: strength of the cast shadow in [0, 1].
    """

    kind: str
    picture: np.ndarray
    scale: float
    origin: np.ndarray
    wall: float
    shadow: float

    def window(
        self, size: tuple[int, int], zoom: float, shift: np.ndarray
    ) -> np.ndarray:
        """What a view shows of the place.

        Args:
            size: (height, width) of the view.
            zoom: pixels of the view per pixel of the base picture.
            shift: (2,) the view's pixel at the base picture's first pixel.

        Returns:
            (H, W, 3) float32 in [0, 1].
        """
        step = self.scale / zoom
        start = self.origin - np.asarray(shift) * step
        picture = self.picture
        if step > 1:
            picture = cv2.GaussianBlur(picture, (0, 0), 0.4 * step)
        matrix = np.array([[step, 0, start[0]], [0, step, start[1]]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        height, width = size
        return cv2.warpAffine(
            picture, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT
        )


def sample_place(
    rng: np.random.Generator,
    size: tuple[int, int],
    floor: float,
    horizon: float,
    scale: float = 1.25,
    kind: str | None = None,
) -> Place:
    """Draw a place.

    Args:
        rng: source of randomness.
        size: (height, width) of the base picture, which shows a whole body.
        floor: share of the base picture's height at which the feet stand.
        horizon: share of the height of the horizon; may be outside.
        scale: pixels of the drawing per pixel of the base picture.
        kind: key of :data:`KINDS`; drawn when not given.
    """
    if kind is None:
        kind = str(rng.choice(list(KINDS), p=list(KINDS.values())))
    height, width = size
    margin = np.array([MARGINS[0] * width, MARGINS[1] * height]) * scale
    full = np.rint(np.array([height, width]) * scale + 2 * margin[::-1]).astype(int)
    canvas = Canvas(
        tuple(full), (width * scale, height * scale), tuple(margin), np.full(3, 0.5)
    )
    wall = _DRAW[kind](rng, canvas, floor, horizon)
    blur = sample_blur(rng, kind) * height * scale
    picture = np.clip(canvas.picture, 0, 1)
    picture = cv2.GaussianBlur(picture, (0, 0), max(blur, 0.6))
    shadow = float(rng.uniform(0.1, 0.6)) if rng.random() < 0.75 else 0.0
    return Place(kind, picture, scale, margin, wall, shadow)


def sample_blur(rng: np.random.Generator, kind: str) -> float:
    """Standard deviation of the depth blur in picture heights."""
    if kind in ('studio', 'wall') or rng.random() < 0.35:
        return float(rng.uniform(0.0, 0.004))
    return float(np.exp(rng.uniform(np.log(0.003), np.log(0.035))))


_DRAW: dict[str, Callable[[np.random.Generator, Canvas, float, float], float]] = {
    'studio': rooms.draw_studio,
    'wall': rooms.draw_wall,
    'room': rooms.draw_room,
    'street': streets.draw_street,
}
