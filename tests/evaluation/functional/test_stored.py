"""Bytes and JPEG."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from posegen.evaluation import functional as F
from tests.evaluation.helpers import random_images


def test_quantise():
    values = torch.tensor([[-3.0, 0.4, 0.6, 254.9, 300]])
    assert F.quantise(values, 'round').tolist() == [[0, 0, 1, 255, 255]]
    assert F.quantise(values, 'truncate').tolist() == [[0, 0, 0, 254, 255]]
    with pytest.raises(ValueError, match="'truncate' or 'round'"):
        F.quantise(values, 'floor')


def test_truncation_darkens_by_half_a_step():
    values = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 254
    lost = values.mean() - F.quantise(values, 'truncate').float().mean()
    assert lost.item() == pytest.approx(0.5, abs=0.02)


def test_jpeg_equals_opencvs():
    flat = random_images(1, (8, 8)).float()
    image = torch.nn.functional.interpolate(flat, (64, 48), mode='bicubic')
    image = F.quantise(image)
    rgb = np.ascontiguousarray(image[0].permute(1, 2, 0).numpy())
    for quality in (75, 95):
        code = [cv2.IMWRITE_JPEG_QUALITY, quality]
        _, data = cv2.imencode('.jpg', rgb[..., ::-1], code)
        expected = cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]
        result = F.jpeg_round_trip(image, quality)[0].permute(1, 2, 0).numpy()
        assert np.abs(result.astype(int) - expected).max() <= 4
    worse = F.psnr(F.jpeg_round_trip(image, 30), image, 255)
    assert worse < F.psnr(F.jpeg_round_trip(image, 90), image, 255)


def test_jpeg_refuses_floats():
    with pytest.raises(ValueError, match='must be uint8'):
        F.jpeg_round_trip(torch.rand(1, 3, 8, 8))
