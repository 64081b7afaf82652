"""Sampling a person: a body, an outfit, a head - always dressed."""

from __future__ import annotations

import numpy as np

from posegen.datasets.synthetic.body import FINGER_CURL, Body, shape_body
from posegen.datasets.synthetic.fabrics import make_fabric
from posegen.datasets.synthetic.figure import Figure, assemble
from posegen.datasets.synthetic.heads import (
    STANDARD_HAIR,
    HairOdds,
    sample_head,
    sample_skin,
)
from posegen.datasets.synthetic.layers import Layer, make_layer
from posegen.datasets.synthetic.materials import Cloth
from posegen.datasets.synthetic.outfits import sample_outfit
from posegen.datasets.synthetic.surface import Surface

#: Skin deeper under a garment than this (metres from its edges) is left out.
_HIDDEN = 0.03


def sample_person(
    rng: np.random.Generator,
    hair_odds: HairOdds = STANDARD_HAIR,
    curl: float = FINGER_CURL,
) -> Figure:
    """Draw a whole dressed person.

    Args:
        rng: source of randomness.
        hair_odds: how often which hair is drawn.
        curl: degrees that each finger joint is bent.
    """
    body, female = sample_body(rng, curl)
    skin = sample_skin(rng)
    outfit = sample_outfit(rng, body, skin, female)
    head, colours = sample_head(rng, body, skin, female, hair_odds)
    lining = np.clip(_main_cloth(outfit.materials).fabric.mean * 0.8, 0, 1)
    materials = {
        **outfit.materials,
        **colours,
        'under': Cloth(make_fabric(rng, 'plain', lining)),
    }
    bare = _bare_layers(body, outfit.covered)
    layers = outfit.layers + head + bare
    return assemble(body, layers, materials, outfit.hangings)


def _main_cloth(materials: dict) -> Cloth:
    return materials.get('bottom', materials['top'])


def sample_body(
    rng: np.random.Generator, curl: float = FINGER_CURL
) -> tuple[Body, bool]:
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
    return shape_body(phenotype, curl), female


def _bare_layers(body: Body, covered: np.ndarray) -> list[Layer]:
    """Skin that shows, and a lining wherever skin must not."""
    model = body.model
    triangles = model.triangles
    eyes = (model.eyes[triangles] > 0.5).all(1)
    hidden = (covered[triangles] > _HIDDEN).all(1) & ~eyes
    under = must_cover(body)[triangles].any(1) & ~hidden & ~eyes
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
