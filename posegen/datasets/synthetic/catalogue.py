"""The catalogue of garments: data only. Recipes give ranges, outfits draw from them."""

from __future__ import annotations

from dataclasses import dataclass

#: Fabric patterns and their weights, by kind of garment.
SOFT = {'plain': 0.4, 'stripes': 0.22, 'print': 0.12, 'dots': 0.08, 'tie_dye': 0.05,
         'plaid': 0.05, 'camouflage': 0.03, 'argyle': 0.02,
         'leopard': 0.03}  # fmt: skip
SHIRT = {'plain': 0.4, 'plaid': 0.28, 'stripes': 0.16, 'print': 0.08, 'denim': 0.08}
WOOL = {'knit': 0.45, 'plain': 0.2, 'stripes': 0.15, 'argyle': 0.1, 'melange': 0.1}
COAT = {'plain': 0.4, 'melange': 0.25, 'herringbone': 0.15, 'plaid': 0.1, 'knit': 0.1}
DRESS = {'plain': 0.32, 'print': 0.28, 'dots': 0.14, 'stripes': 0.12, 'plaid': 0.06,
          'leopard': 0.04, 'tie_dye': 0.04}  # fmt: skip
TROUSER = {'plain': 0.6, 'melange': 0.12, 'plaid': 0.08, 'stripes': 0.06,
            'print': 0.06, 'camouflage': 0.04, 'herringbone': 0.04}  # fmt: skip
#: Ranges of a sleeve's end on the arm's coordinate.
SHORT, HALF, LONG = (0.38, 0.6), (1.1, 1.45), (1.9, 1.96)


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
        details: what it may carry: keys of :data:`.tailor.TOP_TRIMS`, 'collar', 'hood'.
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
    'tee': Recipe((0.30, 0.42), SOFT, (SHORT,), necks=('crew', 'crew', 'v', 'scoop'),
                  details=('chest', 'ringer', 'raglan', 'block')),
    'tank': Recipe((0.14, 0.05), SOFT, ((0, 0),), necks=('scoop', 'crew', 'v'),
                   drape=(0.3, 0.7)),
    'long_sleeve': Recipe((0.14, 0.12), SOFT, (LONG, HALF), drape=(0.3, 0.6),
                          necks=('crew', 'boat', 'scoop', 'v'),
                          details=('raglan', 'chest', 'block')),
    'shirt': Recipe((0.10, 0.16), SHIRT, (LONG, LONG, SHORT),
                    ease=(0.006, 0.012), drape=(0.4, 1.0), details=('buttons',)),
    'polo': Recipe((0.03, 0.08), {'plain': 0.6, 'stripes': 0.4}, (SHORT,),
                   details=('polo', 'ringer', 'bands')),
    'sweater': Recipe((0.12, 0.08), WOOL, (LONG,), ease=(0.010, 0.018),
                      drape=(0.5, 1.0), necks=('crew', 'v', 'crew'), hem=(0.0, 0.08),
                      details=('rib', 'bands')),
    'turtleneck': Recipe((0.06, 0.04), WOOL, (LONG,), necks=('turtle',),
                         ease=(0.006, 0.012), details=('rib',)),
    'hoodie': Recipe((0.06, 0.12), {'plain': 0.7, 'melange': 0.3}, (LONG,),
                     ease=(0.014, 0.022), drape=(0.6, 1.0), hem=(0.0, 0.06),
                     details=('rib', 'hood', 'chest')),
    'blouse': Recipe((0.14, 0.0), DRESS, (SHORT, HALF, LONG, (0, 0)),
                     necks=('v', 'scoop', 'boat'), ease=(0.006, 0.014),
                     drape=(0.5, 1.0)),
}  # fmt: skip

OUTERS = {
    'blazer': Recipe((0.25, 0.3), COAT, (LONG,), hem=(0.04, 0.12), ease=(0.011, 0.016),
                     drape=(1.0, 1.0), details=('lapels',), opening=(0.02, 0.05)),
    'cardigan': Recipe((0.35, 0.1), WOOL, (LONG,), hem=(0.02, 0.2),
                       ease=(0.010, 0.016), drape=(1.0, 1.0), details=('rib',),
                       opening=(0.025, 0.07)),
    'jacket': Recipe((0.2, 0.35), {'denim': 0.4, 'leather': 0.35, 'plain': 0.25},
                     (LONG,), hem=(-0.05, 0.03), ease=(0.011, 0.018),
                     drape=(1.0, 1.0), details=('collar', 'rib'),
                     opening=(0.01, 0.06)),
    'coat': Recipe((0.2, 0.15), COAT, (LONG,), hem=(-0.10, -0.10),
                   ease=(0.013, 0.020), drape=(1.0, 1.0),
                   details=('lapels', 'collar'), opening=(0.012, 0.05),
                   tail=(0.55, 1.25)),
    'vest': Recipe((0.1, 0.15), COAT, ((0, 0),), hem=(-0.02, 0.04),
                   ease=(0.010, 0.014), drape=(1.0, 1.0), details=('lapels',),
                   opening=(0.012, 0.05)),
    'zipped': Recipe((0.1, 0.2), {'plain': 0.8, 'camouflage': 0.2}, (LONG,),
                     hem=(0.0, 0.05), ease=(0.013, 0.021), drape=(1.0, 1.0),
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
    'chinos': Bottom((0.10, 0.26), TROUSER, (1.86, 1.97), (0.006, 0.012),
                     (0.005, 0.025), ('jeans', 'belt')),
    'leggings': Bottom((0.12, 0.0), {'plain': 0.85, 'print': 0.15}, (1.6, 1.95),
                       (0.003, 0.004)),
    'wide': Bottom((0.09, 0.04), TROUSER, (1.8, 1.97), (0.010, 0.016), (0.04, 0.09)),
    'joggers': Bottom((0.05, 0.12), {'plain': 0.7, 'melange': 0.3}, (1.86, 1.93),
                      (0.012, 0.018), (0.0, 0.01), ('rib', 'stripe')),
    'shorts': Bottom((0.10, 0.04), {'denim': 0.5, **TROUSER}, (0.42, 0.62),
                     (0.008, 0.014), (0.0, 0.01), ('jeans', 'belt')),
    'bermuda': Bottom((0.04, 0.20), TROUSER, (0.75, 1.05), (0.010, 0.016),
                      (0.01, 0.03), ('jeans', 'belt', 'stripe')),
    'mini': Bottom((0.08, 0.0), DRESS, (0.5, 0.68), (0.008, 0.012), (0.0, 0.35), (),
                   skirt=True),
    'pencil': Bottom((0.06, 0.0), COAT, (0.85, 1.1), (0.006, 0.008), (-0.03, 0.02), (),
                     skirt=True),
    'a_line': Bottom((0.07, 0.0), DRESS, (0.8, 1.25), (0.008, 0.014), (0.12, 0.4), (),
                     skirt=True),
    'long': Bottom((0.04, 0.0), DRESS, (1.45, 1.85), (0.008, 0.014), (0.05, 0.25), (),
                   skirt=True),
}  # fmt: skip
