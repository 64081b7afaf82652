"""Worse pictures."""

from __future__ import annotations

import numpy as np
import pytest

from posegen.datasets.draws import Draw
from posegen.datasets.transforms import DegradePair
from posegen.datasets.transforms.degrade import (
    Degradation,
    add_noise,
    blur_image,
    jpeg_image,
    lose_resolution,
)
from posegen.registry import TRANSFORMS
from posegen.utils.errors import ConfigError
from tests.datasets.transforms.helpers import (
    copy_of,
    find_blob,
    make_results,
    make_truth,
    put_blob,
    resized,
)

NOTHING = dict(blur_prob=0, downscale_prob=0, noise_prob=0, jpeg_prob=0)


@pytest.fixture
def spot():
    image = np.zeros((40, 32, 3), np.uint8)
    put_blob(image, 14.25, 21.5, sigma=4)
    return image


@pytest.mark.parametrize(
    'degrade',
    [
        lambda image: blur_image(image, 1.5),
        lambda image: lose_resolution(image, 2.7),
        lambda image: jpeg_image(image, 40),
    ],
)
def test_things_stay_where_they_are(spot, degrade):
    degraded = degrade(spot)
    assert (degraded != spot).any()
    assert degraded.dtype == np.uint8
    np.testing.assert_allclose(find_blob(degraded), find_blob(spot), atol=0.15)


def test_lost_resolution_is_lost():
    image = make_results()['source_image']
    assert (lose_resolution(image, 1) == image).all()
    stds = [lose_resolution(image, factor).std() for factor in (1, 2, 4, 100)]
    assert stds == sorted(stds, reverse=True)
    assert stds[-1] < 2  # a single pixel


def test_noise_has_its_standard_deviation():
    grey = np.full((64, 64, 3), 128, np.uint8)
    noise = add_noise(grey, 6.0, np.random.default_rng(0)).astype(float) - 128
    assert noise.std() == pytest.approx(6, rel=0.05)
    assert abs(noise.mean()) < 0.2


def test_jpeg_keeps_red_red():
    red = np.zeros((16, 16, 3), np.uint8)
    red[..., 0] = 200
    assert np.abs(jpeg_image(red, 95).astype(int) - red).max() < 6
    image = make_results()['source_image']
    errors = [np.abs(jpeg_image(image, q).astype(int) - image).mean() for q in (95, 20)]
    assert errors[0] < errors[1]


@pytest.mark.parametrize('same', [True, False])
def test_one_draw_for_both_images_or_two(same):
    draws = []
    for place in range(40):
        results = resized(index=Draw(0, 1, place))
        results['source_image'] = results['target_image']
        after = DegradePair(noise_prob=0, same=same)(results)
        draws.append((after['source_image'] == after['target_image']).all())
    assert all(draws) if same else sum(draws) < 20


def test_noise_is_no_pattern_that_both_share():
    results = resized(index=Draw(0, 1, 0))
    results['source_image'] = results['target_image']
    after = DegradePair(**NOTHING | dict(noise_prob=1))(results)
    assert (after['source_image'] != after['target_image']).any()


def test_joints_and_truth_stay():
    results = resized(index=Draw(0, 1, 0), **make_truth())
    before = copy_of(results)
    after = DegradePair(blur_prob=1)(dict(results))
    for key, value in before.items():
        np.testing.assert_array_equal(results[key], value)
        if isinstance(value, np.ndarray):
            changed = (after[key] != value).any()
            assert changed == key.endswith('_image'), key


def test_chances_and_limits():
    rng, transform = np.random.default_rng(0), DegradePair()
    draws = [transform._draw(rng) for _ in range(3000)]
    for name, prob, low, high in (
        ('sigma', 0.3, 0.3, 1.5),
        ('factor', 0.3, 1, 3),
        ('std', 0.3, 1, 8),
        ('quality', 0.5, 30, 95),
    ):
        values = [getattr(draw, name) for draw in draws]
        drawn = [value for value in values if value is not None]
        assert len(drawn) / len(draws) == pytest.approx(prob, abs=0.03)
        margin = 0.03 * (high - low)
        assert low <= min(drawn) < low + margin
        assert high - margin < max(drawn) <= high


def test_nothing_may_happen():
    image = make_results()['source_image']
    assert Degradation()(image, np.random.default_rng(0)) is image


def test_its_place():
    with pytest.raises(ConfigError, match='DegradePair must come after ResizePair or'):
        DegradePair()(make_results())


@pytest.mark.parametrize(
    'options, message',
    [
        ({'blur_prob': 2}, r'blur_prob must be a number in \[0, 1\], got 2'),
        ({'downscale': (0.5, 2)}, 'downscale must be a number at least 1, got 0.5'),
        ({'jpeg_quality': (30, 101)}, r'jpeg_quality must be a number in \[1, 100\]'),
        ({'jpeg_quality': (9.5, 50)}, 'jpeg_quality must be whole numbers, got'),
        ({'noise_std': (3, 1)}, r'noise_std must be \(least, greatest\), got \(3, 1\)'),
    ],
)
def test_wrong_arguments(options, message):
    with pytest.raises(ConfigError, match=message):
        TRANSFORMS.build(dict(type='DegradePair', **options))
