"""Outfits: which garments go together, and their layers on a body.

The catalogue is data: a :class:`Recipe` gives the ranges that a garment is drawn from.
An outfit always covers trunk, hips and upper thighs: a top and a bottom, or a dress.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from posegen.datasets.synthetic import cuts, garments, trims, tubes
from posegen.datasets.synthetic.body import Body
from posegen.datasets.synthetic.cuts import LegShape, SkirtShape, TopShape
from posegen.datasets.synthetic.fabrics import (
    Fabric,
    clothing_colour,
    make_fabric,
    pyramid,
    second_colour,
)
from posegen.datasets.synthetic.hair import ball
from posegen.datasets.synthetic.layers import LEG, PANELS, TORSO, Layer, make_layer
from posegen.datasets.synthetic.materials import Cloth, Material, Shoe
from posegen.datasets.synthetic.shoes import ShoeShape, inside_shoes, shoe_pair
from posegen.datasets.synthetic.surface import Surface, smoothstep, sweep

_ARMS = (PANELS.index('arm.L'), PANELS.index('arm.R'))
_LEGS = (PANELS.index('leg.L'), PANELS.index('leg.R'))
_SOFT = {'plain': 0.4, 'stripes': 0.22, 'print': 0.12, 'dots': 0.08, 'tie_dye': 0.05,
         'plaid': 0.05, 'camouflage': 0.03, 'argyle': 0.02, 'leopard': 0.03}  # fmt: skip
_SHIRT = {'plain': 0.4, 'plaid': 0.28, 'stripes': 0.16, 'print': 0.08, 'denim': 0.08}
_WOOL = {'knit': 0.45, 'plain': 0.2, 'stripes': 0.15, 'argyle': 0.1, 'melange': 0.1}
_COAT = {'plain': 0.4, 'melange': 0.25, 'herringbone': 0.15, 'plaid': 0.1, 'knit': 0.1}
_DRESS = {'plain': 0.32, 'print': 0.28, 'dots': 0.14, 'stripes': 0.12, 'plaid': 0.06,
          'leopard': 0.04, 'tie_dye': 0.04}  # fmt: skip
_TROUSER = {'plain': 0.6, 'melange': 0.12, 'plaid': 0.08, 'stripes': 0.06,
            'print': 0.06, 'camouflage': 0.04, 'herringbone': 0.04}  # fmt: skip
_SHORT, _HALF, _LONG = (0.38, 0.6), (1.1, 1.45), (1.9, 1.96)


@dataclass(frozen=True)
class Recipe:
    """Ranges that a garment of the upper body is drawn from.

    Attributes:
        odds: how often women and men wear it (relative).
        patterns: fabric pattern -> weight.
        sleeves: ranges of the sleeve's end, one is chosen; (0, 0) is sleeveless.
        hem: range of metres below the hip joints.
        necks: neck openings to choose from.
        ease, drape: ranges, see :class:`.cuts.TopShape`.
        details: names of the trims that it may carry, see ``_TOP_TRIMS``.
        opening: range of the gap's half width, None for closed.
        tail: range of the length of a coat's tails on the leg's coordinate, or None.
    """

    odds: tuple[float, float]
    patterns: dict[str, float]
    sleeves: tuple[tuple[float, float], ...]
    hem: tuple[float, float] = (-0.01, 0.09)
    necks: tuple[str, ...] = ('crew',)
    ease: tuple[float, float] = (0.004, 0.010)
    drape: tuple[float, float] = (0.35, 0.9)
    details: tuple[str, ...] = ()
    opening: tuple[float, float] | None = None
    tail: tuple[float, float] | None = None


TOPS = {
    'tee': Recipe((0.30, 0.42), _SOFT, (_SHORT,), necks=('crew', 'crew', 'v', 'scoop'),
                  details=('chest', 'ringer', 'raglan', 'block')),
    'tank': Recipe((0.14, 0.05), _SOFT, ((0, 0),), necks=('scoop', 'crew', 'v'),
                   drape=(0.3, 0.7)),
    'long_sleeve': Recipe((0.14, 0.12), _SOFT, (_LONG, _HALF), drape=(0.3, 0.6),
                          necks=('crew', 'boat', 'scoop', 'v'),
                          details=('raglan', 'chest', 'block')),
    'shirt': Recipe((0.10, 0.16), _SHIRT, (_LONG, _LONG, _SHORT),
                    ease=(0.006, 0.012), drape=(0.4, 1.0), details=('buttons',)),
    'polo': Recipe((0.03, 0.08), {'plain': 0.6, 'stripes': 0.4}, (_SHORT,),
                   details=('polo', 'ringer', 'bands')),
    'sweater': Recipe((0.12, 0.08), _WOOL, (_LONG,), ease=(0.010, 0.018),
                      drape=(0.5, 1.0), necks=('crew', 'v', 'crew'), hem=(0.0, 0.08),
                      details=('rib', 'bands')),
    'turtleneck': Recipe((0.06, 0.04), _WOOL, (_LONG,), necks=('turtle',),
                         ease=(0.006, 0.012), details=('rib',)),
    'hoodie': Recipe((0.06, 0.12), {'plain': 0.7, 'melange': 0.3}, (_LONG,),
                     ease=(0.014, 0.022), drape=(0.6, 1.0), hem=(0.0, 0.06),
                     details=('rib', 'hood', 'chest')),
    'blouse': Recipe((0.14, 0.0), _DRESS, (_SHORT, _HALF, _LONG, (0, 0)),
                     necks=('v', 'scoop', 'boat'), ease=(0.006, 0.014),
                     drape=(0.5, 1.0)),
}  # fmt: skip

OUTERS = {
    'blazer': Recipe((0.25, 0.3), _COAT, (_LONG,), hem=(0.04, 0.12), ease=(0.014, 0.02),
                     drape=(0.4, 0.8), details=('lapels',), opening=(0.02, 0.05)),
    'cardigan': Recipe((0.35, 0.1), _WOOL, (_LONG,), hem=(0.02, 0.2),
                       ease=(0.013, 0.02), drape=(0.6, 1.0), details=('rib',),
                       opening=(0.025, 0.07)),
    'jacket': Recipe((0.2, 0.35), {'denim': 0.4, 'leather': 0.35, 'plain': 0.25},
                     (_LONG,), hem=(-0.05, 0.03), ease=(0.014, 0.022),
                     drape=(0.3, 0.8), details=('collar', 'rib'),
                     opening=(0.01, 0.06)),
    'coat': Recipe((0.2, 0.15), _COAT, (_LONG,), hem=(-0.10, -0.10), ease=(0.016, 0.024),
                   drape=(0.5, 1.0), details=('lapels', 'collar'),
                   opening=(0.012, 0.05), tail=(0.55, 1.25)),
    'vest': Recipe((0.1, 0.15), _COAT, ((0, 0),), hem=(-0.02, 0.04), ease=(0.012, 0.018),
                   drape=(0.2, 0.6), details=('lapels',), opening=(0.012, 0.05)),
    'zipped': Recipe((0.1, 0.2), {'plain': 0.8, 'camouflage': 0.2}, (_LONG,),
                     hem=(0.0, 0.05), ease=(0.016, 0.026), drape=(0.6, 1.0),
                     details=('zip', 'rib', 'hood')),
}  # fmt: skip


@dataclass(frozen=True)
class Bottom:
    """Ranges that a garment of the lower body is drawn from.

    Attributes:
        odds: how often women and men wear it (relative).
        patterns: fabric pattern -> weight.
        length: range on the leg's coordinate.
        ease, flare: ranges, see :class:`.cuts.LegShape`; flare per metre for skirts.
        details: names of trims.
        skirt: hangs as a tube.
    """

    odds: tuple[float, float]
    patterns: dict[str, float]
    length: tuple[float, float]
    ease: tuple[float, float] = (0.005, 0.009)
    flare: tuple[float, float] = (0.0, 0.0)
    details: tuple[str, ...] = ()
    skirt: bool = False


BOTTOMS = {
    'jeans': Bottom((0.26, 0.34), {'denim': 1.0}, (1.88, 1.97), flare=(0.0, 0.02),
                    details=('jeans', 'belt')),
    'chinos': Bottom((0.10, 0.26), _TROUSER, (1.86, 1.97), (0.006, 0.012), (0.005, 0.025),
                     ('jeans', 'belt')),
    'leggings': Bottom((0.12, 0.0), {'plain': 0.85, 'print': 0.15}, (1.6, 1.95),
                       (0.003, 0.004)),
    'wide': Bottom((0.09, 0.04), _TROUSER, (1.8, 1.97), (0.010, 0.016), (0.04, 0.09)),
    'joggers': Bottom((0.05, 0.12), {'plain': 0.7, 'melange': 0.3}, (1.86, 1.93),
                      (0.012, 0.018), (0.0, 0.01), ('rib', 'stripe')),
    'shorts': Bottom((0.10, 0.04), {'denim': 0.5, **_TROUSER}, (0.42, 0.62),
                     (0.008, 0.014), (0.0, 0.01), ('jeans', 'belt')),
    'bermuda': Bottom((0.04, 0.20), _TROUSER, (0.75, 1.05), (0.010, 0.016),
                      (0.01, 0.03), ('jeans', 'belt', 'stripe')),
    'mini': Bottom((0.08, 0.0), _DRESS, (0.5, 0.68), (0.008, 0.012), (0.0, 0.35), (),
                   skirt=True),
    'pencil': Bottom((0.06, 0.0), _COAT, (0.85, 1.1), (0.006, 0.008), (-0.03, 0.02), (),
                     skirt=True),
    'a_line': Bottom((0.07, 0.0), _DRESS, (0.8, 1.25), (0.008, 0.014), (0.12, 0.4), (),
                     skirt=True),
    'long': Bottom((0.04, 0.0), _DRESS, (1.45, 1.85), (0.008, 0.014), (0.05, 0.25), (),
                   skirt=True),
}  # fmt: skip


@dataclass(frozen=True)
class Outfit:
    """Layers of a dressed body.

    Attributes:
        layers: garments.
        materials: by the names that the layers use.
        covered: (V,) metres by which each vertex of the body is under a garment.
        hangings: (layer index, ease) of tubes that keep off the legs.
    """

    layers: list[Layer] = field(default_factory=list)
    materials: dict[str, Material] = field(default_factory=dict)
    covered: np.ndarray | None = None
    hangings: list[tuple[int, float]] = field(default_factory=list)

    def add(self, layer: Layer, material: Material, over: np.ndarray | None) -> None:
        """Put a layer on; ``over`` (V,) is how far inside it the body is."""
        self.layers.append(layer)
        self.materials[layer.material] = material
        if over is not None:
            np.maximum(self.covered, over, out=self.covered)


def sample_outfit(rng: np.random.Generator, body: Body, female: bool) -> Outfit:
    """Draw an outfit for a body."""
    outfit = Outfit(covered=np.full(len(body.points), -1.0))
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
    fabric, painted = _dress_up(rng, body, top, outfit)
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
    fabric = make_fabric(rng, _choose(rng, bottom.patterns))
    if bottom.skirt:
        shape = SkirtShape(length, flare, rise, ease)
        _skirt(rng, body, outfit, shape, Cloth(fabric, (trims.Hem(),)), 'bottom')
        return ease + 0.012, flare
    shape = LegShape(length, ease, flare, rise)
    inside = cuts.trousers_field(body, shape)
    surface = garments.shell(body, inside, ease, rounds=14, sink=0.02)
    surface = garments.widen_legs(body, surface, flare)
    surface = garments.fold(surface, rng, 0.4 * ease)
    painted = _bottom_trims(rng, body, bottom, rise, fabric, showing)
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
    sleeves = ((0.0, 0.0), _SHORT, _HALF, _LONG)
    top = TopShape(
        sleeve=float(rng.uniform(*sleeves[rng.integers(4)])),
        hem=0.03 - rise,
        neck=str(rng.choice(['crew', 'scoop', 'v', 'boat'])),
        ease=float(rng.uniform(0.004, 0.008)),
        drape=0.0,
    )
    fabric = make_fabric(rng, _choose(rng, _DRESS))
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
    ease = max(0.8 * outer.shape.ease, base.chest + 0.005)
    hem = outer.shape.hem if base.flare is None else -base.rise - 0.01
    outer = replace(outer, shape=replace(outer.shape, ease=ease, hem=hem, drape=1.0))
    shape = outer.shape
    inside = cuts.top_field(body, shape)
    rise = body.points[:, 2] - cuts.hip_height(body) - base.rise
    low = 1 - smoothstep(0.0, 0.12, rise)
    room = ease + low * max(base.waist + 0.006 - ease, 0)
    surface = garments.shell(body, inside, room, rounds=8)
    surface = garments.drape_trunk(body, surface, shape.drape)
    surface = garments.fold(surface, rng, 0.3 * ease)
    fabric, painted = _dress_up(rng, body, outer, outfit)
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
    rng: np.random.Generator, body: Body, top: _Top, outfit: Outfit
) -> tuple[Fabric, tuple]:
    """Fabric and trims of a top; collars and hoods become layers of their own."""
    recipe, shape = top.recipe, top.shape
    fabric = make_fabric(rng, _choose(rng, recipe.patterns))
    painted: list = [trims.Hem()]
    material = 'outer' if recipe in OUTERS.values() else 'top'
    for name in recipe.details:
        painted += _TOP_TRIMS[name](rng, body, shape, fabric)
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
    return fabric, tuple(painted)


def _chest(rng, body, shape, fabric) -> list:
    if fabric.name not in ('plain', 'melange') or rng.random() < 0.45:
        return []
    ground = fabric.mean
    picture = trims.emblem(rng, ground, second_colour(rng, ground))
    height = body.heads['upperarm01.L'][2] - rng.uniform(0.06, 0.12)
    centre, size = (0.0, float(height)), float(rng.uniform(0.13, 0.24))
    if rng.random() < 0.2:
        centre, size = (0.08, float(height + 0.02)), 0.07
    return [trims.ChestPrint(centre, size, pyramid(picture))]


def _ringer(rng, body, shape, fabric) -> list:
    if rng.random() < 0.75:
        return []
    return [trims.Rib(0.016, second_colour(rng, fabric.mean))]


def _raglan(rng, body, shape, fabric) -> list:
    if rng.random() < 0.85:
        return []
    sleeves = make_fabric(rng, 'plain', second_colour(rng, fabric.mean))
    return [trims.Sleeves(sleeves, _ARMS)]


def _block(rng, body, shape, fabric) -> list:
    if rng.random() < 0.88:
        return []
    other = make_fabric(rng, 'plain', second_colour(rng, fabric.mean))
    height = cuts.hip_height(body) + rng.uniform(0.15, 0.32)
    return [trims.Block(other, float(height), bool(rng.random() < 0.6))]


def _bands(rng, body, shape, fabric) -> list:
    if fabric.name in ('stripes', 'argyle') or rng.random() < 0.65:
        return []
    top = body.heads['upperarm01.L'][2] - rng.uniform(0.05, 0.12)
    width = float(rng.uniform(0.02, 0.06))
    heights = tuple(
        float(top - 1.9 * width * i) for i in range(int(rng.integers(1, 4)))
    )
    return [trims.Bands(heights, width, second_colour(rng, fabric.mean))]


def _rib(rng, body, shape, fabric) -> list:
    tone = fabric.mean * 0.9
    if rng.random() < 0.25:
        tone = second_colour(rng, fabric.mean)
    return [trims.Rib(float(rng.uniform(0.03, 0.05)), tone)]


def _buttons(rng, body, shape, fabric) -> list:
    top = body.heads['neck01'][2] - 0.07
    bottom = cuts.hip_height(body) - shape.hem + 0.06
    tone = np.full(3, 0.9) if rng.random() < 0.6 else fabric.mean * 0.4
    return [trims.Placket(float(top), float(bottom), 6, tone)]


def _polo(rng, body, shape, fabric) -> list:
    top = body.heads['neck01'][2] - 0.06
    return [trims.Placket(float(top), float(top - 0.09), 3, np.full(3, 0.85))]


def _zip(rng, body, shape, fabric) -> list:
    bottom = cuts.hip_height(body) - shape.hem
    tone = np.full(3, rng.uniform(0.5, 0.85))
    return [trims.Zip(float(bottom), tone)]


def _lapels(rng, body, shape, fabric) -> list:
    start = float(body.heads['neck01'][2] + 0.02)
    end = float(cuts.hip_height(body) + rng.uniform(0.12, 0.28))
    return [trims.Lapels(start, end, shape.opening or 0.0)]


def _nothing(rng, body, shape, fabric) -> list:
    return []


_TOP_TRIMS = {
    'chest': _chest, 'ringer': _ringer, 'raglan': _raglan, 'block': _block,
    'bands': _bands, 'rib': _rib, 'buttons': _buttons, 'polo': _polo, 'zip': _zip,
    'lapels': _lapels, 'hood': _nothing, 'collar': _nothing,
}  # fmt: skip


def _bottom_trims(
    rng: np.random.Generator,
    body: Body,
    bottom: Bottom,
    rise: float,
    fabric: Fabric,
    showing: bool,
) -> tuple:
    hip = cuts.hip_height(body)
    painted: list = [trims.Hem(0.022)]
    if 'jeans' in bottom.details:
        stitch = 1.35 if fabric.name == 'denim' and rng.random() < 0.5 else 0.68
        painted.append(trims.Jeans(hip, hip + rise, stitch))
    if 'rib' in bottom.details:
        painted.append(trims.Rib(0.035, fabric.mean * 0.92))
    if 'stripe' in bottom.details and rng.random() < 0.45:
        tone = second_colour(rng, fabric.mean)
        count = int(rng.integers(1, 4))
        painted.append(trims.SideStripe(float(0.03 / count), tone, _LEGS, count))
    if 'belt' in bottom.details and showing and rng.random() < 0.7:
        tone = np.array([[0.08] * 3, [0.32, 0.2, 0.12], [0.55, 0.4, 0.26]])
        belt = tone[rng.integers(3)]
        painted.append(trims.Belt(hip + rise - 0.02, belt, np.full(3, 0.75)))
    return tuple(painted)


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
        [0.078 * np.sin(turn), -0.085 * np.cos(turn), 0.012 * np.cos(2 * turn)], 1
    )
    ring[:, 2] -= 0.03 * np.cos(turn).clip(0)
    path = base + ring
    wide = np.full(len(path), 0.030)
    around = sweep(path, wide, body.rigid(len(path), 'neck01'), around=12)
    fabric = make_fabric(rng, _choose(rng, _WOOL))
    layer = make_layer('scarf', body, around, 'scarf', TORSO, 'trunk')
    outfit.add(layer, Cloth(fabric), None)
