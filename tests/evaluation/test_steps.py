"""Canvases and changes of size."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from posegen.evaluation.protocols import Canvas, Resize
from posegen.evaluation.steps import acting_steps, apply_steps
from tests.evaluation.helpers import random_images

WHOLE = random_images(2, (256, 256))


def _hwc(images):
    return images.permute(0, 2, 3, 1).numpy()


def test_crop_and_white():
    cut = apply_steps(WHOLE, (Canvas('crop176'),), 256)
    assert torch.equal(cut, WHOLE[..., 40:216])
    padded = apply_steps(WHOLE, (Canvas('crop176_white'),), 256)
    assert padded.dtype == torch.uint8
    assert torch.equal(padded[..., 40:216], cut)
    assert (padded[..., :40] == 255).all() and (padded[..., 216:] == 255).all()
    # what is cut already only gets its margins
    assert torch.equal(apply_steps(cut, (Canvas('crop176_white'),), 256), padded)
    assert apply_steps(cut, (Canvas('crop176'),), 256) is cut


@pytest.mark.parametrize('kind', ['crop176', 'crop176_white'])
def test_canvas_leaves_market_alone(kind):
    images = random_images(1, (128, 64))
    assert apply_steps(images, (Canvas(kind),), 128) is images


@pytest.mark.parametrize(
    ('filter_', 'code'), [('bilinear', cv2.INTER_LINEAR), ('bicubic', cv2.INTER_CUBIC)]
)
def test_opencv(filter_, code):
    step = Resize((256, 176), filter_, 'cv2', antialias=False, output='float')
    found = apply_steps(WHOLE, (step,), 256)
    expected = [
        cv2.resize(image.astype(np.float32), (176, 256), interpolation=code)
        for image in _hwc(WHOLE)
    ]
    assert found.dtype == torch.float32
    np.testing.assert_array_equal(_hwc(found), np.stack(expected))


def test_pillow_on_bytes_and_on_floats():
    rounded = Resize((100, 60), 'bicubic', 'pil', antialias=True, output='round')
    found = apply_steps(WHOLE, (rounded,), 256)
    expected = [
        np.array(Image.fromarray(image).resize((60, 100), Image.Resampling.BICUBIC))
        for image in _hwc(WHOLE)
    ]
    np.testing.assert_array_equal(_hwc(found), np.stack(expected))
    kept = Resize((100, 60), 'bicubic', 'pil', antialias=True, output='float')
    floats = apply_steps(WHOLE, (kept,), 256)
    assert floats.dtype == torch.float32
    assert (floats.clamp(0, 255) - found).abs().max() <= 1


def test_torch_and_its_output_types():
    def step(output):
        return Resize((64, 44), 'bicubic', 'torch', antialias=True, output=output)

    kept, cut, rounded = (
        apply_steps(WHOLE, (step(output),), 256)
        for output in ('float', 'truncate', 'round')
    )
    expected = torch.nn.functional.interpolate(
        WHOLE.float(), (64, 44), mode='bicubic', antialias=True
    )
    torch.testing.assert_close(kept, expected)
    assert torch.equal(cut, expected.clamp(0, 255).byte())
    assert torch.equal(rounded, expected.clamp(0, 255).round().byte())


def test_tensorflow_puts_pixels_at_their_corners():
    ramp = torch.arange(4.0).expand(1, 3, 4, 4) * 10
    step = Resize((8, 8), 'bilinear', 'tf1', antialias=False, output='float')
    row = apply_steps(ramp, (step,), 4)[0, 0, 0]
    assert row.tolist() == [0, 5, 10, 15, 20, 25, 30, 30]


def test_height_of_the_generated():
    step = Resize('height of the generated', 'lanczos', 'pil', True, 'round')
    assert apply_steps(WHOLE, (step,), 100).shape == (2, 3, 100, 100)
    narrow = random_images(1, (256, 177))
    assert apply_steps(narrow, (step,), 128).shape == (1, 3, 128, 88)
    assert apply_steps(WHOLE, (step,), 256) is WHOLE


CROP = Canvas('crop176')
SMALLER = Resize((256, 176), 'bilinear', 'cv2', antialias=False, output='float')
AS_RESULT = Resize('height of the generated', 'lanczos', 'pil', True, 'round')


@pytest.mark.parametrize(
    ('steps', 'size', 'height', 'acting'),
    [
        ((CROP, SMALLER), (256, 256), 256, (CROP,)),
        ((CROP, SMALLER), (256, 176), 256, ()),
        ((CROP, SMALLER), (128, 64), 128, (SMALLER,)),
        ((AS_RESULT,), (128, 64), 128, ()),
        ((AS_RESULT,), (128, 64), 256, (AS_RESULT,)),
    ],
)
def test_acting_steps(steps, size, height, acting):
    assert acting_steps(steps, size, height) == acting
