"""Images and joints to the network's size."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from posegen.datasets.transforms import AffinePair, ResizePair, resize_image
from posegen.utils.errors import ConfigError
from tests.datasets.transforms.helpers import follow_blobs, make_results


@pytest.fixture
def image():
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (20, 12, 3), dtype=np.uint8)


def test_resize_is_pillows_bilinear(image):
    resized = resize_image(image, (10, 24))
    expected = Image.fromarray(image).resize((24, 10), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(resized, expected)
    assert resize_image(image, (20, 12)) is image


@pytest.mark.parametrize(
    'annotation_size, expected', [((10, 6), [12, 16]), (None, [6, 8])]
)
def test_resize_moves_images_and_joints(image, annotation_size, expected):
    keypoints = np.zeros((18, 3), np.float32)
    keypoints[3] = 3, 4, 1
    packed = ResizePair()(
        {
            'source_image': image,
            'target_image': image,
            'source_keypoints': keypoints,
            'target_keypoints': keypoints,
            'image_size': (40, 24),
            'annotation_size': annotation_size,
            'scaling': 'gfla',
        }
    )
    for side in ('source', 'target'):
        assert packed[f'{side}_image'].shape == (40, 24, 3)
        assert packed[f'{side}_keypoints'][3].tolist() == [*expected, 1]
        assert packed[f'{side}_keypoints'][4].tolist() == [0, 0, 0]


@pytest.mark.parametrize('stored', [(40, 32), (120, 96), (20, 50)])
def test_a_spot_moves_with_its_joint(stored):
    for spot, joint in follow_blobs(ResizePair(), stored):
        np.testing.assert_allclose(spot, joint, atol=0.1)


@pytest.mark.parametrize('first', [ResizePair, AffinePair])
@pytest.mark.parametrize('second', [ResizePair, AffinePair])
def test_nothing_is_resampled_twice(first, second):
    message = f'{first.__name__} and {second.__name__} both resize'
    with pytest.raises(ConfigError, match=message):
        second()(first()(make_results()))


@pytest.mark.parametrize('transform', [ResizePair, AffinePair])
def test_images_must_be_loaded_first(transform):
    results = make_results()
    del results['target_image']
    message = f'{transform.__name__} must come after LoadPairImages'
    with pytest.raises(ConfigError, match=message):
        transform()(results)
