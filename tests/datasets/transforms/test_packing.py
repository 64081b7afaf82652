"""A sample as tensors."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from posegen.datasets.transforms import PackPair
from posegen.datasets.transforms.packing import channels_first
from tests.datasets.transforms.helpers import SIZE, make_truth, resized


def test_pack_keeps_what_a_batch_is_made_of():
    image = np.random.default_rng(0).integers(0, 256, (20, 12, 3), dtype=np.uint8)
    results = {
        'flow': np.ones((2, 20, 12), np.float32),
        'visibility': np.ones((20, 12), bool)[:, ::-1],
        'part_labels': np.full((20, 12), 3, np.uint8),
        **{'scaling': 'gfla', 'source_path': 'x', 'image_size': (20, 12)},
    }
    for side in ('source', 'target'):
        results |= {f'{side}_image': image, f'{side}_name': f'{side}.png'}
        results |= {f'{side}_keypoints': np.ones((18, 3), np.float32)}
    packed = PackPair()(results)
    assert sorted(packed) == sorted(
        ['source_image', 'target_image', 'source_keypoints', 'target_keypoints']
        + ['source_name', 'target_name', 'flow', 'visibility', 'part_labels']
    )
    assert packed['source_image'].shape == (3, 20, 12)
    assert packed['source_image'].is_contiguous()
    assert torch.equal(packed['source_image'][1], torch.from_numpy(image[..., 1]))
    assert packed['visibility'].dtype == torch.bool
    assert packed['part_labels'].dtype == torch.uint8


@pytest.mark.parametrize('has_truth', [True, False])
def test_pairs_with_and_without_truth_make_one_batch(has_truth):
    results = resized(has_truth=has_truth, source_name='a', target_name='b')
    if has_truth:
        results |= make_truth()
    packed = PackPair()(results)
    assert packed['has_truth'].dtype == torch.bool
    assert packed['has_truth'].item() == has_truth
    assert packed['same_place'].item()
    for key, dtype in (
        ('flow', torch.float32),
        ('visibility', torch.bool),
        ('part_labels', torch.uint8),
    ):
        assert packed[key].shape[-2:] == SIZE
        assert packed[key].dtype == dtype
        assert packed[key].any() == has_truth


@pytest.mark.parametrize('dtype', [np.uint8, np.float32])
@pytest.mark.parametrize('channels', [1, 3, 4])
@pytest.mark.parametrize('size', [(1, 1), (5, 7), (64, 48)])
def test_channels_first(dtype, channels, size):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (*size, channels)).astype(dtype)
    for picture in (image, image[:, ::-1], image[::2]):
        planes = channels_first(picture)
        assert planes.flags.c_contiguous
        np.testing.assert_array_equal(planes, picture.transpose(2, 0, 1))
