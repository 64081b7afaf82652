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
    tone = rng.uniform(0.84, 0.97) * (1 + rng.normal(0, 0.006, 3))
    y, x = _unit_grid(size, -1, 1)
    fall = rng.uniform(0.0, 0.07) * y + rng.uniform(-0.02, 0.02) * x
    vignette = rng.uniform(0.0, 0.04) * (x**2 + y**2) / 2
    return np.clip(tone * (1 - fall - vignette)[..., None], 0, 1)


def street_background(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Blurred walls, doors, ground and passing shapes, (H, W, 3) float in [0, 1]."""
    y, x = _unit_grid(size, 0, 1)
    horizon = rng.uniform(0.5, 0.85) + rng.normal(0, 0.06) * (x - 0.5)
    picture = np.broadcast_to(_dull(rng), (*size, 3))
    for _ in range(int(rng.integers(3, 9))):
        left, broad = rng.uniform(-0.2, 1), rng.uniform(0.06, 0.45)
        top, tall = rng.uniform(-0.3, 0.6), rng.uniform(0.15, 0.8)
        edge = rng.uniform(10, 60)
        mask = _box(x, left, broad, edge) * _box(y, top, tall, edge)
        picture = _over(picture, _dull(rng), mask * rng.uniform(0.3, 1))
    ground = rng.uniform(0.35, 0.65) * (1 + rng.normal(0, 0.02, 3))
    below = np.clip((y - horizon) * rng.uniform(20, 70) + 0.5, 0, 1)
    picture = _over(picture, ground, below)
    picture = picture * (1 + 0.12 * (y - horizon) * below)[..., None]
    grain = sample_tile(_cloud(rng), x.ravel() * 0.45, y.ravel() * 0.6)
    picture = picture * (1 + 0.045 * grain.reshape(*size, 1))
    return np.clip(picture * rng.uniform(0.8, 1.15), 0, 1)


def _unit_grid(
    size: tuple[int, int], low: float, high: float
) -> tuple[np.ndarray, np.ndarray]:
    """Rows' and columns' coordinates, from low to high over the picture."""
    axes = [np.linspace(low, high, length) for length in size]
    return tuple(np.meshgrid(*axes, indexing='ij'))


def _dull(rng: np.random.Generator) -> np.ndarray:
    colour = clothing_colour(rng)
    return 0.15 + 0.65 * (colour.mean() + 0.55 * (colour - colour.mean()))


def _cloud(rng: np.random.Generator) -> np.ndarray:
    return smooth_noise(rng, 3)[..., None].astype(np.float32)


def _box(t: np.ndarray, start: float, length: float, edge: float) -> np.ndarray:
    rise = np.clip((t - start) * edge + 0.5, 0, 1)
    return rise * np.clip((start + length - t) * edge + 0.5, 0, 1)


def _over(picture: np.ndarray, colour: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return picture + mask[..., None] * (colour - picture)
