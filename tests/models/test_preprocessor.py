"""Batches on their way to the model."""

from __future__ import annotations

import pytest
import torch

from posegen.models.preprocessor import (
    PosePairPreprocessor,
    images_to_uint8,
    to_unit_range,
)
from posegen.registry import MODELS


def test_all_bytes_survive_the_round_trip():
    values = torch.arange(256, dtype=torch.uint8)
    images = to_unit_range(values)
    assert images.dtype == torch.float32
    assert images[0] == -1
    assert images[-1] == 1
    assert torch.equal(images_to_uint8(images), values)


def test_back_to_bytes_rounds_and_clamps():
    images = torch.tensor([-7.0, -1 + 0.9 / 127.5, 0.0, 1.0, 3.0], requires_grad=True)
    assert images_to_uint8(images).tolist() == [0, 1, 128, 255, 255]


@pytest.mark.parametrize('dtype', [torch.float32, torch.int64])
def test_only_bytes_are_scaled(dtype):
    with pytest.raises(TypeError, match='images must be uint8'):
        to_unit_range(torch.zeros(2, dtype=dtype))


def test_images_are_scaled_and_the_rest_passes():
    batch = {
        'source_image': torch.full((2, 3, 4, 5), 255, dtype=torch.uint8),
        'target_image': torch.zeros((2, 3, 4, 5), dtype=torch.uint8),
        'source_keypoints': torch.rand(2, 18, 3) * 100,
        'source_name': ['a.png', 'b.png'],
        'visibility': torch.ones(2, 4, 5, dtype=torch.bool),
        'part_labels': torch.full((2, 4, 5), 3, dtype=torch.uint8),
    }
    preprocessor = MODELS.build({'type': 'PosePairPreprocessor'})
    assert isinstance(preprocessor, PosePairPreprocessor)
    out = preprocessor(batch, training=True)
    assert (out['source_image'] == 1).all()
    assert (out['target_image'] == -1).all()
    assert torch.equal(out['source_keypoints'], batch['source_keypoints'])
    assert out['source_name'] == ['a.png', 'b.png']
    assert out['visibility'].dtype == torch.bool
    assert out['part_labels'].dtype == torch.uint8
    assert batch['source_image'].dtype == torch.uint8, 'the input stays as it was'


def test_float_images_pass_unchanged():
    image = torch.rand(1, 3, 4, 5)
    assert PosePairPreprocessor()({'source_image': image})['source_image'] is image


@pytest.fixture
def float64():
    """Everything new is float64."""
    torch.set_default_dtype(torch.float64)
    yield torch.float64
    torch.set_default_dtype(torch.float32)


def test_all_floats_are_of_the_default_type(float64):
    batch = {
        'source_image': torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16),
        'source_keypoints': torch.rand(2, 18, 3, dtype=torch.float32),
        'flow': torch.rand(2, 2, 4, 5, dtype=torch.float16),
        'part_labels': torch.zeros(2, 4, 5, dtype=torch.uint8),
        'source_name': ['a.png', 'b.png'],
    }
    out = PosePairPreprocessor()(batch)
    kinds = {key: out[key].dtype for key in list(batch)[:4]}
    assert kinds.pop('part_labels') == torch.uint8
    assert set(kinds.values()) == {float64}
    assert torch.equal(out['source_keypoints'], batch['source_keypoints'].double())
    exact = torch.arange(256, dtype=torch.float64).view(1, 1, 16, 16) / 127.5 - 1
    assert torch.equal(out['source_image'], exact)
    assert torch.equal(images_to_uint8(out['source_image']), batch['source_image'])
    assert out['source_name'] == batch['source_name']


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_is_widened_before_rounding(dtype):
    images = torch.tensor([0.3], dtype=dtype)
    wide = images.float().add(1).mul(127.5).round()
    assert images_to_uint8(images).item() == wide.item()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device')
def test_batch_moves_to_the_device():
    preprocessor = PosePairPreprocessor(non_blocking=True).to('cuda')
    batch = {'source_image': torch.zeros(1, 3, 4, 5, dtype=torch.uint8)}
    assert preprocessor(batch)['source_image'].device.type == 'cuda'
