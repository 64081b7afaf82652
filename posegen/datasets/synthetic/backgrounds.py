"""Backgrounds: a studio's graded wall, or the blurred clutter of a street."""

from __future__ import annotations

import numpy as np

from posegen.datasets.synthetic.fabrics import (
    clothing_colour,
    sample_tile,
    smooth_noise,
)

KINDS = ('plain', 'street')


def plain_background(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """A light wall with a soft gradient, (H, W, 3) float in [0, 1]."""
    height, width = size
    tone = rng.uniform(0.84, 0.97) * (1 + rng.normal(0, 0.006, 3))
    y, x = np.meshgrid(
        np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing='ij'
    )
    fall = rng.uniform(0.0, 0.07) * y + rng.uniform(-0.02, 0.02) * x
    vignette = rng.uniform(0.0, 0.04) * (x**2 + y**2) / 2
    return np.clip(tone * (1 - fall - vignette)[..., None], 0, 1)


def street_background(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Blurred walls, doors, ground and passing shapes, (H, W, 3) float in [0, 1]."""
    height, width = size
    y, x = np.meshgrid(
        np.linspace(0, 1, height), np.linspace(0, 1, width), indexing='ij'
    )
    wall, ground = (
        clothing_colour(rng) * 0.5 + 0.25,
        rng.uniform(0.3, 0.65) + np.zeros(3),
    )
    horizon = rng.uniform(0.45, 0.85) + rng.normal(0, 0.08) * (x - 0.5)
    soft = rng.uniform(15, 60)
    picture = _over(
        np.zeros(3) + wall, ground, np.clip((y - horizon) * soft + 0.5, 0, 1)
    )
    for _ in range(int(rng.integers(3, 9))):
        left, broad = rng.uniform(-0.2, 1), rng.uniform(0.08, 0.5)
        top, tall = rng.uniform(-0.3, 0.7), rng.uniform(0.1, 0.7)
        edge = rng.uniform(8, 50)
        mask = _box(x, left, broad, edge) * _box(y, top, tall, edge)
        colour = clothing_colour(rng) * 0.6 + 0.15
        picture = _over(picture, colour, mask * rng.uniform(0.4, 1))
    noise = smooth_noise(rng, 4)[..., None].astype(np.float32)
    grain = sample_tile(noise, x.ravel() * 0.7, y.ravel() * 0.9).reshape(
        height, width, 1
    )
    return np.clip(picture * (1 + 0.07 * grain) * rng.uniform(0.8, 1.15), 0, 1)


def _box(t: np.ndarray, start: float, length: float, edge: float) -> np.ndarray:
    rise = np.clip((t - start) * edge + 0.5, 0, 1)
    return rise * np.clip((start + length - t) * edge + 0.5, 0, 1)


def _over(picture: np.ndarray, colour: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return picture + mask[..., None] * (colour - picture)
