"""How the varied look's photographers frame a person, and what they keep of a place."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from posegen.datasets.synthetic.camera import Camera, frame, look
from posegen.datasets.synthetic.figure import Posed

#: Range of the share of the body's height that a framing leaves out below.
FRAMINGS = {
    'full': (0.0, 0.0),
    'knees': (0.2, 0.34),
    'half': (0.36, 0.55),
    'head': (0.64, 0.74),
}
_WIDE_ODDS = (0.44, 0.21, 0.28, 0.07)
_NARROW_ODDS = (0.78, 0.1, 0.1, 0.02)
#: How often a person's views all share one framing.
_SAME_FRAMING = 0.7


@dataclass(frozen=True)
class Window:
    """The part of a place that a view shows, see :meth:`.places.Place.window`."""

    zoom: float
    shift: np.ndarray

    def near(self, other: Window) -> bool:
        """Whether both show the same up to a shake of 3 pixels and 2 percent."""
        ratio = abs(self.zoom / other.zoom - 1)
        return bool(ratio < 0.02 and np.abs(self.shift - other.shift).max() < 3)


def sample_framing(rng: np.random.Generator, size: tuple[int, int]) -> str:
    """Draw a key of :data:`FRAMINGS`; narrow pictures mostly show the whole body."""
    odds = _WIDE_ODDS if size[1] > 0.7 * size[0] else _NARROW_ODDS
    return str(rng.choice(list(FRAMINGS), p=odds))


def next_framing(rng: np.random.Generator, usual: str, size: tuple[int, int]) -> str:
    """The framing of one view of a person whose usual one is given."""
    return usual if rng.random() < _SAME_FRAMING else sample_framing(rng, size)


def sample_base(
    rng: np.random.Generator,
    standing: Posed,
    size: tuple[int, int],
    pitch: float,
    distance: float,
    small: bool,
) -> Camera:
    """A camera that shows the whole standing person.

    Args:
        rng: source of randomness.
        standing: the person with hanging arms.
        size: (height, width) of the pictures.
        pitch: degrees, positive from above.
        distance: meters.
        small: the picture is a tight crop, as in surveillance.
    """
    fill = rng.uniform(0.86, 0.98) if small else rng.uniform(0.68, 0.94)
    camera = frame(
        look(distance, np.radians(pitch), size), standing.points, (fill, 0.98)
    )
    slack = (1 - fill) * size[0]
    return replace(camera, centre=camera.centre + (0, slack * rng.uniform(-0.25, 0.4)))


def aim(
    rng: np.random.Generator, base: Camera, posed: Posed, framing: str, small: bool
) -> Camera:
    """The camera of one view: the base camera, zoomed and moved to a framing."""
    low, high = _span(posed)
    drop = float(rng.uniform(*FRAMINGS[framing]))
    cut = low + drop * (high - low)
    height, width = base.size
    base_rows = _rows(base, np.array([low, high]))
    feet, fill = base_rows[0] / height, (base_rows[0] - base_rows[1]) / height
    if framing == 'full':
        zoom = np.exp(rng.normal(0, 0.03))
        bottom = feet + (rng.uniform(0.0, 0.06) if rng.random() < 0.15 else 0)
    else:
        zoom = rng.uniform(0.82, 0.97) / (fill * (1 - drop))
        bottom = 1.0
    camera = replace(base, focal=base.focal * zoom)
    if small or rng.random() < 0.8:
        above = posed.points[posed.points[:, 2] > cut - 0.02]
        room = bottom if framing == 'full' else 0.99
        camera = replace(
            camera, focal=min(camera.focal, frame(base, above, (room, 0.97)).focal)
        )
    flat = replace(camera, centre=np.zeros(2))
    pixels, _ = flat.project(posed.points)
    inside = pixels[posed.points[:, 2] > cut]
    row = _rows(flat, np.array([cut]))[0]
    middle = (inside[:, 0].min() + inside[:, 0].max()) / 2
    shift = _off_center(rng) * width
    centre = np.array([(width - 1) / 2 + shift - middle, bottom * height - 0.5 - row])
    return replace(camera, centre=centre)


def _off_center(rng: np.random.Generator) -> float:
    wide = rng.random() < 0.12
    return float(rng.uniform(-0.16, 0.16) if wide else rng.normal(0, 0.03))


def _span(posed: Posed) -> tuple[float, float]:
    """z of the lowest point and about of the crown, whatever the arms do."""
    nose = posed.joints[0, 2]
    return float(posed.points[:, 2].min()), float(nose + 0.16)


def _rows(camera: Camera, heights: np.ndarray) -> np.ndarray:
    """Rows at which points above the origin are seen."""
    points = np.zeros((len(heights), 3))
    points[:, 2] = heights
    return camera.project(points)[0][:, 1]


def window_of(base: Camera, camera: Camera) -> Window:
    """The window that moves and zooms exactly as the camera does."""
    origin = np.zeros((1, 3))
    zoom = camera.focal / base.focal
    here, there = camera.project(origin)[0][0], base.project(origin)[0][0]
    return Window(float(zoom), here - zoom * there)


def next_window(
    rng: np.random.Generator, before: Window | None, own: Window, size: tuple[int, int]
) -> Window:
    """The window of a view, given that of an earlier view with the same framing.

    Mostly the camera stands still and the person moves; at times it shakes by some
    pixels; else it follows the person.
    """
    kind = rng.random()
    if before is None or kind < 0.06:
        return own
    if kind < 0.78:
        return before
    wide = kind > 0.95
    zoom = float(np.exp(rng.normal(0, 0.04 if wide else 0.008)))
    move = rng.normal(0, 0.06 if wide else 0.01, 2) * (size[1], size[0])
    middle = np.array([size[1], size[0]]) / 2
    return Window(before.zoom * zoom, middle + zoom * (before.shift - middle) + move)
