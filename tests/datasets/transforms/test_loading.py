"""Reading images and truths."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from posegen.datasets.transforms import LoadPairImages, LoadTruth
from posegen.utils.errors import ConfigError, DataError


def encode(image: np.ndarray, kind: str, **kwargs) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, kind, **kwargs)
    return buffer.getvalue()


@pytest.fixture
def image():
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (20, 12, 3), dtype=np.uint8)


@pytest.fixture
def results(tmp_path, image):
    paths = {}
    for side, picture in (('source', image), ('target', image[::-1])):
        paths[f'{side}_path'] = str(tmp_path / f'{side}.png')
        (tmp_path / f'{side}.png').write_bytes(encode(picture, 'png'))
    return paths


def test_load_pair_images(results, image):
    loaded = LoadPairImages()(results)
    np.testing.assert_array_equal(loaded['source_image'], image)
    np.testing.assert_array_equal(loaded['target_image'], image[::-1])


def test_file_backend_is_used(results, image, tmp_path):
    results['backend_args'] = {'backend': 'local'}
    np.testing.assert_array_equal(LoadPairImages()(results)['source_image'], image)


def test_unreadable_images_are_named(results, tmp_path):
    (tmp_path / 'target.png').write_bytes(b'no picture')
    with pytest.raises(DataError, match='target.png cannot be decoded: not an image'):
        LoadPairImages()(results)
    (tmp_path / 'source.png').unlink()
    with pytest.raises(DataError, match='source.png cannot be read'):
        LoadPairImages()(results)


@pytest.fixture
def truth():
    return {
        'flow': np.ones((2, 8, 6), np.float32),
        'visibility': np.ones((8, 6), bool),
        'part_labels': np.full((8, 6), 3, np.uint8),
    }


def load_truth(path, truth, size=(8, 6)):
    np.savez(path, **truth)
    return LoadTruth()({'truth_path': str(path), 'image_size': size})


def test_truth(tmp_path, truth):
    loaded = load_truth(tmp_path / 'a.npz', truth)
    for key, array in truth.items():
        np.testing.assert_array_equal(loaded[key], array)


@pytest.mark.parametrize('key', ['flow', 'visibility', 'part_labels'])
def test_incomplete_truth(tmp_path, truth, key):
    del truth[key]
    with pytest.raises(DataError, match=rf'a.npz does not hold the arrays .*{key}'):
        load_truth(tmp_path / 'a.npz', truth)


@pytest.mark.parametrize(
    'key, array',
    [
        ('flow', np.ones((8, 6, 2), np.float32)),
        ('flow', np.ones((2, 8, 6), np.float64)),
        ('visibility', np.ones((8, 6), np.uint8)),
        ('part_labels', np.ones((6, 8), np.uint8)),
    ],
)
def test_truth_of_wrong_shape_or_type(tmp_path, truth, key, array):
    with pytest.raises(DataError, match=rf'a.npz: {key} must be .* at image_size'):
        load_truth(tmp_path / 'a.npz', truth | {key: array})


def test_truth_at_another_size(tmp_path, truth):
    with pytest.raises(DataError, match=r'flow must be .*\(2, 16, 12\) at image_size'):
        load_truth(tmp_path / 'a.npz', truth, size=(16, 12))


@pytest.mark.parametrize('content', [b'', b'PK\x03\x04 cut off', b'text'])
def test_broken_truth_file(tmp_path, content):
    (tmp_path / 'a.npz').write_bytes(content)
    with pytest.raises(DataError, match='a.npz does not hold the arrays'):
        LoadTruth()({'truth_path': str(tmp_path / 'a.npz'), 'image_size': (8, 6)})


def test_a_set_without_truth_has_none_to_load():
    with pytest.raises(ConfigError, match='LoadTruth needs a dataset with truth_dir'):
        LoadTruth()({'image_size': (8, 6)})


def test_truth_cannot_be_loaded_for_images_that_have_moved(tmp_path, truth):
    np.savez(tmp_path / 'a.npz', **truth)
    results = {'truth_path': str(tmp_path / 'a.npz'), 'image_size': (8, 6)}
    with pytest.raises(ConfigError, match='LoadTruth must come before FlipPair in the'):
        LoadTruth()({**results, 'moved_by': 'FlipPair'})


def with_images(path, truth, size, source=(8, 6), target=(8, 6)):
    np.savez(path, **truth)
    images = {
        f'{side}_image': np.zeros((*stored, 3), np.uint8)
        for side, stored in (('source', source), ('target', target))
    }
    return images | {'truth_path': str(path), 'image_size': size}


@pytest.mark.parametrize(
    'size, stored, frame',
    [((8, 6), (8, 6), 'image'), ((4, 3), (8, 6), 'image')]
    + [((8, 6), (16, 12), 'image_size')],
)
def test_truth_of_the_stored_images_or_of_image_size(
    tmp_path, truth, size, stored, frame
):
    loaded = LoadTruth()(with_images(tmp_path / 'a.npz', truth, size, stored, stored))
    assert loaded['flow'].shape == (2, 8, 6)
    assert (loaded['has_truth'], loaded['truth_frame']) == (True, frame)


def test_truth_that_fits_neither(tmp_path, truth):
    results = with_images(tmp_path / 'a.npz', truth, (4, 3), (16, 12), (16, 12))
    message = r'at image_size \(4, 3\) or of the stored images, \(16, 12\), got'
    with pytest.raises(DataError, match=message):
        LoadTruth()(results)


def test_images_of_two_sizes_have_no_stored_size(tmp_path, truth):
    results = with_images(tmp_path / 'a.npz', truth, (4, 3), (16, 12), (8, 6))
    with pytest.raises(DataError, match=r'\(2, 4, 3\) at image_size \(4, 3\), got'):
        LoadTruth()(results)


def test_truth_of_stored_size_after_resizing(tmp_path, truth):
    results = with_images(tmp_path / 'a.npz', truth, (4, 3), (4, 3), (4, 3))
    with pytest.raises(DataError, match=r'\(2, 4, 3\) at image_size \(4, 3\), got'):
        LoadTruth()(results | {'resized_by': 'ResizePair'})


def test_a_pair_without_truth():
    loaded = LoadTruth()({'truth_path': None, 'image_size': (8, 6)})
    assert loaded['has_truth'] is False
    assert 'flow' not in loaded


@pytest.mark.parametrize('stored', [None, True, False])
def test_same_place_unless_the_file_denies_it(tmp_path, truth, stored):
    more = {} if stored is None else {'same_place': np.bool_(stored)}
    results = with_images(tmp_path / 'a.npz', truth | more, (8, 6))
    assert LoadTruth()(results)['same_place'] is (stored is not False)
