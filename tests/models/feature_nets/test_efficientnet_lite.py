from __future__ import annotations

from importlib import metadata

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from posegen.models.feature_nets import (
    EfficientNetLite0Features,
    efficientnet_lite,
    weights,
)
from posegen.models.feature_nets.efficientnet_lite import _SameConv2d
from posegen.utils.errors import DependencyError, WeightsError

ESPRESSO, EGYPTIAN_CAT = 967, 285


@pytest.fixture(scope='module')
def net():
    try:
        metadata.distribution(weights.LITE0_PACKAGE)
    except metadata.PackageNotFoundError:
        pytest.skip(f'{weights.LITE0_PACKAGE} is not installed')
    return EfficientNetLite0Features()


def photo(name: str) -> torch.Tensor:
    """Centre square of a scikit-image photo at 224 x 224, in [-1, 1]."""
    data = pytest.importorskip('skimage.data')
    image = torch.from_numpy(getattr(data, name)()).permute(2, 0, 1)[None].float()
    side = min(image.shape[2:])
    top, left = ((s - side) // 2 for s in image.shape[2:])
    square = image[..., top : top + side, left : left + side] / 127.5 - 1
    return F.interpolate(square, (224, 224), mode='bicubic', antialias=True)


def test_coffee_is_espresso(net):
    probability = net.classify(photo('coffee')).softmax(1)[0]
    assert probability.argmax() == ESPRESSO
    assert probability[ESPRESSO] == pytest.approx(0.93, abs=0.02)


def test_cat_is_a_cat(net):
    assert net.classify(photo('cat')).argmax() == EGYPTIAN_CAT


def test_layers_and_levels():
    net = EfficientNetLite0Features('random')
    feats = net(torch.zeros(1, 3, 64, 32), list(net.levels))
    expected = dict(
        block0=(16, 1),
        expand1=(96, 1),
        block1=(24, 2),
        block2=(24, 2),
        expand3=(144, 2),
        block4=(40, 3),
        expand5=(240, 3),
        block7=(80, 4),
        block10=(112, 4),
        expand11=(672, 4),
        block14=(192, 5),
        block15=(320, 5),
    )
    for name, (channels, level) in expected.items():
        assert feats[name].shape[1] == channels and net.levels[name] == level
    assert 'expand0' not in net.levels and len(net.levels) == 31


def test_activations_are_out_of_place(net):
    images = torch.rand(1, 3, 32, 32) * 2 - 1
    together = net(images, list(net.levels))
    for name in ('expand3', 'block1', 'block2'):
        assert torch.equal(net(images, [name])[name], together[name])
    assert together['expand3'].min() >= 0 and together['expand3'].max() <= 6
    assert together['block2'].min() < 0


def test_pooled_and_logits():
    net = EfficientNetLite0Features('random')
    images = torch.rand(2, 3, 64, 32) * 2 - 1
    pooled = net.pooled(images)
    assert pooled.shape == (2, 1280) and pooled.min() >= 0 and pooled.max() <= 6
    assert net.classify(images).shape == (2, 1000)


def test_batch_norms_are_folded_without_a_change(net, monkeypatch):
    monkeypatch.setattr(efficientnet_lite, '_fold_batch_norms', lambda net: None)
    plain = EfficientNetLite0Features()
    assert any(isinstance(m, nn.BatchNorm2d) for m in plain.modules())
    assert not any(isinstance(m, nn.BatchNorm2d) for m in net.modules())
    images = torch.rand(1, 3, 64, 64) * 2 - 1
    torch.testing.assert_close(
        net.pooled(images), plain.pooled(images), rtol=1e-3, atol=1e-3
    )


@pytest.mark.parametrize('size', [7, 8])
@pytest.mark.parametrize('stride', [1, 2])
@pytest.mark.parametrize('kernel', [1, 3, 5])
def test_same_padding_by_hand(size, stride, kernel):
    conv = _SameConv2d(1, 1, kernel, stride, bias=False)
    nn.init.ones_(conv.weight)
    with torch.no_grad():
        out = conv(torch.ones(1, 1, size, size))
    count = -(-size // stride)
    pad = max((count - 1) * stride + kernel - size, 0)
    inside = []
    for index in range(count):
        first = index * stride - pad // 2
        inside.append(min(first + kernel, size) - max(first, 0))
    rows = torch.tensor(inside, dtype=torch.float32)
    torch.testing.assert_close(out[0, 0], rows[:, None] * rows)


def test_package_that_is_not_installed(monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(weights.metadata, 'files', missing)
    with pytest.raises(DependencyError, match=r'posegen\[offline-features\]'):
        EfficientNetLite0Features()


def test_package_without_its_file(monkeypatch):
    monkeypatch.setattr(weights.metadata, 'files', lambda name: [])
    with pytest.raises(WeightsError, match='holds no efficientnet-lite0-57934424.pth'):
        EfficientNetLite0Features()


def test_file_laid_out_as_the_package(net, tmp_path):
    state = weights.read_state_dict(weights.packaged_lite0_file())
    path = tmp_path / 'mine.pth'
    torch.save(state, path)
    again = EfficientNetLite0Features(path)
    images = torch.rand(1, 3, 32, 32) * 2 - 1
    assert torch.equal(again.pooled(images), net.pooled(images))

    torch.save(state | {'_blocks.16._bn1.weight': torch.zeros(1)}, path)
    with pytest.raises(WeightsError, match=r'1 left over \(blocks\.16\.'):
        EfficientNetLite0Features(path)
    del state['_fc.bias']
    torch.save(state, path)
    with pytest.raises(WeightsError, match=r'1 missing \(classifier\.bias\)'):
        EfficientNetLite0Features(path)


def test_missing_file():
    with pytest.raises(WeightsError, match="'package', 'random' or an existing file"):
        EfficientNetLite0Features('packaged')
