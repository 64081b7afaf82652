"""Sampling a person: body, clothes, hair. Every person wears a top and a bottom."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from posegen.datasets.synthetic import garments
from posegen.datasets.synthetic.body import Body, shape_body
from posegen.datasets.synthetic.fabrics import (
    Fabric,
    clothing_colour,
    make_fabric,
    smooth_noise,
)
from posegen.datasets.synthetic.figure import Figure, assemble
from posegen.datasets.synthetic.garments import LegShape, SkirtShape, TopShape
from posegen.datasets.synthetic.hair import (
    HairShape,
    ball,
    hair_cap,
    hair_lengths,
    head_centre,
)
from posegen.datasets.synthetic.layers import HEAD, LEG, Layer, make_layer
from posegen.datasets.synthetic.materials import Cloth, Eyes, Hair, Shoe, Skin
from posegen.datasets.synthetic.surface import Surface

_TOP_PATTERNS = {
    'plain': 0.34, 'stripes': 0.2, 'plaid': 0.1, 'dots': 0.08, 'print': 0.1,
    'knit': 0.1, 'denim': 0.05, 'camouflage': 0.03,
}  # fmt: skip
_BOTTOM_PATTERNS = {
    'plain': 0.5, 'denim': 0.3, 'plaid': 0.07, 'stripes': 0.06, 'print': 0.05,
    'camouflage': 0.02,
}  # fmt: skip
_SKIN_TONES = np.array(
    [[0.90, 0.73, 0.63], [0.86, 0.67, 0.54], [0.72, 0.52, 0.39], [0.44, 0.29, 0.21]]
)
_HAIR_TONES = np.array(
    [[0.07, 0.06, 0.06], [0.16, 0.10, 0.07], [0.30, 0.19, 0.12], [0.52, 0.36, 0.20],
     [0.72, 0.56, 0.34], [0.40, 0.16, 0.08], [0.50, 0.50, 0.50]]
)  # fmt: skip
_HAIR_ODDS = (0.34, 0.26, 0.16, 0.09, 0.07, 0.04, 0.04)
_IRIS_TONES = np.array(
    [[0.20, 0.11, 0.06], [0.30, 0.19, 0.09], [0.28, 0.36, 0.28], [0.30, 0.42, 0.55]]
)


@dataclass(frozen=True)
class Wardrobe:
    """What a person wears.

    Attributes:
        top: the top's cut; bottom: trousers' or skirt's cut.
        tucked: the top ends inside the bottom.
        shoe_height: metres over the ankle joint.
    """

    top: TopShape
    bottom: LegShape | SkirtShape
    tucked: bool
    shoe_height: float


def sample_body(rng: np.random.Generator) -> tuple[Body, bool]:
    """Draw an adult body; also tells whether it is of the female half."""
    female = bool(rng.random() < 0.55)
    ethnic = rng.dirichlet([0.6, 0.6, 0.6])
    phenotype = {
        'gender': float(np.clip(rng.normal(0.95 if female else 0.05, 0.06), 0, 1)),
        'age': float(rng.uniform(0.6, 0.85)),
        'muscle': float(np.clip(rng.normal(0.5 if female else 0.6, 0.12), 0.2, 0.9)),
        'weight': float(np.clip(rng.normal(0.45, 0.16), 0.1, 0.95)),
        'height': float(np.clip(rng.normal(0.5, 0.15), 0.15, 0.85)),
        'proportions': float(rng.uniform(0.3, 1.0)),
        'cupsize': float(rng.uniform(0.2, 0.7)),
        'firmness': float(rng.uniform(0.4, 0.8)),
        'african': float(ethnic[0]),
        'asian': float(ethnic[1]),
        'caucasian': float(ethnic[2]),
    }
    return shape_body(phenotype), female


def sample_wardrobe(rng: np.random.Generator, female: bool) -> Wardrobe:
    """Draw the cuts of all garments."""
    sleeve = float(rng.choice([0.0, rng.uniform(0.35, 0.6), rng.uniform(1.1, 1.4), 1.93],
                              p=[0.16 if female else 0.06, 0.42, 0.1, 0.32 if female else 0.42]))  # fmt: skip
    necks = ['crew', 'scoop', 'v', 'boat', 'turtle']
    odds = [0.45, 0.2, 0.2, 0.1, 0.05] if female else [0.7, 0.02, 0.2, 0.0, 0.08]
    skirt = female and rng.random() < 0.4
    tucked = skirt or bool(rng.random() < 0.2)
    top = TopShape(
        sleeve=sleeve,
        hem=-0.08 if tucked else float(rng.uniform(-0.01, 0.10)),
        neck=str(rng.choice(necks, p=odds)),
        ease=float(rng.uniform(0.004, 0.012)),
        drape=0.0 if tucked else float(rng.uniform(0.2, 1.0)),
    )
    bottom = _sample_skirt(rng) if skirt else _sample_trousers(rng)
    return Wardrobe(top, bottom, tucked, float(rng.choice([0.0, 0.03, 0.10])))


def _sample_skirt(rng: np.random.Generator) -> SkirtShape:
    return SkirtShape(float(rng.uniform(0.6, 1.5)), float(rng.uniform(0.0, 0.35)))


def _sample_trousers(rng: np.random.Generator) -> LegShape:
    length = float(rng.choice([rng.uniform(0.55, 0.95), 1.95], p=[0.28, 0.72]))
    loose = rng.random()
    return LegShape(length, 0.004 + 0.01 * loose, 0.035 * loose * rng.random())


def sample_person(rng: np.random.Generator) -> Figure:
    """Draw a whole dressed person."""
    body, female = sample_body(rng)
    wardrobe = sample_wardrobe(rng, female)
    materials = _sample_materials(rng, body)
    layers, covered = _garment_layers(rng, body, wardrobe)
    layers += _hair_layers(rng, body, female)
    layers += _bare_layers(body, covered)
    return assemble(body, layers, materials)


def _sample_materials(rng: np.random.Generator, body: Body) -> dict:
    top = make_fabric(rng, _draw(rng, _TOP_PATTERNS))
    bottom = make_fabric(rng, _draw(rng, _BOTTOM_PATTERNS))
    hair = _HAIR_TONES[rng.choice(len(_HAIR_TONES), p=_HAIR_ODDS)]
    hair = hair * rng.uniform(0.8, 1.2, 3) ** 0.5
    return {
        'top': Cloth(top),
        'bottom': Cloth(bottom),
        'under': Cloth(_lining(rng, bottom)),
        'shoe': _sample_shoe(rng, body),
        'hair': _hair_material(rng, body, hair),
        **_sample_face(rng, body, hair),
    }


def _draw(rng: np.random.Generator, odds: dict[str, float]) -> str:
    chances = np.array(list(odds.values()))
    return str(rng.choice(list(odds), p=chances / chances.sum()))


def _lining(rng: np.random.Generator, fabric: Fabric) -> Fabric:
    return make_fabric(rng, 'plain', np.clip(fabric.mean * 0.8, 0, 1))


def _sample_shoe(rng: np.random.Generator, body: Body) -> Shoe:
    upper = clothing_colour(rng)
    light_sole = rng.random() < 0.5
    sole = np.full(3, 0.9) if light_sole else upper * 0.5
    floor = float(body.points[:, 2].min())
    return Shoe(upper, sole, floor, float(rng.uniform(0.012, 0.03)))


def _hair_material(rng: np.random.Generator, body: Body, tone: np.ndarray) -> Hair:
    streaks = rng.standard_normal((8, 128)).repeat(16, 0)
    for _ in range(24):
        streaks = (np.roll(streaks, 1, 0) + streaks + np.roll(streaks, -1, 0)) / 3
    streaks = streaks / streaks.std()
    return Hair(tone, streaks[..., None].astype(np.float32), head_centre(body))


def _sample_face(rng: np.random.Generator, body: Body, hair: np.ndarray) -> dict:
    model = body.model
    first = rng.integers(len(_SKIN_TONES) - 1)
    tone = _SKIN_TONES[first] + rng.random() * (
        _SKIN_TONES[first + 1] - _SKIN_TONES[first]
    )
    tone = tone * rng.uniform(0.92, 1.08) * rng.uniform(0.98, 1.02, 3)
    eyes = np.stack([body.heads['eye.L'], body.heads['eye.R']])
    left = (model.eyes > 0.5) & (body.points[:, 0] > 0)
    radius = float(np.ptp(body.points[left, 0]) / 2)
    lip = tone * np.array([0.92, 0.66, 0.64])
    skin = Skin(
        tone=tone,
        brow=np.minimum(hair * 0.8, tone * 0.5),
        lip=lip,
        eyes=eyes,
        eye_radius=radius,
        brow_shape=(float(rng.uniform(0.018, 0.022)), float(rng.uniform(0.0022, 0.0038)),
                    float(rng.uniform(0.0, 0.2))),
        noise=smooth_noise(rng, 4)[..., None].astype(np.float32),
        mask_names=tuple(model.masks),
    )  # fmt: skip
    iris = _IRIS_TONES[rng.choice(4, p=[0.4, 0.3, 0.12, 0.18])]
    return {'skin': skin, 'eyes': Eyes(iris, eyes, radius)}


def _garment_layers(
    rng: np.random.Generator, body: Body, wardrobe: Wardrobe
) -> tuple[list[Layer], np.ndarray]:
    """All garments, and (V,) metres by which the body is covered."""
    bottom, field = _bottom_layer(rng, body, wardrobe)
    shoe_field = garments.shoe_field(body, wardrobe.shoe_height)
    shoes = garments.shell(body, shoe_field, 0.009, rounds=24, sink=0.03)
    top_field = garments.top_field(body, wardrobe.top)
    top = _top_surface(rng, body, wardrobe, top_field)
    layers = [
        make_layer('top', body, top, 'top'),
        bottom,
        make_layer('shoes', body, shoes, 'shoe', part=LEG),
    ]
    covered = np.maximum(np.maximum(field, shoe_field), top_field)
    return layers, covered


def _bottom_layer(
    rng: np.random.Generator, body: Body, wardrobe: Wardrobe
) -> tuple[Layer, np.ndarray]:
    shape = wardrobe.bottom
    if isinstance(shape, SkirtShape):
        tube = garments.fold(garments.skirt_tube(body, shape), rng, 0.008, 0.12)
        shorts = garments.trousers_field(body, LegShape(0.3, rise=shape.rise - 0.02))
        return make_layer('bottom', body, tube, 'bottom', panel='trunk'), shorts
    field = garments.trousers_field(body, shape)
    surface = garments.shell(body, field, shape.ease, rounds=14, sink=0.02)
    surface = garments.widen_legs(body, surface, shape)
    surface = garments.fold(surface, rng, 0.35 * shape.ease)
    return make_layer('bottom', body, surface, 'bottom'), field


def _top_surface(
    rng: np.random.Generator, body: Body, wardrobe: Wardrobe, field: np.ndarray
) -> Surface:
    shape = wardrobe.top
    waist = garments.hip_height(body) + wardrobe.bottom.rise
    over = 0.0 if wardrobe.tucked else wardrobe.bottom.ease + 0.006
    ease = np.where(body.points[:, 2] < waist + 0.03, shape.ease + over, shape.ease)
    if wardrobe.tucked:
        ease = np.where(body.points[:, 2] < waist + 0.02, 0.002, ease)
    surface = garments.shell(body, field, ease)
    surface = garments.drape_trunk(body, surface, shape.drape)
    return surface if wardrobe.tucked else garments.fold(surface, rng, 0.5 * shape.ease)


def _hair_layers(rng: np.random.Generator, body: Body, female: bool) -> list[Layer]:
    shape = sample_hair(rng, female)
    layers = [
        make_layer('hair', body, hair_cap(body, shape, rng), 'hair', HEAD, 'trunk')
    ]
    if shape.length > 0:
        lengths = hair_lengths(body, shape)
        layers.append(make_layer('hair', body, lengths, 'hair', HEAD, 'trunk'))
    if shape.bun > 0:
        back = head_centre(body) + (0, 0.105, 0.06)
        knot = ball(body, back, np.full(3, shape.bun))
        layers.append(make_layer('hair', body, knot, 'hair', HEAD, 'trunk'))
    return layers


def sample_hair(rng: np.random.Generator, female: bool) -> HairShape:
    """Draw a haircut."""
    styles = ('buzz', 'short', 'full', 'bob', 'long', 'bun')
    odds = (
        (0.02, 0.14, 0.1, 0.22, 0.36, 0.16)
        if female
        else (0.3, 0.45, 0.2, 0.02, 0.02, 0.01)
    )
    style = str(rng.choice(styles, p=odds))
    fringe = float(rng.uniform(0, 0.03))
    if style == 'buzz':
        return HairShape(0.005)
    if style == 'short':
        return HairShape(float(rng.uniform(0.01, 0.022)), fringe)
    if style == 'full':
        return HairShape(float(rng.uniform(0.025, 0.05)), fringe, sides=0.02)
    if style == 'bob':
        return HairShape(0.02, fringe, float(rng.uniform(0.05, 0.12)), sides=0.03)
    if style == 'long':
        return HairShape(
            0.018, 0.4 * fringe, float(rng.uniform(0.16, 0.38)), sides=0.025
        )
    return HairShape(0.012, 0.3 * fringe, bun=float(rng.uniform(0.03, 0.045)))


def _bare_layers(body: Body, covered: np.ndarray) -> list[Layer]:
    """Skin that shows, and what is under the garments near their hems."""
    model = body.model
    triangles = model.triangles
    eyes = (model.eyes[triangles] > 0.5).all(1)
    hidden = (covered[triangles] > 0.03).all(1) & ~eyes
    under = must_cover(body)[triangles].any(1) | (covered[triangles] > 0).all(1)
    under &= ~hidden & ~eyes
    pieces = {'skin': ~hidden & ~under & ~eyes, 'under': under, 'eyes': eyes}
    layers = []
    for name, chosen in pieces.items():
        surface = Surface(body.points, model.weights, triangles[chosen])
        layers.append(make_layer(name, body, surface, name))
    return layers


def must_cover(body: Body) -> np.ndarray:
    """(V,) bool: trunk below the chest line, hips and upper thighs: never skin."""
    points = body.points
    chest = body.heads['upperarm01.L'][2] - 0.10
    arms = body.region('arm.L') + body.region('arm.R')
    trunk = (arms < 0.3) & (points[:, 2] < chest)
    thigh = np.maximum(body.legs['L'], body.legs['R']) < 0.28
    legs = body.region('leg.L') + body.region('leg.R')
    return trunk & ((legs < 0.5) | thigh)
