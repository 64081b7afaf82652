from __future__ import annotations

import numpy as np
import pytest

from posegen.datasets.synthetic.places import KINDS, Place, sample_place

SIZE = (64, 48)


@pytest.mark.parametrize('kind', list(KINDS))
def test_every_kind_of_place_is_a_picture(kind):
    for seed in range(6):
        rng = np.random.default_rng(seed)
        place = sample_place(rng, SIZE, 0.95, rng.uniform(-0.3, 0.6), kind=kind)
        assert place.kind == kind
        window = place.window(SIZE, 1.0, np.zeros(2))
        assert window.shape == (*SIZE, 3)
        assert np.isfinite(window).all()
        assert window.min() >= 0
        assert window.max() <= 1
        assert place.wall > 0


def test_studios_are_light_and_streets_have_content():
    def windows(kind: str) -> list[np.ndarray]:
        return [
            sample_place(np.random.default_rng(seed), SIZE, 0.95, 0.4, kind=kind)
            .window(SIZE, 1.0, np.zeros(2))
            for seed in range(12)
        ]  # fmt: skip

    assert np.median([window.mean() for window in windows('studio')]) > 0.8
    assert np.median([window.std() for window in windows('street')]) > 0.08


def _ramp() -> Place:
    """A place whose colors tell the base picture's x, y."""
    y, x = np.mgrid[-20:120, -30:130].astype(np.float32)
    picture = np.stack([x, y, 0 * x], -1)
    return Place('wall', picture, 1.0, np.array([30.0, 20.0]), 1.0, 0.0)


def test_a_window_starts_at_the_shift():
    window = _ramp().window(SIZE, 1.0, np.array([5.0, -3.0]))
    np.testing.assert_allclose(window[10, 20, :2], [15, 13], atol=0.01)


def test_a_zoomed_window_shows_less():
    window = _ramp().window(SIZE, 2.0, np.array([-8.0, 0.0]))
    np.testing.assert_allclose(window[10, 20, :2], [14, 5], atol=0.1)


def test_a_wide_window_shows_more_and_is_averaged():
    window = _ramp().window(SIZE, 0.5, np.zeros(2))
    np.testing.assert_allclose(window[10, 20, :2], [40, 20], atol=0.1)
