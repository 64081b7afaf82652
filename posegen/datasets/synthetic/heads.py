"""Faces, hair, headwear and glasses of a person."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from posegen.datasets.synthetic import cuts, garments, hair
from posegen.datasets.synthetic.body import SIDES, Body
from posegen.datasets.synthetic.fabrics import (
    clothing_colour,
    make_fabric,
    smooth_noise,
)
from posegen.datasets.synthetic.hair import HairShape
from posegen.datasets.synthetic.layers import HEAD, Layer, make_layer
from posegen.datasets.synthetic.materials import (
    Cloth,
    Eyes,
    Hair,
    Material,
    Plain,
    Skin,
)
from posegen.datasets.synthetic.surface import (
    Surface,
    join,
    subdivide,
    sweep,
    tube_triangles,
)

_SKIN_TONES = np.array(
    [
        [0.92, 0.75, 0.66],
        [0.87, 0.68, 0.55],
        [0.74, 0.54, 0.41],
        [0.56, 0.38, 0.28],
        [0.40, 0.26, 0.19],
    ]
)
_HAIR_TONES = {
    (0.06, 0.055, 0.055): 0.34,
    (0.15, 0.10, 0.07): 0.26,
    (0.29, 0.19, 0.12): 0.16,
    (0.52, 0.37, 0.21): 0.08,
    (0.74, 0.60, 0.38): 0.07,
    (0.40, 0.17, 0.09): 0.05,
    (0.58, 0.57, 0.56): 0.04,
}
_IRIS_TONES = np.array(
    [[0.20, 0.11, 0.06], [0.30, 0.19, 0.09], [0.28, 0.36, 0.28], [0.30, 0.42, 0.55]]
)
_STYLES = {
    'bald': (0.0, 0.06),
    'buzz': (0.01, 0.24),
    'short': (0.10, 0.42),
    'full': (0.06, 0.16),
    'afro': (0.05, 0.04),
    'bob': (0.20, 0.02),
    'long': (0.34, 0.03),
    'tail': (0.14, 0.01),
    'bun': (0.10, 0.02),
}
_VARIED_TONES = {
    (0.05, 0.045, 0.045): 0.26,
    (0.12, 0.08, 0.06): 0.24,
    (0.22, 0.14, 0.09): 0.18,
    (0.36, 0.24, 0.15): 0.12,
    (0.55, 0.41, 0.26): 0.08,
    (0.70, 0.58, 0.40): 0.05,
    (0.38, 0.15, 0.08): 0.04,
    (0.55, 0.54, 0.53): 0.03,
}
_VARIED_STYLES = {
    'bald': (0.0, 0.05),
    'buzz': (0.01, 0.2),
    'short': (0.06, 0.44),
    'full': (0.05, 0.2),
    'afro': (0.03, 0.03),
    'bob': (0.10, 0.02),
    'long': (0.14, 0.02),
    'flowing': (0.40, 0.03),
    'tail': (0.13, 0.01),
    'bun': (0.08, 0.01),
}
#: Cuts that hang: range of the length below the ears, share with a fringe, waves.
_HANGING = {
    'bob': ((0.03, 0.12), 0.5, (0.0, 0.004, 0.009)),
    'long': ((0.16, 0.36), 0.5, (0.0, 0.004, 0.009)),
    'flowing': ((0.18, 0.46), 0.15, (0.003, 0.008, 0.014)),
}


@dataclass(frozen=True)
class HairOdds:
    """How often hair of each color and cut is drawn.

    Attributes:
        tones: (3,) color -> share; they sum to 1.
        styles: cut -> relative shares of women and men.
    """

    tones: dict[tuple[float, float, float], float]
    styles: dict[str, tuple[float, float]]


STANDARD_HAIR = HairOdds(_HAIR_TONES, _STYLES)
VARIED_HAIR = HairOdds(_VARIED_TONES, _VARIED_STYLES)


def sample_head(
    rng: np.random.Generator,
    body: Body,
    skin: np.ndarray,
    female: bool,
    hair_odds: HairOdds = STANDARD_HAIR,
) -> tuple[list[Layer], dict[str, Material]]:
    """Draw hair, face colours, headwear and glasses for a skin tone (3,)."""
    tones = list(hair_odds.tones)
    tone = np.array(tones[rng.choice(len(tones), p=list(hair_odds.tones.values()))])
    tone = tone * rng.uniform(0.8, 1.2) * rng.uniform(0.96, 1.04, 3)
    odds = np.array([share[not female] for share in hair_odds.styles.values()])
    style = str(rng.choice(list(hair_odds.styles), p=odds / odds.sum()))
    hat = bool(rng.random() < 0.08)
    layers = _hair_layers(rng, body, 'short' if hat and style == 'afro' else style, hat)
    materials = {'hair': _hair_material(rng, body, tone)}
    materials.update(_face(rng, body, skin, tone, female))
    if hat:
        _add_hat(rng, body, layers, materials)
    if rng.random() < 0.12:
        _add_glasses(rng, body, layers, materials)
    return layers, materials


def sample_skin(rng: np.random.Generator) -> np.ndarray:
    """Draw a (3,) skin tone."""
    place = rng.uniform(0, len(_SKIN_TONES) - 1)
    steps = np.arange(len(_SKIN_TONES))
    skin = np.array([np.interp(place, steps, channel) for channel in _SKIN_TONES.T])
    skin = skin * rng.uniform(0.96, 1.06) * rng.uniform(0.985, 1.015, 3)
    return np.clip(skin, 0, 1)


def _hair_material(rng: np.random.Generator, body: Body, tone: np.ndarray) -> Hair:
    streaks = rng.standard_normal((8, 128)).repeat(16, 0)
    for _ in range(24):
        streaks = (np.roll(streaks, 1, 0) + streaks + np.roll(streaks, -1, 0)) / 3
    streaks = (streaks / streaks.std())[..., None].astype(np.float32)
    return Hair(tone, streaks, hair.head_centre(body))


def _face(
    rng: np.random.Generator,
    body: Body,
    skin: np.ndarray,
    tone: np.ndarray,
    female: bool,
) -> dict[str, Material]:
    """Materials of skin and eyes; ``tone`` is the hair's colour."""
    model = body.model
    eyes = np.stack([body.heads['eye.L'], body.heads['eye.R']])
    left = (model.eyes > 0.5) & (body.points[:, 0] > 0)
    radius = float(np.ptp(body.points[left, 0]) / 2)
    lips = model.masks['lips']
    painted = 0.5 * rng.random() if female else 0.0
    lip = skin * np.array([0.92, 0.66, 0.64])
    lip = lip + painted * (np.array([0.72, 0.16, 0.2]) - lip)
    bearded = not female and rng.random() < 0.35
    face = Skin(
        tone=skin,
        brow=np.minimum(tone * 0.8, skin * 0.5),
        lip=lip,
        eyes=eyes,
        eye_radius=radius,
        brow_shape=(
            float(rng.uniform(0.018, 0.022)),
            float(rng.uniform(0.0018, 0.0030) if female else rng.uniform(0.003, 0.004)),
            float(rng.uniform(0.0, 0.2)),
        ),
        noise=smooth_noise(rng, 4)[..., None].astype(np.float32),
        mask_names=tuple(model.masks),
        mouth=lips @ body.points / lips.sum(),
        beard=float(rng.uniform(0.25, 0.9)) if bearded else 0.0,
    )
    iris = _IRIS_TONES[rng.choice(4, p=[0.4, 0.3, 0.12, 0.18])]
    return {'skin': face, 'eyes': Eyes(iris, eyes, radius)}


def _hair_layers(
    rng: np.random.Generator, body: Body, style: str, flat: bool
) -> list[Layer]:
    """Hair of a style; ``flat`` under a hat."""
    fringe = float(rng.uniform(0, 0.03))
    parting = float(rng.choice([-35, -20, 0, 20, 35]))
    if style == 'bald':
        return []
    surfaces: list[Surface] = []
    if style in _HANGING:
        (low, high), fringed, waves = _HANGING[style]
        shape = HairShape(
            thickness=float(rng.uniform(0.014, 0.028)),
            fringe=fringe if rng.random() < fringed else -0.004,
            length=float(rng.uniform(low, high)),
            wave=float(rng.choice(waves)),
            parting=parting,
        )
        shape = replace(shape, thickness=0.012) if flat else shape
        surfaces.append(hair.long_hair(body, shape, rng))
    else:
        shape = _short_shape(rng, style, fringe)
        swept = style in ('tail', 'bun')
        if flat:
            shape = replace(shape, thickness=min(shape.thickness, 0.012), bun=0.0)
        surfaces.append(hair.hair_cap(body, shape, rng, swept))
        if shape.tail:
            surfaces.append(hair.ponytail(body, shape, rng))
        if shape.bun:
            back = hair.head_centre(body) + (0, 0.10, rng.uniform(0.02, 0.085))
            surfaces.append(hair.ball(body, back, np.full(3, shape.bun), 'head'))
    return [make_layer('hair', body, s, 'hair', HEAD, 'trunk') for s in surfaces]


def _short_shape(rng: np.random.Generator, style: str, fringe: float) -> HairShape:
    if style == 'buzz':
        return HairShape(0.004, 0.0, sides=0.6)
    if style == 'short':
        return HairShape(float(rng.uniform(0.012, 0.03)), fringe, sides=0.3, wave=0.003)
    if style == 'full':
        return HairShape(float(rng.uniform(0.025, 0.04)), fringe, sides=0.8, wave=0.004)
    if style == 'afro':
        return HairShape(float(rng.uniform(0.05, 0.08)), 0.0, sides=0.9, wave=0.008)
    if style == 'tail':
        return HairShape(0.010, 0.0, sides=0.9, tail=float(rng.uniform(0.16, 0.32)))
    return HairShape(0.011, 0.0, sides=0.9, bun=float(rng.uniform(0.03, 0.045)))


def _add_hat(
    rng: np.random.Generator, body: Body, layers: list[Layer], materials: dict
) -> None:
    """A beanie, or a cap with a visor."""
    visor = bool(rng.random() < 0.5)
    brow = hair.forehead(body, 0.0)
    inside = cuts.hat_field(body, brow - (0.012 if visor else 0.02), 0.12)
    shell = garments.shell(body, inside, 0.03 if not visor else 0.026, rounds=12)
    shell = subdivide(shell)
    fabric = make_fabric(
        rng, 'plain' if visor else str(rng.choice(['knit', 'stripes']))
    )
    materials['hat'] = Cloth(fabric)
    layers.append(make_layer('hat', body, shell, 'hat', HEAD, 'trunk'))
    if visor:
        surface = _visor(body, brow - 0.004)
        layers.append(make_layer('hat', body, surface, 'hat', HEAD, 'trunk'))


def _visor(body: Body, height: float) -> Surface:
    """A stiff half disc over the eyes."""
    centre = hair.head_centre(body)
    turn = np.radians(np.linspace(-62, 62, 18))
    rows = []
    for reach, drop in ((0.095, 0.0), (0.14, -0.006), (0.175, -0.018), (0.174, -0.024)):
        depth = reach + (reach - 0.095) * 0.25 * np.cos(turn)
        x, y = 0.088 / 0.095 * reach * np.sin(turn), -depth * np.cos(turn)
        z = drop - 0.02 * np.sin(turn) ** 2
        rows.append(np.stack([x, centre[1] + y, height + z], 1))
    points = np.concatenate(rows)
    triangles = tube_triangles(len(rows), len(turn), closed=False)
    return Surface(points, body.rigid(len(points), 'head'), triangles)


def _add_glasses(
    rng: np.random.Generator, body: Body, layers: list[Layer], materials: dict
) -> None:
    """Two rims, a bridge and temples; sometimes dark lenses."""
    dark = bool(rng.random() < 0.4)
    frames = clothing_colour(rng) * 0.5
    materials['glasses'] = Plain(frames, 0.3)
    height, width = float(rng.uniform(0.015, 0.021)), 0.026
    power = float(rng.uniform(0.5, 1.0))
    turn = np.linspace(0, 2 * np.pi, 25)
    x = width * np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** power
    z = height * np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** power
    pieces, lenses = [], []
    for side in SIDES:
        eye = body.heads[f'eye.{side}']
        front = eye + (0, -0.026, 0)
        rim = front + np.stack([x, 0.15 * np.abs(x), z], 1)
        pieces.append(_wire(body, rim, 0.0018))
        sign = 1 if side == 'L' else -1
        hinge = front + (sign * width, 0.006, 0.004)
        ear = np.array([sign * 0.078, hair.head_centre(body)[1], eye[2] + 0.004])
        pieces.append(_wire(body, np.stack([hinge, (hinge + ear) / 2, ear]), 0.0018))
        lenses.append(_lens(body, front, rim))
    inner = [body.heads[f'eye.{s}'] + (0, -0.027, 0.003) for s in SIDES]
    gap = np.array([width, 0, 0])
    bridge = np.stack(
        [inner[0] - gap, np.mean(inner, 0) + (0, -0.004, 0.004), inner[1] + gap]
    )
    pieces.append(_wire(body, bridge, 0.0018))
    layers.append(make_layer('glasses', body, join(pieces), 'glasses', HEAD, 'trunk'))
    if dark:
        materials['lenses'] = Plain(np.full(3, 0.05), 0.6)
        layers.append(
            make_layer('glasses', body, join(lenses), 'lenses', HEAD, 'trunk')
        )


def _wire(body: Body, path: np.ndarray, radius: float) -> Surface:
    weights = body.rigid(len(path), 'head')
    return sweep(path, np.full(len(path), radius), weights, around=5)


def _lens(body: Body, middle: np.ndarray, rim: np.ndarray) -> Surface:
    points = np.concatenate([middle[None] + (0, -0.002, 0), rim])
    index = np.arange(1, len(rim))
    triangles = np.stack([0 * index, index + 1, index], 1).astype(np.int32)
    return Surface(points, body.rigid(len(points), 'head'), triangles)
