"""Random windows of both images."""

from __future__ import annotations

import numpy as np
import pytest

from posegen.datasets.draws import Draw
from posegen.datasets.transforms import AffinePair, CropPair, ResizePair
from posegen.datasets.transforms.crop import (
    Window,
    crop_keypoints,
    crop_truth,
    draw_window,
    window_of,
)
from posegen.registry import TRANSFORMS
from posegen.utils.errors import ConfigError, DataError
from tests.datasets.transforms.helpers import (
    SIZE,
    copy_of,
    follow_blobs,
    make_results,
    make_truth,
)

WHOLE = dict(scale=(1.0, 1.0), ratio=(1.0, 1.0))


def test_windows_keep_their_limits():
    rng = np.random.default_rng(0)
    shares = np.array([draw_window(rng, (0.3, 0.6), (0.8, 1.25)) for _ in range(2000)])
    corner, lengths = shares[:, :2], shares[:, 2:]
    area, ratio = lengths.prod(1), lengths[:, 1] / lengths[:, 0]
    assert 0.3 <= area.min() < 0.31
    assert 0.59 < area.max() <= 0.6
    assert 0.8 <= ratio.min() < 0.81
    assert 1.24 < ratio.max() <= 1.25 + 1e-9
    assert (corner >= 0).all()
    assert ((corner + lengths) <= 1).all()


@pytest.mark.parametrize('size', [(1, 1), (7, 5), (128, 96)])
def test_windows_lie_in_the_image(size):
    rng = np.random.default_rng(0)
    for _ in range(200):
        window = window_of(draw_window(rng, (0.01, 1), (0.2, 5)), size)
        assert window.cut(np.zeros(size)).shape == (window.height, window.width)
        assert min(window.height, window.width) >= 1


def test_joints_outside_are_missing():
    keypoints = np.zeros((18, 3), np.float32)
    keypoints[:5] = [[10, 20, 0.5], [9.4, 20, 1], [15, 20, 1], [14.4, 25, 1], [0, 0, 0]]
    cropped = crop_keypoints(keypoints, Window(top=18, left=10, height=8, width=5))
    expected = [[0, 2, 0.5], [0] * 3, [0] * 3, [4.4, 7, 1], [0] * 3]
    np.testing.assert_allclose(cropped[:5], expected, atol=1e-5)
    assert cropped.dtype == np.float32


def test_truth_of_windows():
    truth = make_truth()
    source, target = Window(4, 6, 30, 22), Window(10, 3, 20, 25)
    cropped = crop_truth(truth, source, target)
    for row, column in ((0, 0), (11, 24), (19, 7)):
        old = row + 10, column + 3
        there = np.array([old[1], old[0]]) + truth['flow'][:, *old] - [6, 4]
        np.testing.assert_allclose(
            cropped['flow'][:, row, column], there - [column, row], atol=1e-5
        )
        assert cropped['part_labels'][row, column] == truth['part_labels'][old]
        shown = (there > -0.5).all() and there[0] < 21.5 and there[1] < 29.5
        expected = truth['visibility'][old] and shown
        assert cropped['visibility'][row, column] == expected
    for key, array in truth.items():
        assert cropped[key].dtype == array.dtype
        assert cropped[key].shape[-2:] == (20, 25)


@pytest.mark.parametrize('same', [True, False])
@pytest.mark.parametrize('resize', [ResizePair(), AffinePair({}, {})])
@pytest.mark.parametrize('seed', range(3))
def test_a_spot_moves_with_its_joint(same, resize, seed):
    crop = CropPair(scale=(0.8, 0.9), same=same)
    for spot, joint in follow_blobs(
        lambda results: resize(crop(results)), (120, 96), index=Draw(0, seed, 0)
    ):
        np.testing.assert_allclose(spot, joint, atol=0.25)


def test_one_window_or_two():
    def offsets(same: bool, place: int) -> tuple[bool, bool]:
        results = make_results(index=Draw(0, 0, place), stored=(80, 64))
        results['source_image'] = results['target_image']
        cropped = CropPair(same=same)(results)
        source, target = cropped['source_image'], cropped['target_image']
        return source.shape == target.shape and bool((source == target).all())

    assert all(offsets(True, place) for place in range(5))
    assert not any(offsets(False, place) for place in range(5))


@pytest.mark.parametrize('same', [True, False])
def test_two_windows_show_two_places(same):
    results = make_results(generator=np.random.default_rng(0)) | {'same_place': True}
    assert CropPair(same=same)(results)['same_place'] is same


def test_the_whole_image_is_resize_pair():
    expected = ResizePair()(make_results(stored=(80, 50)))
    got = ResizePair()(CropPair(**WHOLE)(make_results(stored=(80, 50))))
    for side in ('source', 'target'):
        for key in (f'{side}_image', f'{side}_keypoints'):
            np.testing.assert_array_equal(got[key], expected[key])


def test_some_pairs_are_not_cropped():
    results = make_results()
    assert CropPair(prob=0)(results) is results


def test_inputs_are_not_written_to():
    results = make_results(truth_frame='image', **make_truth())
    before = copy_of(results)
    CropPair()(dict(results))
    for key, value in before.items():
        np.testing.assert_array_equal(results[key], value)


def test_its_place():
    with pytest.raises(ConfigError, match='CropPair must come before ResizePair'):
        CropPair()(ResizePair()(make_results()))
    with pytest.raises(ConfigError, match='CropPair must come after LoadPairImages'):
        CropPair()({'image_size': SIZE})
    with pytest.raises(DataError, match=r'stored images, \(80, 64\), got one of image'):
        CropPair()(make_results(stored=(80, 64), **make_truth()))


@pytest.mark.parametrize(
    'options, message',
    [
        ({'scale': (0, 1)}, r'scale must be a number in \[0.0001, 1\], got 0'),
        ({'scale': 0.5}, r'scale must be \(least, greatest\), got 0.5'),
        ({'scale': (0.9, 0.5)}, r'scale must be \(least, greatest\), got \(0.9, 0.5\)'),
        ({'ratio': (-1, 1)}, 'ratio must be a number'),
        ({'prob': 2}, r'prob must be a number in \[0, 1\], got 2'),
    ],
)
def test_wrong_arguments(options, message):
    with pytest.raises(ConfigError, match=message):
        TRANSFORMS.build(dict(type='CropPair', **options))
