from __future__ import annotations

import numpy as np
import pytest

from posegen.datasets.synthetic.fabrics import (
    PATTERNS,
    clothing_colour,
    looks_like_skin,
    make_fabric,
    sample_tile,
    second_colour,
)


@pytest.mark.parametrize('pattern', PATTERNS)
def test_every_pattern_is_a_colour_tile_with_its_mean_at_the_top(pattern):
    fabric = make_fabric(np.random.default_rng(1), pattern)
    tile = fabric.mips[0]
    assert tile.shape == (128, 128, 3)
    assert tile.min() >= 0
    assert tile.max() <= 1
    np.testing.assert_allclose(fabric.mean, tile.mean((0, 1)), atol=1e-4)
    again = make_fabric(np.random.default_rng(1), pattern)
    np.testing.assert_array_equal(tile, again.mips[0])


def test_sampling_is_periodic_and_hits_texel_centres():
    tile = np.random.default_rng(0).random((8, 8, 3)).astype(np.float32)
    t = (np.arange(8) + 0.5) / 8
    samples = sample_tile(tile, t, np.full(8, t[3]))
    np.testing.assert_allclose(samples, tile[3], atol=1e-6)
    shifted = sample_tile(tile, t + 3, np.full(8, t[3] - 2))
    np.testing.assert_allclose(shifted, samples, atol=1e-5)


def test_a_far_fabric_is_its_mean_colour():
    fabric = make_fabric(np.random.default_rng(2), 'stripes')
    u = np.linspace(0, 3, 20)
    near = fabric.colour(u, u, footprint=1e-4)
    far = fabric.colour(u, u, footprint=10.0)
    assert near.std(0).max() > 0.05
    np.testing.assert_allclose(far, np.broadcast_to(fabric.mean, far.shape), atol=1e-6)


def test_second_colours_can_be_told_from_the_first():
    rng = np.random.default_rng(3)
    for _ in range(50):
        first = clothing_colour(rng)
        assert np.abs(second_colour(rng, first) - first).sum() > 0.3


@pytest.mark.parametrize(
    'tone', [(0.9, 0.73, 0.63), (0.6, 0.42, 0.31), (0.4, 0.26, 0.19)]
)
def test_no_cloth_looks_like_bare_skin(tone):
    skin = np.array(tone)
    rng = np.random.default_rng(0)
    for pattern in PATTERNS:
        for _ in range(4):
            fabric = make_fabric(rng, pattern, skin=skin)
            assert not looks_like_skin(fabric.mean, skin)
    assert not looks_like_skin(second_colour(rng, skin, skin), skin)


def test_shaded_skin_looks_like_skin_and_blue_does_not():
    skin = np.array([0.87, 0.68, 0.55])
    assert looks_like_skin(0.8 * skin, skin)
    assert looks_like_skin(np.array([0.8, 0.65, 0.5]), skin)
    assert not looks_like_skin(np.array([0.3, 0.4, 0.7]), skin)
    assert not looks_like_skin(np.full(3, 0.9), skin)
