"""Other light, the same for both images."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from posegen.datasets.draws import Draw
from posegen.datasets.transforms import ColorJitterPair
from posegen.datasets.transforms.color import color_matrix
from posegen.utils.errors import ConfigError
from tests.datasets.transforms.helpers import copy_of, follow_blobs, make_results

STRONG = {'brightness': 0.5, 'contrast': 0.5, 'saturation': 0.8, 'hue': 0.4}


def apply(colour: tuple[float, ...], **options: float) -> np.ndarray:
    return color_matrix(**options) @ [*colour, 1]


def test_nothing_changes_nothing():
    np.testing.assert_allclose(color_matrix(), np.eye(3, 4), atol=1e-12)
    results = make_results()
    before = copy_of(results)
    ColorJitterPair(0, 0, 0, 0)(results)
    ColorJitterPair(**STRONG, prob=0)(results)
    np.testing.assert_array_equal(results['source_image'], before['source_image'])


def test_known_colours():
    np.testing.assert_allclose(apply((10, 20, 30), brightness=1.5), [15, 30, 45])
    np.testing.assert_allclose(apply((127.5,) * 3, contrast=0.3), 127.5)
    np.testing.assert_allclose(apply((27.5,) * 3, contrast=0.5), 77.5)
    grey = 0.299 * 200 + 0.587 * 100 + 0.114 * 50
    np.testing.assert_allclose(apply((200, 100, 50), saturation=0.0), grey, rtol=1e-3)
    np.testing.assert_allclose(apply((80, 80, 80), hue=0.3), 80, rtol=1e-3)


def test_saturation_is_pillows():
    image = Image.fromarray(make_results()['source_image'])
    for factor in (0.0, 0.6, 1.4):
        expected = np.asarray(ImageEnhance.Color(image).enhance(factor)).astype(int)
        pixels = np.asarray(image) @ color_matrix(saturation=factor)[:, :3].T
        assert np.abs(np.clip(pixels, 0, 255) - expected).max() <= 2


def test_hue_turns_the_colour_circle():
    for turn in (0.1, -0.25):
        for colour in ((150, 110, 120), (100, 130, 115)):
            before = colorsys.rgb_to_hsv(*(np.array(colour) / 255))[0]
            after = colorsys.rgb_to_hsv(*(apply(colour, hue=turn) / 255))[0]
            turned = (after - before + 0.5) % 1 - 0.5
            assert abs(turned) == pytest.approx(abs(turn), abs=0.06)
    whole = color_matrix(hue=0.5) @ np.vstack([color_matrix(hue=0.5), [0, 0, 0, 1]])
    np.testing.assert_allclose(whole, np.eye(3, 4), atol=1e-9)


@pytest.mark.parametrize('place', range(5))
def test_equal_colours_stay_equal_in_both_images(place):
    results = make_results(index=Draw(0, 0, place))
    results['target_image'] = results['source_image'][::-1, ::-1].copy()
    before = copy_of(results)
    after = ColorJitterPair(**STRONG)(results)
    assert (after['source_image'] != before['source_image']).mean() > 0.5
    np.testing.assert_array_equal(
        after['target_image'], after['source_image'][::-1, ::-1]
    )
    np.testing.assert_array_equal(after['source_keypoints'], before['source_keypoints'])


def test_draws_differ_and_stay_in_their_range():
    factors = []
    for place in range(200):
        results = make_results(index=Draw(0, 0, place))
        results['source_image'][:] = 100
        after = ColorJitterPair(0.2, 0, 0, 0)(results)['source_image']
        factors.append(after[0, 0, 0] / 100)
    assert 0.8 <= min(factors) < 0.82 and 1.18 < max(factors) <= 1.2


def test_a_spot_stays_at_its_joint():
    for spot, joint in follow_blobs(ColorJitterPair(), (40, 32)):
        np.testing.assert_allclose(spot, joint, atol=0.1)


@pytest.mark.parametrize(
    'option, limit',
    [('hue', 0.5), ('brightness', 1), ('contrast', 1), ('saturation', 1), ('prob', 1)],
)
def test_wrong_arguments(option, limit):
    ColorJitterPair(**{option: limit})
    for wrong in (limit + 0.1, -0.1, None):
        with pytest.raises(ConfigError, match=f'{option} must be a number in'):
            ColorJitterPair(**{option: wrong})
