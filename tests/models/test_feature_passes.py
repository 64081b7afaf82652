"""The feature net sees an image once for all the losses that read it."""

from __future__ import annotations

from collections.abc import Sequence
from unittest import mock

import pytest
import torch
from torch import Tensor

from posegen.models.feature_nets import FeatureNet
from tests.models.spig.test_spig import batch, build

#: Stage -> images that are passed, each with the terms that read its features.
PASSES = {
    'flow': {'target_image': {'sam'}, 'source_image': {'sam'}},
    'full': {
        'target_image': {'per', 'sty', 'sam'},
        'source_image': {'sam'},
        'image': {'per', 'sty'},
    },
}


@pytest.mark.parametrize('stage', PASSES)
def test_one_pass_an_image_and_the_layers_of_all_its_terms(stage: str) -> None:
    model = build(train_stage=stage)
    data = model.data_preprocessor(batch(), training=True)
    out = model.run_generator(data)
    images = data | out
    passes = {}
    forward = FeatureNet.forward

    def watch(net: FeatureNet, image: Tensor, layers: Sequence[str]) -> dict:
        (name,) = (name for name in PASSES[stage] if images[name] is image)
        assert name not in passes
        passes[name] = set(layers), torch.is_grad_enabled()
        return forward(net, image, layers)

    with mock.patch.object(FeatureNet, 'forward', watch):
        losses, _ = model.generator_losses(data, out)
    assert passes == {
        name: (set(model.layers_of(*terms)), name == 'image')
        for name, terms in PASSES[stage].items()
    }
    assert all(value.isfinite() for value in losses.values())


def test_losses_are_those_of_a_pass_for_each() -> None:
    model = build()
    data = model.data_preprocessor(batch(), training=True)
    out = model.run_generator(data)
    found, _ = model.generator_losses(data, out)
    for term in ('per', 'sty'):
        layers = model.layers_of(term)
        features = (
            model.feature_net(image, layers)
            for image in (out['image'], data['target_image'])
        )
        expected = model.losses[term](*features)
        torch.testing.assert_close(found[f'loss_{term}'], expected)
    features = model.feature_net(data['target_image'], model.layers_of('sam'))
    expected, _ = model.correctness(data, out, features)
    torch.testing.assert_close(found['loss_sam'], expected)
