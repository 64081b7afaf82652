"""What a surface looks like before light falls on it: cloth, skin, hair, eyes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from posegen.datasets.synthetic.fabrics import Fabric, sample_tile
from posegen.datasets.synthetic.trims import Trim, blend, cloth_colour


@dataclass(frozen=True)
class Samples:
    """Surface points to be coloured.

    Attributes:
        rest: (N, 3) position in rest pose.
        cloth: (N, 4) cosine and sine around the panel, length along it and distance
            from the nearest hem in metres.
        girth: (N,) metres around the panel.
        panels: (N,) index into :data:`.layers.PANELS`.
        masks: (N, M) skin masks in the order of ``mask_names``.
        footprint: metres that one sample covers.
    """

    rest: np.ndarray
    cloth: np.ndarray
    girth: np.ndarray
    panels: np.ndarray
    masks: np.ndarray
    footprint: float

    @property
    def edge(self) -> np.ndarray:
        """(N,) metres from the nearest hem."""
        return self.cloth[:, 3]

    @property
    def is_front(self) -> np.ndarray:
        """(N,) bool, on the front half of the panel."""
        return self.cloth[:, 0] > 0


@dataclass(frozen=True)
class Cloth:
    """A fabric with its trims, painted in their order."""

    fabric: Fabric
    trims: tuple[Trim, ...] = ()

    @property
    def gloss(self) -> float:
        """Strength of the highlight."""
        return self.fabric.gloss

    def colour(self, samples: Samples) -> np.ndarray:
        """(N, 3) albedo."""
        colour = cloth_colour(self.fabric, samples)
        for trim in self.trims:
            colour = trim.paint(colour, samples)
        return colour


@dataclass(frozen=True)
class Skin:
    """Skin with lips, lids, brows and a little unevenness.

    Attributes:
        tone: (3,) colour.
        brow: (3,) colour of brows and lashes.
        lip: (3,) colour of the lips.
        eyes: (2, 3) centres of the eyeballs in rest pose, left and right.
        eye_radius: metres.
        brow_shape: height over the eye, thickness, slope (metres, metres, ratio).
        noise: (n, n, 1) periodic tile of unit deviation.
        mask_names: columns of :attr:`Samples.masks`.
        mouth: (3,) middle of the lips in rest pose.
        beard: density in [0, 1]; length of the beard in metres is only its look.
    """

    tone: np.ndarray
    brow: np.ndarray
    lip: np.ndarray
    eyes: np.ndarray
    eye_radius: float
    brow_shape: tuple[float, float, float]
    noise: np.ndarray
    mask_names: tuple[str, ...]
    mouth: np.ndarray
    beard: float = 0.0
    gloss = 0.10

    def colour(self, samples: Samples) -> np.ndarray:
        """(N, 3) albedo."""
        rest = samples.rest
        uneven = sample_tile(self.noise, rest[:, 0] / 0.3, rest[:, 2] / 0.3)
        colour = self.tone * (1 + 0.025 * uneven)
        mask = dict(zip(self.mask_names, samples.masks.T))
        flushed = self.tone * np.array([1.04, 0.86, 0.84])
        colour = blend(colour, flushed, 0.5 * mask['ears'])
        colour = blend(colour, self.tone * 0.82, 0.5 * mask['eyelids'])
        if self.beard > 0:
            whiskers = self._whiskers(rest, mask['face'], uneven[:, 0])
            colour = blend(colour, self.brow, self.beard * whiskers)
        colour = blend(colour, self.lip, 0.85 * mask['lips'])
        colour = blend(colour, self.brow, self._lashes(rest, mask['face']))
        return blend(colour, self.brow, 0.85 * self._brows(rest, mask['face']))

    def _whiskers(
        self, rest: np.ndarray, face: np.ndarray, uneven: np.ndarray
    ) -> np.ndarray:
        """Upper lip, chin and jaw up to the ears."""
        x, y, z = (rest - self.mouth).T
        cheek = (
            -0.004 + 0.6 * np.maximum(y - 0.02, 0) + 4.0 * np.maximum(y - 0.02, 0) ** 2
        )
        lip = np.clip((0.026 - np.abs(x)) / 0.008, 0, 1) * (z < 0.017) * (y < 0.02)
        jaw = np.clip((cheek - z) / 0.018 + 0.3, 0, 1)
        below = np.clip((z + 0.075) / 0.02, 0, 1) * (y < 0.085)
        edge = np.clip(1 + 0.15 * uneven, 0, 1)
        return np.maximum(lip, jaw) * below * edge * (face > 0.02)

    def _brows(self, rest: np.ndarray, face: np.ndarray) -> np.ndarray:
        height, thickness, slope = self.brow_shape
        amount = np.zeros(len(rest))
        for centre in self.eyes:
            side = np.sign(centre[0])
            x = (rest[:, 0] - centre[0]) * side
            arch = centre[2] + height + slope * x - 9.0 * (x - 0.004) ** 2
            width = thickness * (1 - 0.45 * np.clip(x / 0.03, -0.3, 1))
            inside = np.clip(1.5 - np.abs(rest[:, 2] - arch) / width, 0, 1)
            ends = np.clip((0.0265 - np.abs(x - 0.003)) / 0.006, 0, 1)
            amount = np.maximum(amount, inside * ends)
        return amount * (face > 0.05) * (rest[:, 1] < self.eyes[:, 1].max())

    def _lashes(self, rest: np.ndarray, face: np.ndarray) -> np.ndarray:
        amount = np.zeros(len(rest))
        for centre in self.eyes:
            offset = rest - centre
            gap = np.linalg.norm(offset, axis=1) - self.eye_radius
            near = np.clip(1.4 - gap / 0.0016, 0, 1) * (offset[:, 1] < 0)
            upper = np.where(offset[:, 2] > -0.001, 0.9, 0.35)
            amount = np.maximum(amount, near * upper)
        return amount * (face > 0.05)


@dataclass(frozen=True)
class Eyes:
    """Eyeballs: white, iris, pupil and a spark.

    Attributes:
        iris: (3,) colour.
        centres: (2, 3) of the eyeballs in rest pose.
        radius: metres.
    """

    iris: np.ndarray
    centres: np.ndarray
    radius: float
    gloss = 0.35

    def colour(self, samples: Samples) -> np.ndarray:
        """(N, 3) albedo."""
        side = (samples.rest[:, 0] < 0).astype(int)
        offset = samples.rest - self.centres[side]
        off_axis = np.hypot(offset[:, 0], offset[:, 2]) / self.radius
        colour = np.broadcast_to(np.array([0.90, 0.88, 0.86]), (len(side), 3))
        colour = blend(colour, self.iris, np.clip((0.52 - off_axis) * 12, 0, 1))
        return blend(colour, np.zeros(3) + 0.03, np.clip((0.24 - off_axis) * 14, 0, 1))


@dataclass(frozen=True)
class Hair:
    """Strands: streaks along the hang of the hair.

    Attributes:
        tone: (3,) colour.
        streaks: (n, n, 1) periodic tile of unit deviation, strands along v.
        centre: (3,) middle of the skull.
    """

    tone: np.ndarray
    streaks: np.ndarray
    centre: np.ndarray
    gloss = 0.18

    def colour(self, samples: Samples) -> np.ndarray:
        """(N, 3) albedo."""
        offset = samples.rest - self.centre
        turn = np.arctan2(offset[:, 0], -offset[:, 1]) / (2 * np.pi)
        streak = sample_tile(self.streaks, turn * 3, offset[:, 2] / 0.25)
        strength = np.clip(0.003 / max(samples.footprint, 1e-6), 0.3, 1.0)
        return np.clip(self.tone * (1 + 0.22 * strength * streak), 0, 1)


@dataclass(frozen=True)
class Shoe:
    """A shoe with a sole, and laces if it has them.

    Attributes:
        upper, sole: (3,) colours.
        floor: z of the ground in rest pose.
        thickness: metres of the sole.
        laces: paint pale laces over the instep.
    """

    upper: np.ndarray
    sole: np.ndarray
    floor: float
    thickness: float
    laces: bool = False
    gloss = 0.15

    def colour(self, samples: Samples) -> np.ndarray:
        """(N, 3) albedo."""
        height = samples.rest[:, 2] - self.floor
        soft = max(samples.footprint / 2, 1e-4)
        colour = np.broadcast_to(self.upper, samples.rest.shape)
        if self.laces:
            rows = np.abs((height / 0.011) % 1 - 0.5) < 0.22
            on_top = (height > 0.05) & (height < 0.11) & (samples.cloth[:, 0] > 0.85)
            pale = 0.75 + 0.25 * self.upper
            strength = 0.5 * np.clip(0.006 / samples.footprint, 0, 1)
            colour = blend(colour, pale, strength * (rows & on_top))
        share = np.clip((self.thickness - height) / soft + 0.5, 0, 1)
        return blend(colour, self.sole, share)


@dataclass(frozen=True)
class Plain:
    """One colour: rims of glasses, lenses."""

    tone: np.ndarray
    gloss: float

    def colour(self, samples: Samples) -> np.ndarray:
        """(N, 3) albedo."""
        return np.broadcast_to(self.tone, samples.rest.shape)


Material = Cloth | Skin | Eyes | Hair | Shoe | Plain
