"""Clothes and hair of the varied look: duller cloth, folds, prints, softer hairlines.

It repaints a person that is dressed already: the geometry and the truth stay.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from posegen.datasets.synthetic import cuts, trims
from posegen.datasets.synthetic.fabrics import (
    TILE,
    Fabric,
    clothing_colour,
    looks_like_skin,
    make_fabric,
    pyramid,
    sample_tile,
    second_colour,
    smooth_noise,
)
from posegen.datasets.synthetic.figure import Figure
from posegen.datasets.synthetic.layers import PANELS
from posegen.datasets.synthetic.materials import Cloth, Hair, Material, Samples, Skin
from posegen.datasets.synthetic.surface import smoothstep
from posegen.datasets.synthetic.trims import Trim, blend

_ARMS = (PANELS.index('arm.L'), PANELS.index('arm.R'))


def restyle(rng: np.random.Generator, figure: Figure) -> Figure:
    """The same person in the varied look's cloth, skin and hair."""
    skin = figure.materials['skin']
    assert isinstance(skin, Skin)
    folds = sample_folds(rng)
    materials: dict[str, Material] = {}
    for name, material in figure.materials.items():
        if isinstance(material, Cloth):
            material = _cloth(rng, figure, name, material, skin.tone)
            material = replace(material, trims=(*material.trims, folds))
        elif isinstance(material, Hair):
            material = soft_hair(rng, material, skin.tone)
        materials[name] = material
    return replace(figure, materials=materials)


def _cloth(
    rng: np.random.Generator, figure: Figure, name: str, cloth: Cloth, skin: np.ndarray
) -> Cloth:
    """Duller at times; tops, outers and bottoms may get another pattern or a print."""
    if name not in ('top', 'outer', 'bottom'):
        return cloth
    if rng.random() < 0.65:
        cloth = replace(cloth, fabric=_dulled(cloth.fabric, rng.uniform(0, 0.85), skin))
    if rng.random() < (0.05 if name == 'bottom' else 0.13):
        cloth = replace(cloth, fabric=print_fabric(rng, skin))
    if name == 'bottom':
        return cloth
    return replace(cloth, trims=(*cloth.trims, *_extras(rng, figure, cloth, skin)))


def _dulled(fabric: Fabric, keep: float, skin: np.ndarray) -> Fabric:
    """``keep`` of the saturation, unless the cloth then looks like skin."""
    mips = tuple(
        (mip.mean(-1, keepdims=True) * (1 - keep) + mip * keep).astype(np.float32)
        for mip in fabric.mips
    )
    dull = replace(fabric, mips=mips)
    return fabric if looks_like_skin(dull.mean, skin) else dull


def _extras(
    rng: np.random.Generator, figure: Figure, cloth: Cloth, skin: np.ndarray
) -> list[Trim]:
    """A print on the chest or the back, two tones, other sleeves."""
    body, ground = figure.body, cloth.fabric.mean
    chest = body.heads['upperarm01.L'][2] - rng.uniform(0.08, 0.16)
    painted: list[Trim] = []
    if rng.random() < 0.12:
        other = make_fabric(rng, 'plain', second_colour(rng, ground, skin))
        height = cuts.hip_height(body) + rng.uniform(0.12, 0.4)
        painted.append(trims.Block(other, float(height), bool(rng.random() < 0.6)))
    if rng.random() < 0.07:
        other = make_fabric(rng, 'plain', second_colour(rng, ground, skin))
        painted.append(trims.Sleeves(other, _ARMS))
    plain = cloth.fabric.name in ('plain', 'melange', 'denim', 'knit')
    has_print = any(isinstance(trim, trims.ChestPrint) for trim in cloth.trims)
    if plain and not has_print and rng.random() < 0.3:
        picture = trims.emblem(rng, ground, second_colour(rng, ground, skin))
        size = float(rng.choice([0.08, 0.2, 0.3], p=[0.25, 0.45, 0.3]))
        side = float(rng.choice([-0.08, 0.08])) if size < 0.1 else 0.0
        painted.append(trims.ChestPrint((side, float(chest)), size, pyramid(picture)))
    if plain and rng.random() < 0.12:
        picture = trims.emblem(rng, ground, second_colour(rng, ground, skin))
        painted.append(
            BackPrint(float(chest), rng.uniform(0.15, 0.3), pyramid(picture))
        )
    return painted


@dataclass(frozen=True)
class BackPrint:
    """A picture between the shoulders; see :class:`.trims.ChestPrint`."""

    height: float
    size: float
    mips: tuple[np.ndarray, ...]

    def paint(self, colour: np.ndarray, samples: Samples) -> np.ndarray:
        """Paint the picture."""
        u = 0.5 - samples.rest[:, 0] / self.size
        v = (self.height - samples.rest[:, 2]) / self.size + 0.5
        inside = (u > 0) & (u < 1) & (v > 0) & (v < 1) & ~samples.is_front
        inside &= samples.panels == 0
        texels = samples.footprint / self.size * len(self.mips[0])
        level = int(np.clip(np.rint(np.log2(max(texels, 1))), 0, len(self.mips) - 3))
        picture = sample_tile(self.mips[level], u, v)
        return blend(colour, picture[:, :3], picture[:, 3] * inside)


def print_fabric(rng: np.random.Generator, skin: np.ndarray) -> Fabric:
    """A cloth printed all over: strokes, patches or clouds of a few colors."""
    for _ in range(8):
        tile = _print_tile(rng)
        repeat = float(rng.uniform(0.25, 0.6))
        fabric = Fabric('print', pyramid(np.clip(tile, 0, 1)), repeat)
        if not looks_like_skin(fabric.mean, skin):
            return fabric
    return make_fabric(rng, 'plain', np.array([0.12, 0.15, 0.28]))


def _print_tile(rng: np.random.Generator) -> np.ndarray:
    tile = np.broadcast_to(clothing_colour(rng), (TILE, TILE, 3))
    kind = rng.integers(3)
    for _ in range(int(rng.integers(2, 6))):
        noise = smooth_noise(rng, int(rng.integers(2, 9)), int(rng.integers(1, 4)))
        if kind == 0:
            mask = 0.5 - 6 * np.abs(noise - rng.normal(0, 0.3))
        elif kind == 1:
            mask = 5 * (noise - rng.uniform(0.2, 1.0))
        else:
            mask = 4 * (np.roll(noise, 40, 0) * noise - 0.5)
        other = clothing_colour(rng)
        tile = tile + np.clip(mask, 0, 1)[..., None] * (other - tile)
    return tile


@dataclass(frozen=True)
class Folds:
    """Light and shade of folds, painted on.

    Attributes:
        tile: (n, n, 1) periodic noise of unit deviation.
        strength: standard deviation of the factor.
        size: (around, along) meters that one tile covers.
        slant: meters around per metre along.
    """

    tile: np.ndarray
    strength: float
    size: tuple[float, float]
    slant: float

    def paint(self, colour: np.ndarray, samples: Samples) -> np.ndarray:
        """Shade the cloth."""
        x, y, z = samples.rest.T
        limb = samples.panels > 0
        around = np.where(limb, 0.6 * x + y, x + 0.7 * y)
        u = (around + self.slant * z * np.sign(x)) / self.size[0]
        v = z / self.size[1]
        shade = sample_tile(self.tile, u, v)
        return np.clip(colour * (1 + self.strength * shade), 0, 1)


def sample_folds(rng: np.random.Generator) -> Folds:
    """Draw how strongly and in which direction the clothes fold."""
    noise = smooth_noise(rng, int(rng.integers(2, 5)), 2)
    ridges = np.sqrt(noise**2 + 0.15)
    ridges = (ridges.mean() - ridges) / ridges.std()
    return Folds(
        tile=ridges[..., None].astype(np.float32),
        strength=float(rng.uniform(0.02, 0.09)),
        size=(float(rng.uniform(0.25, 0.5)), float(rng.uniform(0.5, 1.1))),
        slant=float(rng.normal(0, 0.25)),
    )


@dataclass(frozen=True)
class SoftHair:
    """Hair whose rim lets the skin through and whose tips may be lighter.

    Attributes:
        strands: the hair.
        skin: (3,) tone under the rim.
        rim: meters over which short hair fades in.
        tips: (3,) color of the tips.
        ends: z over which the color changes from roots to tips.
    """

    strands: Hair
    skin: np.ndarray
    rim: float
    tips: np.ndarray
    ends: tuple[float, float]
    gloss: float

    def colour(self, samples: Samples) -> np.ndarray:
        """(N, 3) albedo."""
        colour = self.strands.colour(samples)
        low, high = self.ends
        share = smoothstep(high, low, samples.rest[:, 2])
        tint = colour / np.maximum(self.strands.tone, 0.02) * self.tips
        colour = blend(colour, np.clip(tint, 0, 1), share)
        offset = samples.rest - self.strands.centre
        turn = np.arctan2(offset[:, 0], -offset[:, 1]) / (2 * np.pi)
        ragged = sample_tile(self.strands.streaks, turn * 4, offset[:, 2] / 0.4)[:, 0]
        edge = samples.edge - self.rim * (0.35 + 0.3 * ragged)
        bare = 1 - smoothstep(-0.5 * self.rim, 0.5 * self.rim, edge)
        return blend(colour, self.skin * 0.9, 0.85 * bare)


def soft_hair(rng: np.random.Generator, hair: Hair, skin: np.ndarray) -> SoftHair:
    """Hair with a soft rim, at times with lighter tips."""
    top = float(hair.centre[2])
    lighter = rng.random() < 0.3
    tips = np.clip(hair.tone * rng.uniform(1.2, 2.0) + 0.03, 0, 0.9)
    return SoftHair(
        strands=hair,
        skin=skin,
        rim=float(rng.uniform(0.004, 0.016)),
        tips=tips if lighter else hair.tone,
        ends=(top - float(rng.uniform(0.2, 0.4)), top),
        gloss=float(rng.uniform(0.05, 0.16)),
    )
