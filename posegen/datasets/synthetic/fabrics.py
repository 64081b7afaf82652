"""Procedural fabrics: periodic colour tiles with a mip pyramid.

A tile is one repeat of a cloth, coordinates u along the weft and v along the warp in
repeats. Patterns are anti-aliased by the pyramid, so that a fine stripe far away
becomes its mean colour and not noise.
"""

from __future__ import annotations

import colorsys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

TILE = 128


@dataclass(frozen=True)
class Fabric:
    """A cloth.

    Attributes:
        name: the pattern's name.
        mips: tiles (n, n, 3) float32 in [0, 1], n = 128, 64, ..., 1.
        repeat: metres that one tile covers.
        gloss: strength of the highlight, 0 matt.
    """

    name: str
    mips: tuple[np.ndarray, ...]
    repeat: float
    gloss: float = 0.05

    def colour(self, u: np.ndarray, v: np.ndarray, footprint: float) -> np.ndarray:
        """Colours (N, 3) at repeats u, v, seen at ``footprint`` metres a sample."""
        level = np.log2(max(footprint / self.repeat * TILE, 1.0))
        level = min(level, len(self.mips) - 1.0)
        low = int(level)
        high = min(low + 1, len(self.mips) - 1)
        blend = np.float32(level - low)
        near = sample_tile(self.mips[low], u, v)
        return near + blend * (sample_tile(self.mips[high], u, v) - near)

    @property
    def mean(self) -> np.ndarray:
        """(3,) mean colour."""
        return self.mips[-1][0, 0]


def sample_tile(tile: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Bilinear samples (N, k) of a periodic tile (n, n, k) at repeats u, v."""
    n = len(tile)
    x, y = u * n - 0.5, v * n - 0.5
    x0, y0 = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    fx, fy = (x - x0).astype(np.float32)[:, None], (y - y0).astype(np.float32)[:, None]
    x1, y1 = (x0 + 1) % n, (y0 + 1) % n
    x0, y0 = x0 % n, y0 % n
    top = tile[y0, x0] * (1 - fx) + tile[y0, x1] * fx
    return top * (1 - fy) + (tile[y1, x0] * (1 - fx) + tile[y1, x1] * fx) * fy


def pyramid(tile: np.ndarray) -> tuple[np.ndarray, ...]:
    """Halve a square power-of-two tile down to one texel, averaging 2 x 2."""
    levels = [tile.astype(np.float32)]
    while len(levels[-1]) > 1:
        t = levels[-1]
        levels.append((t[::2, ::2] + t[1::2, ::2] + t[::2, 1::2] + t[1::2, 1::2]) / 4)
    return tuple(levels)


def clothing_colour(rng: np.random.Generator) -> np.ndarray:
    """(3,) RGB as people wear: mostly dull, often near black, white, blue or beige."""
    kind = rng.random()
    if kind < 0.35:
        value = rng.choice([0.12, 0.22, 0.35, 0.55, 0.75, 0.92]) + rng.normal(0, 0.03)
        hue, saturation = rng.random(), rng.uniform(0, 0.08)
    elif kind < 0.5:
        hue, saturation = rng.normal(0.61, 0.03), rng.uniform(0.25, 0.65)
        value = rng.uniform(0.18, 0.7)
    elif kind < 0.6:
        hue, saturation = rng.normal(0.09, 0.02), rng.uniform(0.2, 0.5)
        value = rng.uniform(0.4, 0.85)
    else:
        hue, saturation = rng.random(), rng.uniform(0.15, 0.75)
        value = rng.uniform(0.3, 0.92)
    return np.array(
        colorsys.hsv_to_rgb(hue % 1, saturation, np.clip(value, 0.07, 0.95))
    )


def looks_like_skin(colour: np.ndarray, skin: np.ndarray) -> bool:
    """Whether a garment of this colour could be taken for bare skin of that tone.

    Light and shade change the brightness, so hue and saturation decide and the
    brightness has to be far off.
    """
    hue, saturation, value = colorsys.rgb_to_hsv(*np.clip(colour, 0, 1))
    skin_hue, skin_saturation, skin_value = colorsys.rgb_to_hsv(*np.clip(skin, 0, 1))
    turn = abs((hue - skin_hue + 0.5) % 1 - 0.5)
    near = turn < 0.06 and abs(saturation - skin_saturation) < 0.24
    return near and 0.5 < value / max(skin_value, 1e-6) < 1.8


def second_colour(
    rng: np.random.Generator, first: np.ndarray, skin: np.ndarray | None = None
) -> np.ndarray:
    """A clothing colour that can be told from the first, and from skin if given."""
    for _ in range(40):
        colour = clothing_colour(rng)
        clothed = skin is None or not looks_like_skin(colour, skin)
        if clothed and np.abs(colour - first).sum() > 0.45:
            return colour
    return np.full(3, 0.08 if np.mean(first) > 0.5 else 0.92)


def _grid() -> tuple[np.ndarray, np.ndarray]:
    t = (np.arange(TILE) + 0.5) / TILE
    return np.meshgrid(t, t)


def smooth_noise(rng: np.random.Generator, cells: int, octaves: int = 3) -> np.ndarray:
    """(TILE, TILE) periodic noise of zero mean and unit deviation."""
    frequency = np.fft.fftfreq(TILE) * TILE
    radius = np.hypot(*np.meshgrid(frequency, frequency))
    band = sum(
        np.exp(-(((radius - cells * 2**o) / (0.6 * cells * 2**o)) ** 2)) / 2**o
        for o in range(octaves)
    )
    spectrum = np.fft.fft2(rng.standard_normal((TILE, TILE))) * band
    spectrum[0, 0] = 0
    noise = np.fft.ifft2(spectrum).real
    return noise / noise.std()


def _mix(mask: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return first + np.clip(mask, 0, 1)[..., None] * (second - first)


def _band(x: np.ndarray, count: int, duty: float) -> np.ndarray:
    """Soft-edged periodic bands: 1 on ``duty`` of each of ``count`` periods."""
    phase = np.abs((x * count) % 1 - 0.5) * 2
    return np.clip((duty - phase) * TILE / (2 * count) + 0.5, 0, 1)


def _plain(rng: np.random.Generator, first: np.ndarray) -> np.ndarray:
    return np.broadcast_to(first, (TILE, TILE, 3))


def _stripes(rng: np.random.Generator, first: np.ndarray) -> np.ndarray:
    x, y = _grid()
    along = y if rng.random() < 0.65 else x
    count = int(rng.choice([2, 3, 4, 6, 8]))
    second = second_colour(rng, first)
    tile = _mix(_band(along, count, rng.uniform(0.25, 0.65)), first, second)
    if rng.random() < 0.25:
        third = second_colour(rng, second)
        tile = _mix(
            _band(along + 0.5 / count, count, 0.12)[..., None][..., 0], tile, third
        )
    return tile


def _plaid(rng: np.random.Generator, first: np.ndarray) -> np.ndarray:
    x, y = _grid()
    count = int(rng.choice([2, 3, 4]))
    second, third = second_colour(rng, first), second_colour(rng, first)
    wide = _band(x, count, 0.5) * 0.5 + _band(y, count, 0.5) * 0.5
    thin = np.maximum(_band(x + 0.2, count, 0.1), _band(y + 0.2, count, 0.1))
    return _mix(0.6 * thin, _mix(wide, first, second), third)


def _dots(rng: np.random.Generator, first: np.ndarray) -> np.ndarray:
    x, y = _grid()
    count = int(rng.choice([3, 4, 6]))
    row = np.floor(y * 2 * count)
    u = (x * count + 0.5 * (row % 2)) % 1 - 0.5
    v = (y * 2 * count) % 1 - 0.5
    radius = rng.uniform(0.2, 0.32)
    mask = np.clip((radius - np.hypot(u, v / 2)) * TILE / count / 1.5 + 0.5, 0, 1)
    return _mix(mask, first, second_colour(rng, first))


def _print(rng: np.random.Generator, first: np.ndarray) -> np.ndarray:
    tile = np.array(np.broadcast_to(first, (TILE, TILE, 3)))
    colours = [second_colour(rng, first) for _ in range(3)]
    x, y = _grid()
    for _ in range(int(rng.integers(26, 44))):
        cx, cy, size = rng.random(), rng.random(), rng.uniform(0.035, 0.08)
        dx, dy = (x - cx + 0.5) % 1 - 0.5, (y - cy + 0.5) % 1 - 0.5
        angle = np.arctan2(dy, dx) + rng.uniform(0, 6.3)
        petal = size * (0.65 + 0.35 * np.cos(5 * angle))
        distance = np.hypot(dx, dy)
        colour = colours[rng.integers(3)]
        tile = _mix(np.clip((petal - distance) * TILE + 0.5, 0, 1), tile, colour)
        heart = np.clip((0.25 * size - distance) * TILE + 0.5, 0, 1)
        tile = _mix(heart, tile, colour * 0.4 + 0.55)
    return tile


def _camouflage(rng: np.random.Generator, first: np.ndarray) -> np.ndarray:
    tile = np.array(np.broadcast_to(first, (TILE, TILE, 3)))
    for shade in (0.55, 1.35, 0.3):
        mask = (smooth_noise(rng, 3) - 0.45) * 6
        tile = _mix(mask, tile, np.clip(first * shade, 0, 1))
    return tile


def _denim(rng: np.random.Generator, first: np.ndarray) -> np.ndarray:
    x, y = _grid()
    blue = np.array(
        colorsys.hsv_to_rgb(0.6, rng.uniform(0.35, 0.6), rng.uniform(0.2, 0.6))
    )
    base = blue if rng.random() < 0.8 else np.full(3, rng.uniform(0.1, 0.3))
    twill = 0.16 * np.sin(2 * np.pi * 24 * (x + y))
    wash = 0.06 * smooth_noise(rng, 2)
    return base * (1 + twill + wash)[..., None]


def _knit(rng: np.random.Generator, first: np.ndarray) -> np.ndarray:
    x, y = _grid()
    count = int(rng.choice([8, 12, 16]))
    loops = np.sin(2 * np.pi * count * x) * 0.5
    rows = np.sin(2 * np.pi * (2 * count * y + 0.5 * np.sin(2 * np.pi * count * x)))
    return first * (1 + 0.16 * (loops + rows))[..., None]


def _melange(rng: np.random.Generator, first: np.ndarray) -> np.ndarray:
    fibres = smooth_noise(rng, 16, 2) + 0.5 * rng.standard_normal((TILE, TILE))
    return first * (1 + 0.10 * fibres)[..., None]


def _herringbone(rng: np.random.Generator, first: np.ndarray) -> np.ndarray:
    x, y = _grid()
    zigzag = np.abs((x * 6) % 1 - 0.5) * 2
    mask = _band(y + zigzag / 12, 12, 0.5)
    shade = 1.5 if first.mean() < 0.3 else 0.72
    return _mix(mask, first, np.clip(first * shade, 0, 1))


def _argyle(rng: np.random.Generator, first: np.ndarray) -> np.ndarray:
    x, y = _grid()
    second, third = second_colour(rng, first), second_colour(rng, first)
    u, v = (x * 3) % 1 - 0.5, (y * 2) % 1 - 0.5
    diamond = np.clip((0.46 - np.abs(u) - np.abs(v)) * TILE / 4, 0, 1)
    checker = (np.floor(x * 3) + np.floor(y * 2)) % 2
    tile = _mix(diamond * checker, first, second)
    lines = np.minimum(np.abs(np.abs(u) - np.abs(v)), 0.5)
    return _mix(np.clip((0.02 - lines) * TILE / 2 + 0.5, 0, 0.8), tile, third)


def _tie_dye(rng: np.random.Generator, first: np.ndarray) -> np.ndarray:
    second, third = second_colour(rng, first), second_colour(rng, first)
    tile = _mix(0.5 + 0.7 * smooth_noise(rng, 2, 2), first, second)
    return _mix(smooth_noise(rng, 3, 2) - 0.4, tile, third * 0.5 + 0.4)


def _leopard(rng: np.random.Generator, first: np.ndarray) -> np.ndarray:
    ground = np.array([0.76, 0.58, 0.36]) * rng.uniform(0.8, 1.1)
    spots = np.abs(smooth_noise(rng, 9, 1))
    ring = np.clip((0.35 - np.abs(spots - 1.15)) * 6, 0, 1)
    heart = np.clip((spots - 1.4) * 5, 0, 1)
    return _mix(ring, _mix(heart, ground, ground * 0.72), np.array([0.12, 0.08, 0.06]))


def _leather(rng: np.random.Generator, first: np.ndarray) -> np.ndarray:
    tones = np.array([[0.06, 0.06, 0.065], [0.24, 0.14, 0.09], [0.42, 0.27, 0.16]])
    tone = tones[rng.choice(3, p=[0.6, 0.25, 0.15])]
    return tone * (1 + 0.05 * smooth_noise(rng, 12, 2))[..., None]


_PATTERNS: dict[str, Callable[[np.random.Generator, np.ndarray], np.ndarray]] = {
    'plain': _plain,
    'stripes': _stripes,
    'plaid': _plaid,
    'dots': _dots,
    'print': _print,
    'camouflage': _camouflage,
    'denim': _denim,
    'knit': _knit,
    'melange': _melange,
    'herringbone': _herringbone,
    'argyle': _argyle,
    'tie_dye': _tie_dye,
    'leopard': _leopard,
    'leather': _leather,
}
_GLOSS = {'leather': 0.35, 'denim': 0.03, 'knit': 0.02, 'melange': 0.02}
PATTERNS = tuple(_PATTERNS)


def make_fabric(
    rng: np.random.Generator,
    pattern: str,
    colour: np.ndarray | None = None,
    skin: np.ndarray | None = None,
) -> Fabric:
    """Weave a cloth.

    Args:
        rng: source of randomness for colours and the pattern's parameters.
        pattern: one of :data:`PATTERNS`.
        colour: (3,) ground colour; drawn when not given.
        skin: (3,) a tone that the cloth must not be taken for; it is woven anew until
            it is not, and navy blue where the pattern has no such colours.
    """
    fabric = _weave(rng, pattern, clothing_colour(rng) if colour is None else colour)
    for _ in range(16):
        if skin is None or not looks_like_skin(fabric.mean, skin):
            return fabric
        fabric = _weave(rng, pattern, clothing_colour(rng))
    return _weave(rng, 'plain', np.array([0.12, 0.15, 0.28]))


def _weave(rng: np.random.Generator, pattern: str, colour: np.ndarray) -> Fabric:
    tile = _PATTERNS[pattern](rng, np.asarray(colour))
    fine = 1 + 0.03 * rng.standard_normal((TILE, TILE, 1))
    cloudy = 1 + 0.02 * smooth_noise(rng, 3)[..., None]
    tile = np.clip(tile * fine * cloudy, 0, 1)
    repeat = float(rng.uniform(0.16, 0.34))
    return Fabric(pattern, pyramid(tile), repeat, _GLOSS.get(pattern, 0.05))
