from __future__ import annotations

import copy

import pytest
import torch
from mmengine.runner import get_state_dict
from torch import nn

from posegen.models.feature_nets import (
    EfficientNetLite0Features,
    FeatureNet,
    VGG19Features,
)
from posegen.registry import MODELS

KINDS = ('VGG19Features', 'EfficientNetLite0Features')


@pytest.fixture(scope='module', params=KINDS)
def net(request) -> FeatureNet:
    torch.manual_seed(0)
    return MODELS.build({'type': request.param, 'weights': 'random'})


@pytest.fixture
def images():
    return torch.rand(2, 3, 32, 48, generator=torch.Generator().manual_seed(1)) * 2 - 1


def holder(net: FeatureNet) -> nn.Module:
    model = nn.Module()
    model.learnt, model.feature_net = nn.Linear(2, 2), net
    return model


class TestForward:
    @pytest.mark.parametrize('size', [(32, 48), (35, 31)])
    def test_every_layer_has_the_size_of_its_level(self, net, size):
        feats = net(torch.zeros(2, 3, *size), list(net.levels))
        for name, level in net.levels.items():
            # TensorFlow rounds up where VGG's pools round down.
            up = isinstance(net, EfficientNetLite0Features)
            shape = tuple(-(-s // 2**level) if up else s // 2**level for s in size)
            assert feats[name].shape[2:] == shape, name

    def test_subset_equals_full_pass(self, net, images):
        full = net(images, list(net.levels))
        layers = [list(net.levels)[i] for i in (4, 1)]
        part = net(images, layers)
        assert list(part) == layers
        for name in layers:
            assert torch.equal(part[name], full[name])

    def test_stops_at_the_deepest_layer(self, net, images):
        calls = []
        convs = [m for m in net.modules() if isinstance(m, nn.Conv2d)]
        handles = [
            conv.register_forward_hook(lambda *_: calls.append(1)) for conv in convs
        ]
        net(images, [next(iter(net.levels))])
        for handle in handles:
            handle.remove()
        assert 0 < len(calls) <= 3

    def test_no_layers_no_work(self, net, images):
        assert net(images, []) == {}

    def test_names_may_repeat(self, net, images):
        name = list(net.levels)[0]
        assert list(net(images, [name, name])) == [name]

    def test_gradient_reaches_the_images(self, net, images):
        images.requires_grad_()
        deep = list(net.levels)[-1]
        net(images, [deep])[deep].square().mean().backward()
        assert images.grad.isfinite().all() and images.grad.any()

    def test_eager_compile_gives_the_same(self, net, images):
        layers = list(net.levels)[:3]
        compiled = torch.compile(net, backend='eager')
        for name, value in compiled(images, layers).items():
            torch.testing.assert_close(value, net(images, layers)[name])

    def test_unknown_layer(self, net, images):
        with pytest.raises(ValueError, match=r"has no layers \['relu9_9'\]; it has "):
            net(images, ['relu9_9'])

    def test_layers_as_text(self, net, images):
        with pytest.raises(TypeError, match='layers must be a list'):
            net(images, 'relu1_1')

    @pytest.mark.parametrize(
        'wrong',
        [
            torch.zeros(3, 32, 32),
            torch.zeros(1, 1, 32, 32),
            torch.zeros(1, 3, 32, 32).byte(),
        ],
    )
    def test_not_images(self, net, wrong):
        with pytest.raises(ValueError, match=r'images must be \(B, 3, H, W\) floats'):
            net(wrong, [])


class TestFrozen:
    def test_has_no_parameters(self, net):
        assert list(net.parameters()) == []
        assert len(list(net.buffers())) > 30

    def test_nothing_unfreezes_it(self, net, images):
        net.requires_grad_(True)
        name = list(net.levels)[0]
        assert not net(images, [name])[name].requires_grad

    def test_stays_in_evaluation_mode(self, net):
        model = holder(net).train()
        assert model.training
        assert not any(module.training for module in net.modules())

    def test_is_not_in_the_state_of_its_holder(self, net):
        model = holder(net)
        assert set(model.state_dict()) == {'learnt.weight', 'learnt.bias'}
        assert set(get_state_dict(model)) == {'learnt.weight', 'learnt.bias'}
        assert not net.state_dict()

    def test_holder_loads_strictly_and_leaves_it_alone(self, net, images):
        model = holder(net)
        name = list(net.levels)[2]
        before = net(images, [name])[name]
        result = model.load_state_dict(model.state_dict(), strict=True)
        assert not result.missing_keys and not result.unexpected_keys
        assert torch.equal(net(images, [name])[name], before)

    def test_moves_and_copies_with_its_holder(self, net, images):
        model = copy.deepcopy(holder(net)).to(torch.float64)
        name = list(net.levels)[0]
        out = model.feature_net(images.double(), [name])[name]
        assert out.dtype == torch.float64
        assert net(images, [name])[name].dtype == torch.float32
        on_meta = copy.deepcopy(holder(net)).to('meta')
        assert all(b.device.type == 'meta' for b in on_meta.feature_net.buffers())

    def test_sync_batch_norm_conversion_passes_over_it(self, net, images):
        model = nn.SyncBatchNorm.convert_sync_batchnorm(copy.deepcopy(holder(net)))
        layers = list(net.levels)[-1:]
        torch.testing.assert_close(
            model.feature_net(images, layers), net(images, layers)
        )


@pytest.mark.parametrize('kind', [VGG19Features, EfficientNetLite0Features])
def test_random_activations_keep_their_scale(kind):
    torch.manual_seed(0)
    net = kind('random')
    feats = net(torch.rand(1, 3, 64, 64) * 2 - 1, list(net.levels))
    assert all(0.05 < feat.std() < 20 for feat in feats.values())
