"""What a tailor adds to a cloth: hems, ribs, buttons, zips, stripes, prints, belts.

A trim paints over the colours of a cloth at surface points. Lines are softened by the
size of a sample, so that they fade with distance and do not flicker.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from posegen.datasets.synthetic.fabrics import Fabric, sample_tile

if TYPE_CHECKING:
    from posegen.datasets.synthetic.materials import Samples


class Trim(Protocol):
    """Anything that paints over a cloth's colours."""

    def paint(self, colour: np.ndarray, samples: Samples) -> np.ndarray:
        """New colours (N, 3) from colours (N, 3) at surface points."""


def blend(colour: np.ndarray, other: np.ndarray, amount: np.ndarray) -> np.ndarray:
    """Colours (N, 3) moved towards another colour by amounts (N,)."""
    return colour + amount[:, None] * (other - colour)


def cover(distance: np.ndarray, half_width: float, footprint: float) -> np.ndarray:
    """How much of a sample a line covers.

    Args:
        distance: (N,) metres from the line's middle.
        half_width: metres.
        footprint: metres that one sample covers.
    """
    soft = max(footprint, 1e-4)
    thin = min(1.0, 2 * half_width / soft)
    return thin * np.clip((half_width - np.abs(distance)) / soft + 0.5, 0, 1)


@dataclass(frozen=True)
class Hem:
    """A seam along every edge: a fine dark line ``width`` metres inside it."""

    width: float = 0.018
    shade: float = 0.72

    def paint(self, colour: np.ndarray, samples: Samples) -> np.ndarray:
        """Paint the seam."""
        line = cover(samples.edge - self.width, 0.0012, samples.footprint)
        rim = cover(samples.edge, 0.002, samples.footprint)
        return blend(colour, colour * self.shade, np.maximum(line, 0.6 * rim))


@dataclass(frozen=True)
class Rib:
    """Knitted cuffs and waistbands of another colour within ``width`` of the edge."""

    width: float
    tone: np.ndarray

    def paint(self, colour: np.ndarray, samples: Samples) -> np.ndarray:
        """Paint the ribs."""
        turn = np.arctan2(samples.cloth[:, 1], samples.cloth[:, 0]) / (2 * np.pi)
        count = np.rint(samples.girth / 0.008)
        strength = 0.14 * np.clip(0.003 / samples.footprint - 0.3, 0, 1)
        ribs = self.tone * (1 + strength * np.sin(2 * np.pi * count * turn))[:, None]
        inside = cover(samples.edge, self.width, samples.footprint)
        return blend(colour, ribs, inside)


@dataclass(frozen=True)
class Placket:
    """Buttons down the front.

    Attributes:
        top, bottom: z of the first and the last button.
        buttons: how many.
        tone: (3,) colour of the buttons.
    """

    top: float
    bottom: float
    buttons: int
    tone: np.ndarray

    def paint(self, colour: np.ndarray, samples: Samples) -> np.ndarray:
        """Paint the strip's edges and the buttons."""
        x, z = samples.rest[:, 0], samples.rest[:, 2]
        front = samples.is_front & (z < self.top + 0.03) & (z > self.bottom - 0.05)
        edges = cover(np.abs(x) - 0.016, 0.0012, samples.footprint) * front
        colour = blend(colour, colour * 0.68, edges)
        for height in np.linspace(self.top, self.bottom, self.buttons):
            button = cover(np.hypot(x, z - height), 0.0062, samples.footprint)
            colour = blend(colour, self.tone, button * front)
        return colour


@dataclass(frozen=True)
class Zip:
    """A zip down the front, from the top to z ``bottom``."""

    bottom: float
    tone: np.ndarray

    def paint(self, colour: np.ndarray, samples: Samples) -> np.ndarray:
        """Paint the teeth and the shadow beside them."""
        x, z = samples.rest[:, 0], samples.rest[:, 2]
        front = samples.is_front & (z > self.bottom)
        shadow = cover(x, 0.011, samples.footprint) * front
        colour = blend(colour, colour * 0.7, shadow)
        return blend(colour, self.tone, cover(x, 0.004, samples.footprint) * front)


@dataclass(frozen=True)
class SideStripe:
    """``count`` stripes down the outer side of the limbs in ``panels``."""

    width: float
    tone: np.ndarray
    panels: tuple[int, ...]
    count: int = 1

    def paint(self, colour: np.ndarray, samples: Samples) -> np.ndarray:
        """Paint the stripes."""
        outward = samples.cloth[:, 1] * np.sign(samples.rest[:, 0])
        angle = np.arctan2(samples.cloth[:, 0], outward)
        distance = angle * samples.girth / (2 * np.pi)
        mine = np.isin(samples.panels, self.panels)
        for index in range(self.count):
            middle = (index - (self.count - 1) / 2) * 1.9 * self.width
            line = cover(distance - middle, self.width / 2, samples.footprint)
            colour = blend(colour, self.tone, line * mine)
        return colour


@dataclass(frozen=True)
class Sleeves:
    """Sleeves of another cloth."""

    fabric: Fabric
    panels: tuple[int, ...]

    def paint(self, colour: np.ndarray, samples: Samples) -> np.ndarray:
        """Paint the sleeves."""
        mine = np.isin(samples.panels, self.panels)
        if not mine.any():
            return colour
        return np.where(mine[:, None], cloth_colour(self.fabric, samples), colour)


@dataclass(frozen=True)
class Block:
    """Another cloth below (or above) a height of the trunk; sleeves stay."""

    fabric: Fabric
    height: float
    below: bool = True

    def paint(self, colour: np.ndarray, samples: Samples) -> np.ndarray:
        """Paint the block."""
        rise = samples.rest[:, 2] - self.height
        rise = -rise if self.below else rise
        share = np.clip(rise / max(samples.footprint, 1e-4) + 0.5, 0, 1)
        share = share * (samples.panels == 0)
        return blend(colour, cloth_colour(self.fabric, samples), share)


@dataclass(frozen=True)
class Bands:
    """Broad bands around trunk and sleeves between given heights (a rugby shirt)."""

    heights: tuple[float, ...]
    width: float
    tone: np.ndarray

    def paint(self, colour: np.ndarray, samples: Samples) -> np.ndarray:
        """Paint the bands."""
        for height in self.heights:
            band = cover(samples.rest[:, 2] - height, self.width / 2, samples.footprint)
            colour = blend(colour, self.tone, band)
        return colour


@dataclass(frozen=True)
class Belt:
    """A belt with a buckle.

    Attributes:
        height: z of its middle.
        tone, metal: (3,) colours.
        width: metres.
    """

    height: float
    tone: np.ndarray
    metal: np.ndarray
    width: float = 0.034

    def paint(self, colour: np.ndarray, samples: Samples) -> np.ndarray:
        """Paint strap and buckle."""
        x, z = samples.rest[:, 0], samples.rest[:, 2] - self.height
        colour = blend(colour, self.tone, cover(z, self.width / 2, samples.footprint))
        frame = np.maximum(np.abs(x) / 0.024, np.abs(z) / 0.02)
        ring = cover((frame - 0.82) * 0.022, 0.004, samples.footprint)
        return blend(colour, self.metal, ring * samples.is_front)


@dataclass(frozen=True)
class ChestPrint:
    """A picture on the chest.

    Attributes:
        centre: (x, z) metres.
        size: metres of its sides.
        mips: (n, n, 4) RGBA tiles, the first row at the top.
    """

    centre: tuple[float, float]
    size: float
    mips: tuple[np.ndarray, ...]

    def paint(self, colour: np.ndarray, samples: Samples) -> np.ndarray:
        """Paint the picture."""
        u = (samples.rest[:, 0] - self.centre[0]) / self.size + 0.5
        v = (self.centre[1] - samples.rest[:, 2]) / self.size + 0.5
        inside = (u > 0) & (u < 1) & (v > 0) & (v < 1) & samples.is_front
        texels = samples.footprint / self.size * len(self.mips[0])
        level = int(np.clip(np.rint(np.log2(max(texels, 1))), 0, len(self.mips) - 3))
        picture = sample_tile(self.mips[level], u, v)
        return blend(colour, picture[:, :3], picture[:, 3] * inside)


@dataclass(frozen=True)
class Jeans:
    """Fly, pockets and seams of trousers.

    Attributes:
        hip: z of the hip joints; waist: z of the waistband's upper edge.
        stitch: factor on the cloth's colour along the lines, above 1 for contrast.
    """

    hip: float
    waist: float
    stitch: float = 0.7

    def paint(self, colour: np.ndarray, samples: Samples) -> np.ndarray:
        """Paint the lines."""
        x, z = samples.rest[:, 0], samples.rest[:, 2]
        side, size = np.abs(x), samples.footprint
        band = cover(z - (self.waist - 0.04), 0.0015, size)
        fly = cover(x - 0.004, 0.0015, size) * (z > self.hip - 0.04) * samples.is_front
        opening = self.waist - 0.05 - 7.0 * np.maximum(side - 0.085, 0) ** 1.5
        slash = cover(z - opening + 1.2 * (side - 0.10), 0.002, size)
        slash = slash * (side > 0.085) * (z > self.hip - 0.02) * samples.is_front
        frame = np.maximum(
            np.abs(side - 0.075) / 0.05, np.abs(z - self.hip - 0.02) / 0.055
        )
        patch = cover((frame - 1) * 0.05, 0.002, size) * ~samples.is_front
        legs = cover(samples.cloth[:, 0] * samples.girth / 6.3, 0.0015, size)
        lines = np.maximum.reduce([band, fly, slash, patch, 0.6 * legs])
        return blend(colour, np.clip(colour * self.stitch, 0, 1), lines)


@dataclass(frozen=True)
class Lapels:
    """Lapels of a jacket: flaps beside the opening, from the neck down to z ``end``."""

    start: float
    end: float
    opening: float

    def paint(self, colour: np.ndarray, samples: Samples) -> np.ndarray:
        """Paint the flaps a little lighter, with a dark rim and a notch."""
        x, z = np.abs(samples.rest[:, 0]), samples.rest[:, 2]
        t = np.clip((z - self.end) / (self.start - self.end), 0, 1)
        notch = 0.018 * (np.abs(t - 0.72) < 0.03)
        outer = self.opening + 0.085 * t**0.8 - notch
        inside = (x < outer) & (t > 0) & samples.is_front
        rim = cover(x - outer, 0.0022, samples.footprint) * (t > 0) * samples.is_front
        return blend(np.where(inside[:, None], colour * 1.1, colour), colour * 0.5, rim)


def cloth_colour(fabric: Fabric, samples: Samples) -> np.ndarray:
    """(N, 3) colours of a fabric at surface points."""
    turn = np.arctan2(samples.cloth[:, 1], samples.cloth[:, 0]) / (2 * np.pi)
    repeats = np.maximum(np.rint(samples.girth / fabric.repeat), 1)
    u, v = turn * repeats, samples.cloth[:, 2] / fabric.repeat
    return fabric.colour(u, v, samples.footprint)


def emblem(
    rng: np.random.Generator, ground: np.ndarray, tone: np.ndarray, side: int = 64
) -> np.ndarray:
    """(side, side, 4) RGBA picture for a chest: a shape, a letter block or lines."""
    t = (np.arange(side) + 0.5) / side - 0.5
    x, y = np.meshgrid(t, t)
    kind = rng.choice(['disc', 'star', 'box', 'text', 'chevrons', 'rings'])
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    spikes = int(rng.integers(3, 8))
    shapes = {
        'disc': 0.4 - radius,
        'star': 0.27 + 0.13 * np.cos(spikes * angle) - radius,
        'box': 0.38 - np.maximum(np.abs(x), 1.6 * np.abs(y)),
        'text': _letters(rng, x, y),
        'chevrons': 0.06
        - np.abs((y + np.abs(x) + 0.5) % 0.25 - 0.125)
        - (radius > 0.42),
        'rings': 0.05 - np.abs(radius - 0.3) + (radius < 0.14) * 0.2,
    }
    mask = np.clip(shapes[str(kind)] * side + 0.5, 0, 1)
    inner = np.clip((0.2 - radius) * side + 0.5, 0, 1) * (rng.random() < 0.5)
    second = 0.5 * ground + 0.5 * (1 - tone)
    colour = tone + inner[..., None] * (second - tone)
    return np.concatenate([colour, mask[..., None]], 2)


def _letters(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A word seen from afar: rows of blocks with gaps."""
    rows = int(rng.integers(1, 4))
    columns = rng.random((rows, 40)) < 0.62
    height = 0.16
    row = np.floor((y + rows * height / 2) / height).astype(int)
    column = np.clip(((x + 0.5) * 40).astype(int), 0, 39)
    inside = (row >= 0) & (row < rows) & (np.abs(x) < 0.44)
    inside &= ((y + rows * height / 2) % height) < 0.11
    return np.where(inside & columns[np.clip(row, 0, rows - 1), column], 0.1, -0.1)
