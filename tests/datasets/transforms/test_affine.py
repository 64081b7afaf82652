"""Jitter of images, joints and truths together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posegen.datasets.draws import Draw
from posegen.datasets.transforms import AffinePair, ResizePair
from posegen.datasets.transforms.affine import (
    affine_matrix,
    move_keypoints,
    warp_image,
)
from posegen.datasets.transforms.truth import resize_matrix
from posegen.utils.errors import ConfigError
from tests.datasets.transforms.helpers import (
    SIZE,
    copy_of,
    find_blob,
    follow_blobs,
    make_results,
    make_truth,
    put_blob,
)

STORED = [SIZE, (120, 96), (27, 41)]
STILL = {'angle': 0.0}
WILD = {'angle': 30.0, 'shift': 4.0, 'scale': (0.8, 1.3)}


def apply(matrix: np.ndarray, x: float, y: float) -> np.ndarray:
    return (matrix @ [x, y, 1])[:2]


def test_known_matrices():
    size = (128, 64)  # turned about x = 32, y = 64
    np.testing.assert_allclose(apply(affine_matrix(size), 3, 4), [3, 4])
    turned = affine_matrix(size, angle=90)
    np.testing.assert_allclose(apply(turned, 32 + 10, 64), [32, 64 + 10], atol=1e-9)
    scaled = affine_matrix(size, scale=2.0, shift=(1, -3))
    np.testing.assert_allclose(apply(scaled, 32 + 5, 64 + 7), [32 + 11, 64 + 11])
    assert (affine_matrix(size) == np.eye(3)).all()


def test_resize_matrix_takes_pixel_areas_to_pixel_areas():
    matrix = resize_matrix((100, 50), (200, 25))
    np.testing.assert_allclose(apply(matrix, -0.5, -0.5), [-0.5, -0.5])
    np.testing.assert_allclose(apply(matrix, 49.5, 99.5), [24.5, 199.5])


@pytest.mark.parametrize('resample', ['nearest', 'bilinear'])
def test_a_shift_by_whole_pixels_is_exact(resample):
    image = make_results()['source_image']
    moved = warp_image(
        image, affine_matrix(SIZE, shift=(3, -2)), SIZE, resample, (1, 2, 3)
    )
    np.testing.assert_array_equal(moved[:-2, 3:], image[2:, :-3])
    assert (moved[-2:] == [1, 2, 3]).all()
    assert (moved[:, :3] == [1, 2, 3]).all()


def test_a_quarter_turn_is_exact():
    image = make_results((33, 33))['source_image']
    middle = affine_matrix((33, 33), 90, shift=(-1, 0))  # about x = y = 16
    turned = warp_image(image, middle, (33, 33))
    np.testing.assert_array_equal(turned, np.rot90(image, -1))


def test_bilinear_reads_between_pixels():
    ramp = (
        np.arange(0, 160, 4, dtype=np.uint8)[:, None, None].repeat(32, 1).repeat(3, 2)
    )
    moved = warp_image(ramp, affine_matrix(SIZE, shift=(0, 0.5)), SIZE, 'bilinear')
    np.testing.assert_array_equal(moved[1:, 0, 0], ramp[1:, 0, 0] - 2)


@pytest.mark.parametrize('stored', STORED)
@pytest.mark.parametrize('resample', ['nearest', 'bilinear'])
@pytest.mark.parametrize('seed', range(5))
def test_a_spot_moves_with_its_joint(stored, resample, seed):
    transform = AffinePair(WILD, WILD, resample=resample, fill=(0, 0, 0))
    for spot, joint in follow_blobs(transform, stored, index=Draw(0, seed, 0)):
        np.testing.assert_allclose(spot, joint, atol=0.15)


@settings(max_examples=40, deadline=None)
@given(
    st.floats(-40, 40),
    st.tuples(st.floats(-6, 6), st.floats(-6, 6)),
    st.floats(0.7, 1.4),
    st.sampled_from(STORED),
)
def test_images_and_joints_move_alike(angle, shift, scale, stored):
    matrix = affine_matrix(SIZE, angle, shift, scale) @ resize_matrix(stored, SIZE)
    image = np.zeros((*stored, 3), np.uint8)
    point = np.array([0.5 * stored[1], 0.55 * stored[0]])
    put_blob(image, *point, sigma=stored[0] / 25)
    keypoints = np.array([[*point, 0.7]], np.float32)
    moved = move_keypoints(keypoints, matrix)[0]
    warped = warp_image(image, matrix, SIZE, 'bilinear', (0, 0, 0))
    np.testing.assert_allclose(find_blob(warped), moved[:2], atol=0.15)
    assert moved[2] == keypoints[0, 2]


def test_missing_joints_stay_missing_and_far_ones_stay():
    keypoints = np.array([[0, 0, 0], [31, 0, 1]], np.float32)
    moved = move_keypoints(keypoints, affine_matrix(SIZE, shift=(20, -5)))
    assert moved.tolist() == [[0, 0, 0], [51, -5, 1]]


@pytest.mark.parametrize('stored', STORED)
@pytest.mark.parametrize('scaling', ['gfla', 'center'])
@pytest.mark.parametrize('options', [{'prob': 0.0}, {'source': {}, 'target': STILL}])
def test_without_jitter_it_is_resize_pair(stored, scaling, options):
    expected = ResizePair()(make_results(stored=stored, scaling=scaling))
    got = AffinePair(**options)(make_results(stored=stored, scaling=scaling))
    for side in ('source', 'target'):
        for key in (f'{side}_image', f'{side}_keypoints'):
            np.testing.assert_array_equal(got[key], expected[key])


def test_a_side_without_jitter_is_only_resized():
    expected = ResizePair()(make_results(stored=(80, 50)))
    got = AffinePair(target={})(make_results(stored=(80, 50)))
    np.testing.assert_array_equal(got['target_image'], expected['target_image'])
    assert (got['source_image'] != expected['source_image']).any()


@pytest.mark.parametrize('factor', [1.5, 2, 5])
def test_what_shrinks_is_as_smooth_as_a_resize(factor):
    """Noise, where point sampling would keep the full contrast."""
    stored = tuple(round(length * factor) for length in (100, 90))
    image = make_results(stored=stored)['source_image']
    resized = ResizePair()(make_results((100, 90), stored))['source_image']
    matrix = affine_matrix((100, 90), angle=1e-6) @ resize_matrix(stored, (100, 90))
    warped = warp_image(image, matrix, (100, 90), 'bilinear')
    assert warped.std() == pytest.approx(resized.std(), rel=0.25)
    correlation = np.corrcoef(warped.ravel(), resized.ravel())[0, 1]
    assert correlation > 0.9


def test_the_published_ranges_are_the_default():
    transform = AffinePair()
    rng = np.random.default_rng(0)
    draws = [transform._draw(rng, (128, 64)) for _ in range(2000)]
    for side, angle, shift, scale in (
        ('source', 5, 5, (0.95, 1.05)),
        ('target', 1, 2.5, (1, 1)),
    ):
        matrices = np.array([draw[side] for draw in draws])
        scales = np.sqrt(np.linalg.det(matrices[:, :2, :2]))
        angles = np.degrees(np.arctan2(matrices[:, 1, 0], matrices[:, 0, 0]))
        shifts = (matrices @ [32, 64, 1])[:, :2] - [32, 64]
        for values, low, high in (
            (scales, *scale),
            (angles, -angle, angle),
            (shifts[:, 0], -shift, shift),
            (shifts[:, 1], -shift, shift),
        ):
            margin = 0.01 * (high - low) + 1e-9
            assert low - 1e-9 <= values.min() <= low + margin
            assert high - margin <= values.max() <= high + 1e-9
    sources = np.array([draw['source'][0, 2] for draw in draws])
    targets = np.array([draw['target'][0, 2] for draw in draws])
    assert abs(np.corrcoef(sources, targets)[0, 1]) < 0.1
    assert (transform.resample, transform.fill) == ('nearest', (128, 128, 128))


def test_a_draw_decides():
    def images(place: int) -> bytes:
        return AffinePair()(make_results(index=Draw(4, 7, place)))['source_image']

    np.testing.assert_array_equal(images(1), images(1))
    assert (images(1) != images(2)).any()


@pytest.mark.parametrize('jitter', [{}, dict(shift=5.0)])
def test_two_draws_show_two_places(jitter):
    results = make_results(generator=np.random.default_rng(0)) | {'same_place': True}
    moved = AffinePair(source=jitter, target=jitter)(results)
    assert moved['same_place'] is not bool(jitter)


def test_inputs_are_not_written_to():
    results = make_results(**make_truth())
    before = copy_of(results)
    AffinePair()(dict(results))
    for key, value in before.items():
        np.testing.assert_array_equal(results[key], value)


@pytest.mark.parametrize(
    'options, message',
    [
        ({'prob': 1.5}, r'prob must be a number in \[0, 1\], got 1.5'),
        ({'resample': 'cubic'}, "resample must be one of .*, got 'cubic'"),
        ({'source': {'angle': -5}}, r'angle must be a number in \[0, 180\], got -5'),
        ({'source': {'shift': -1}}, 'shift must be a number at least 0, got -1'),
        ({'target': {'scale': (0, 1)}}, 'scale must be .smallest, largest. above 0'),
        ({'target': {'shear': 1}}, 'a jitter has angle, shift and scale, got .*shear'),
    ],
)
def test_wrong_arguments(options, message):
    with pytest.raises(ConfigError, match=message):
        AffinePair(**options)
