"""Outfits: which garments go together, and their layers on a body.

Garments are drawn from the recipes of :mod:`.catalogue`. An outfit always covers
trunk, hips and upper thighs: a top and a bottom, or a dress.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from posegen.datasets.synthetic import cuts, garments, trims, tubes
from posegen.datasets.synthetic.body import Body
from posegen.datasets.synthetic.catalogue import (
    BOTTOMS,
    DRESS,
    HALF,
    LONG,
    OUTERS,
    SHORT,
    TOPS,
    WOOL,
    Bottom,
    Recipe,
)
from posegen.datasets.synthetic.cuts import LegShape, SkirtShape, TopShape
from posegen.datasets.synthetic.fabrics import (
    Fabric,
    clothing_colour,
    make_fabric,
)
from posegen.datasets.synthetic.hair import ball
from posegen.datasets.synthetic.layers import LEG, TORSO, Layer, make_layer
from posegen.datasets.synthetic.materials import Cloth, Material, Shoe
from posegen.datasets.synthetic.shoes import ShoeShape, inside_shoes, shoe_pair
from posegen.datasets.synthetic.surface import Surface, smoothstep, sweep
from posegen.datasets.synthetic.tailor import Job, bottom_trims, top_trims
from posegen.datasets.synthetic.trims import Trim


@dataclass(frozen=True)
class Outfit:
    """Layers of a dressed body.

    Attributes:
        skin: (3,) tone of the skin; no garment looks like it.
        covered: (V,) metres by which each vertex of the body is under a garment.
        layers: garments.
        materials: by the names that the layers use.
        hangings: (layer index, ease) of tubes that keep off the legs.
    """

    skin: np.ndarray
    covered: np.ndarray
    layers: list[Layer] = field(default_factory=list)
    materials: dict[str, Material] = field(default_factory=dict)
    hangings: list[tuple[int, float]] = field(default_factory=list)

    def add(self, layer: Layer, material: Material, over: np.ndarray | None) -> None:
        """Put a layer on; ``over`` (V,) is how far inside it the body is."""
        self.layers.append(layer)
        self.materials[layer.material] = material
        if over is not None:
            np.maximum(self.covered, over, out=self.covered)


def sample_outfit(
    rng: np.random.Generator, body: Body, skin: np.ndarray, female: bool
) -> Outfit:
    """Draw an outfit for a body with a skin tone (3,)."""
    outfit = Outfit(skin, covered=np.full(len(body.points), -1.0))
    dress = female and rng.random() < 0.2
    name = _choose(rng, {k: v.odds[not female] for k, v in BOTTOMS.items()})
    bottom = BOTTOMS['a_line' if dress else name]
    top = _sample_top(rng, TOPS[_choose_top(rng, female)])
    if dress:
        base = _dress(rng, body, outfit)
    else:
        tucked = rng.random() < (0.75 if bottom.skirt else 0.2)
        base = _two_pieces(rng, body, outfit, top, bottom, tucked)
    if rng.random() < (0.22 if dress else 0.3):
        _outer(rng, body, outfit, female, base)
    _footwear(rng, body, outfit, bare_legs=dress or bottom.skirt, female=female)
    if rng.random() < 0.06:
        _scarf(rng, body, outfit)
    return outfit


def _choose(rng: np.random.Generator, odds: dict[str, float]) -> str:
    chances = np.array(list(odds.values()))
    return str(rng.choice(list(odds), p=chances / chances.sum()))


def _choose_top(rng: np.random.Generator, female: bool) -> str:
    return _choose(rng, {k: v.odds[not female] for k, v in TOPS.items()})


@dataclass(frozen=True)
class _Base:
    """What an outer garment has to clear.

    Attributes:
        chest, waist: metres that the garments stand off the body there.
        rise: metres of the waist over the hip joints.
        flare: of the skirt, None for trousers.
    """

    chest: float
    waist: float
    rise: float
    flare: float | None


@dataclass(frozen=True)
class _Top:
    recipe: Recipe
    shape: TopShape


def _sample_top(rng: np.random.Generator, recipe: Recipe) -> _Top:
    sleeve = recipe.sleeves[rng.integers(len(recipe.sleeves))]
    opening = recipe.opening and float(rng.uniform(*recipe.opening))
    shape = TopShape(
        sleeve=float(rng.uniform(*sleeve)),
        hem=float(rng.uniform(*recipe.hem)),
        neck=recipe.necks[rng.integers(len(recipe.necks))],
        ease=float(rng.uniform(*recipe.ease)),
        drape=float(rng.uniform(*recipe.drape)),
        opening=opening,
    )
    return _Top(recipe, shape)


def _two_pieces(
    rng: np.random.Generator,
    body: Body,
    outfit: Outfit,
    top: _Top,
    bottom: Bottom,
    tucked: bool,
) -> _Base:
    """A top and a bottom."""
    rise = float(rng.uniform(0.10, 0.17))
    if tucked:
        top = replace(top, shape=replace(top.shape, hem=0.04 - rise, drape=0.0))
    elif bottom.skirt:
        top = replace(top, shape=replace(top.shape, hem=-0.002 - rise))
    ease, flare = _bottom(rng, body, outfit, bottom, rise, showing=tucked)
    waist = cuts.hip_height(body) + rise
    under = ease + 0.007 if not tucked else 0.0
    surface, over = _top_shell(rng, body, top.shape, waist, under, tucked)
    fabric, painted = _dress_up(rng, body, top, outfit, 'top')
    layer = make_layer('top', body, surface, 'top')
    outfit.add(layer, Cloth(fabric, painted), over)
    return _Base(top.shape.ease, max(ease, top.shape.ease) + under, rise, flare)


def _top_shell(
    rng: np.random.Generator,
    body: Body,
    shape: TopShape,
    waist: float,
    over: float,
    tucked: bool,
) -> tuple[Surface, np.ndarray]:
    """A top's surface; below the waist it keeps ``over`` metres more off the body."""
    inside = cuts.top_field(body, shape)
    rise = body.points[:, 2] - waist
    low = 1 - smoothstep(0.0, 0.10, rise)
    ease = shape.ease + low * max(over - shape.ease, 0)
    if tucked:
        ease = np.where(rise < 0.015, 0.002, shape.ease)
    surface = garments.shell(body, inside, ease, rounds=10, sink=0.003)
    surface = garments.drape_trunk(body, surface, shape.drape)
    if not tucked:
        surface = garments.fold(surface, rng, 0.5 * shape.ease)
    return surface, inside


def _bottom(
    rng: np.random.Generator,
    body: Body,
    outfit: Outfit,
    bottom: Bottom,
    rise: float,
    showing: bool,
) -> tuple[float, float | None]:
    """A bottom; returns its ease at the waist and, for skirts, the flare.

    ``showing``: its waistband is seen.
    """
    length = float(rng.uniform(*bottom.length))
    ease, flare = float(rng.uniform(*bottom.ease)), float(rng.uniform(*bottom.flare))
    fabric = make_fabric(rng, _choose(rng, bottom.patterns), skin=outfit.skin)
    if bottom.skirt:
        shape = SkirtShape(length, flare, rise, ease)
        _skirt(rng, body, outfit, shape, Cloth(fabric, (trims.Hem(),)), 'bottom')
        return ease + 0.012, flare
    shape = LegShape(length, ease, flare, rise)
    inside = cuts.trousers_field(body, shape)
    surface = garments.shell(body, inside, ease, rounds=14, sink=0.02)
    surface = garments.widen_legs(body, surface, flare)
    surface = garments.fold(surface, rng, 0.4 * ease)
    painted = bottom_trims(rng, body, bottom, rise, fabric, showing)
    layer = make_layer('bottom', body, surface, 'bottom')
    outfit.add(layer, Cloth(fabric, painted), inside)
    return ease, None


def _skirt(
    rng: np.random.Generator,
    body: Body,
    outfit: Outfit,
    shape: SkirtShape,
    cloth: Cloth,
    material: str,
    opening: float = 0.0,
) -> None:
    """A hanging tube, over short trousers that nobody sees."""
    tube = tubes.skirt_tube(body, shape, opening)
    tube = garments.fold(tube, rng, 0.009, 0.11)
    outfit.hangings.append((len(outfit.layers), 0.010))
    shorts = cuts.trousers_field(body, LegShape(0.3, rise=shape.rise - 0.02))
    over = shorts if opening == 0 else None
    outfit.add(make_layer('skirt', body, tube, material, panel='trunk'), cloth, over)


def _dress(rng: np.random.Generator, body: Body, outfit: Outfit) -> _Base:
    """A dress: a top to the waist and a skirt of the same cloth."""
    rise = float(rng.uniform(0.14, 0.19))
    sleeves = ((0.0, 0.0), SHORT, HALF, LONG)
    top = TopShape(
        sleeve=float(rng.uniform(*sleeves[rng.integers(4)])),
        hem=0.03 - rise,
        neck=str(rng.choice(['crew', 'scoop', 'v', 'boat'])),
        ease=float(rng.uniform(0.004, 0.008)),
        drape=0.0,
    )
    fabric = make_fabric(rng, _choose(rng, DRESS), skin=outfit.skin)
    painted: tuple = (trims.Hem(),)
    waist = cuts.hip_height(body) + rise
    if rng.random() < 0.5:
        belt = clothing_colour(rng)
        painted += (trims.Belt(waist - 0.02, belt, belt * 0.5 + 0.4),)
    skirt = SkirtShape(
        float(rng.uniform(0.55, 1.7)), float(rng.uniform(0.0, 0.4)), rise, 0.010
    )
    surface, over = _top_shell(rng, body, top, waist, 0.0, tucked=True)
    cloth = Cloth(fabric, painted)
    outfit.add(make_layer('top', body, surface, 'top'), cloth, over)
    _skirt(rng, body, outfit, skirt, cloth, 'top')
    return _Base(0.008, 0.014, rise, skirt.flare)


def _outer(
    rng: np.random.Generator, body: Body, outfit: Outfit, female: bool, base: _Base
) -> None:
    """A jacket, cardigan or coat over the rest; short ones end over a skirt."""
    name = _choose(rng, {k: v.odds[not female] for k, v in OUTERS.items()})
    outer = _sample_top(rng, OUTERS[name])
    ease = max(outer.shape.ease, base.chest + 0.005)
    hem = outer.shape.hem if base.flare is None else -base.rise - 0.01
    outer = replace(outer, shape=replace(outer.shape, ease=ease, hem=hem))
    shape = outer.shape
    inside = cuts.top_field(body, shape)
    rise = body.points[:, 2] - cuts.hip_height(body) - base.rise
    low = 1 - smoothstep(0.0, 0.12, rise)
    room = ease + low * max(base.waist + 0.006 - ease, 0)
    surface = garments.shell(body, inside, room, rounds=8)
    surface = garments.drape_trunk(body, surface, shape.drape)
    surface = garments.fold(surface, rng, 0.3 * ease)
    fabric, painted = _dress_up(rng, body, outer, outfit, 'outer')
    cloth = Cloth(fabric, painted)
    outfit.add(make_layer('outer', body, surface, 'outer'), cloth, inside - 0.02)
    if outer.recipe.tail is None:
        return
    tail = SkirtShape(
        float(rng.uniform(*outer.recipe.tail)),
        float(rng.uniform(0.02, 0.16)) + max(base.flare or 0.0, 0.0),
        0.02 - shape.hem,
        max(ease, base.waist) + 0.014,
    )
    _skirt(rng, body, outfit, tail, cloth, 'outer', opening=shape.opening)


def _dress_up(
    rng: np.random.Generator, body: Body, top: _Top, outfit: Outfit, material: str
) -> tuple[Fabric, tuple[Trim, ...]]:
    """Fabric and trims of a top; collars and hoods become layers of their own."""
    recipe, shape = top.recipe, top.shape
    fabric = make_fabric(rng, _choose(rng, recipe.patterns), skin=outfit.skin)
    painted = top_trims(Job(rng, body, shape, fabric, outfit.skin), recipe.details)
    chosen = set(recipe.details)
    if chosen & {'buttons', 'polo', 'collar', 'lapels'} and shape.sleeve > 0.1:
        surface = tubes.collar(body, lift=shape.ease)
        flap = Cloth(fabric, (trims.Hem(0.006),))
        layer = make_layer(
            'collar', body, surface, f'{material}_collar', TORSO, 'trunk'
        )
        outfit.add(layer, flap, None)
    if 'hood' in chosen:
        middle = body.heads['neck01'] + (0, 0.085, -0.015)
        hood = ball(body, middle, np.array([0.105, 0.055, 0.075]), 'spine01')
        layer = make_layer('hood', body, hood, f'{material}_hood', TORSO, 'trunk')
        outfit.add(layer, Cloth(fabric), None)
    return fabric, painted


def _footwear(
    rng: np.random.Generator, body: Body, outfit: Outfit, bare_legs: bool, female: bool
) -> None:
    """Shoes or boots; tights or socks where legs are bare."""
    kind = _choose(
        rng,
        {'sneaker': 0.5, 'low': 0.3, 'boot': 0.12 if female else 0.06, 'high': 0.08},
    )
    collar = {'sneaker': 0.0, 'low': -0.035, 'boot': 0.03, 'high': 0.04}[kind]
    shape = ShoeShape(
        collar=collar,
        sole=float(rng.uniform(0.008, 0.025)),
        point=float(rng.uniform(0.3, 0.9)) if kind == 'low' and female else 0.15,
    )
    upper = clothing_colour(rng)
    light = kind == 'sneaker' and rng.random() < 0.7
    sole = np.full(3, 0.9) if light else upper * 0.45
    floor = float(body.points[:, 2].min()) - shape.sole
    shoe = Shoe(
        upper, sole, floor, shape.sole + 0.008, laces=kind in ('sneaker', 'high')
    )
    pair = make_layer('shoes', body, shoe_pair(body, shape), 'shoe', part=LEG)
    feet = inside_shoes(body, shape)
    outfit.add(pair, shoe, feet)
    if kind == 'boot' and bare_legs:
        inside = cuts.shaft_field(body, float(rng.uniform(1.2, 1.75)))
        shaft = garments.shell(body, inside, 0.008, rounds=14, sink=0.02)
        outfit.add(make_layer('boots', body, shaft, 'shoe', part=LEG), shoe, inside)
    elif bare_legs and rng.random() < 0.3:
        _tights(rng, body, outfit)
    elif kind in ('sneaker', 'high') and rng.random() < 0.7:
        above = body.points[:, 2] - body.heads['foot.L'][2] + 0.04
        inside = cuts.shaft_field(body, float(rng.uniform(1.68, 1.9)))
        inside = np.minimum(inside, above)
        tone = np.full(3, rng.choice([0.08, 0.5, 0.92])) * rng.uniform(0.9, 1.05, 3)
        cloth = Cloth(make_fabric(rng, 'plain', np.clip(tone, 0, 1)), (trims.Hem(),))
        socks = garments.shell(body, inside, 0.002, rounds=2)
        outfit.add(make_layer('socks', body, socks, 'sock', part=LEG), cloth, inside)


def _tights(rng: np.random.Generator, body: Body, outfit: Outfit) -> None:
    inside = cuts.trousers_field(body, LegShape(2.06, rise=0.05))
    tone = np.full(3, rng.uniform(0.05, 0.3)) * rng.uniform(0.9, 1.1, 3)
    cloth = Cloth(make_fabric(rng, 'plain', tone))
    tights = garments.shell(body, inside, 0.0015, rounds=2)
    outfit.add(make_layer('tights', body, tights, 'tights'), cloth, inside)


def _scarf(rng: np.random.Generator, body: Body, outfit: Outfit) -> None:
    """A scarf around the neck with an end over the chest."""
    turn = np.linspace(0, 2 * np.pi, 26)
    base = body.heads['neck01'] + (0, -0.012, 0.012)
    ring = np.stack(
        [0.078 * np.sin(turn), -0.076 * np.cos(turn), 0.012 * np.cos(2 * turn)], 1
    )
    ring[:, 2] -= 0.03 * np.cos(turn).clip(0)
    path = base + ring
    wide = np.full(len(path), 0.026)
    around = sweep(path, wide, body.rigid(len(path), 'neck01'), around=12)
    fabric = make_fabric(rng, _choose(rng, WOOL))
    layer = make_layer('scarf', body, around, 'scarf', TORSO, 'trunk')
    outfit.add(layer, Cloth(fabric), None)
