"""Inception with random weights, against torch-fidelity and torchvision."""

from __future__ import annotations

import os

import pytest
import torch
import torchvision
from torch import nn
from torch_fidelity import feature_extractor_inceptionv3 as fidelity

from posegen.evaluation.networks import build_inception, inception
from posegen.utils.errors import WeightsError
from tests.evaluation.helpers import random_images

SIZE = (299, 299)
TF_HASH = '6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2'
FILES = {
    'tf2015': (
        'https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/'
        'weights-inception-2015-12-05-6726825d.pth',
        TF_HASH,
    ),
    'pytorch-fid': (
        'https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/'
        'pt_inception-2015-12-05-6726825d.pth',
        TF_HASH,
    ),
    'torchvision': (
        'https://download.pytorch.org/models/inception_v3_google-0cc3c7bd.pth',
        '0cc3c7bd',
    ),
}


class _Small(nn.Module):
    """Stands in for Inception where only what is around it is looked at."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.bn = nn.BatchNorm2d(4)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(4, 5)


@pytest.fixture
def small(monkeypatch):
    for name, (_, url, sha256) in inception._BUILDERS.items():
        monkeypatch.setitem(inception._BUILDERS, name, (_Small, url, sha256))


@torch.no_grad()
def _randomise(net):
    """Weights and statistics of which none can be mixed up or left out unseen."""
    torch.manual_seed(0)
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity='relu')
        elif isinstance(layer, nn.BatchNorm2d):
            layer.weight.uniform_(0.8, 1.2)
            layer.bias.normal_(std=0.1)
            layer.running_mean.normal_(std=0.1)
            layer.running_var.uniform_(0.8, 1.2)
    return net.eval()


def test_tensorflows_network_as_torch_fidelity_computes_it(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:  # to have it without weights
        patch.setattr(fidelity, 'load_state_dict_from_url', lambda *_, **__: {})
        extractor = fidelity.FeatureExtractorInceptionV3
        patch.setattr(extractor, 'load_state_dict', lambda *_: None)
        theirs = extractor('x', ['2048', 'logits_unbiased', 'logits'])
    _randomise(theirs)
    # Old weight files have no counts of batches.
    state = {k: v for k, v in theirs.state_dict().items() if 'num_batches' not in k}
    torch.save(state, tmp_path / 'inception.pth')
    images = random_images(1, SIZE)
    features, unbiased, logits = theirs(images)
    net = build_inception('tf2015', 'tf128', tmp_path / 'inception.pth')
    ours = net(images)
    torch.testing.assert_close(ours, features, rtol=1e-4, atol=1e-5)
    assert ours.std() > 0.1
    torch.testing.assert_close(net.logits(ours), logits, rtol=1e-4, atol=1e-4)
    without = net.logits(ours, bias=False)
    torch.testing.assert_close(without, unbiased, rtol=1e-4, atol=1e-4)
    assert without.shape == (1, 1008)


def test_torchvisions_network_with_the_normalisation_of_gfla(tmp_path):
    theirs = torchvision.models.Inception3(init_weights=False, transform_input=True)
    _randomise(theirs)
    torch.save(theirs.state_dict(), tmp_path / 'inception.pth')
    pooled = []
    theirs.avgpool.register_forward_hook(lambda *args: pooled.append(args[-1]))
    images = random_images(1, SIZE)
    with torch.no_grad():
        logits = theirs(images / 255)
    net = build_inception(
        'torchvision', 'imagenet-misapplied', tmp_path / 'inception.pth'
    )
    ours = net(images)
    torch.testing.assert_close(ours, pooled[0].flatten(1), rtol=1e-4, atol=1e-5)
    assert ours.std() > 0.1
    torch.testing.assert_close(net.logits(ours), logits, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ('normalisation', 'black', 'white'),
    [
        ('tf128', [-1] * 3, [127 / 128] * 3),
        ('half', [-1] * 3, [1] * 3),
        ('imagenet-misapplied', [-0.03, -0.088, -0.188], [0.428, 0.36, 0.262]),
    ],
)
def test_normalisations(small, normalisation, black, white):
    net = build_inception(normalisation=normalisation, file='random')
    net.trunk = nn.Identity()
    ends = torch.tensor([0, 255]).byte().view(2, 1, 1, 1).expand(2, 3, *SIZE)
    values = net(ends).view(2, 3, -1)
    assert torch.equal(values.amin(dim=2), values.amax(dim=2))
    assert values[0, :, 0].tolist() == pytest.approx(black, abs=1e-6)
    assert values[1, :, 0].tolist() == pytest.approx(white, abs=1e-6)


def test_resizing_is_the_protocols_business(small):
    with pytest.raises(ValueError, match='takes images of 299x299, .* got 64x48'):
        build_inception(file='random')(random_images(1, (64, 48)))


@pytest.mark.parametrize('weights', FILES)
def test_weights_that_cannot_be_downloaded(small, empty_hub, weights):
    with pytest.raises(WeightsError) as caught:
        build_inception(weights)
    url, sha256 = FILES[weights]
    for part in (
        url,
        f'put it into {empty_hub}',
        f'SHA-256 starts with {sha256}',
        'in a config, give its path as file',
        '--offline-features',
    ):
        assert part in str(caught.value)


@pytest.mark.parametrize('weights', FILES)
def test_damaged_weights(small, empty_hub, weights):
    url, sha256 = FILES[weights]
    (empty_hub / url.rsplit('/', 1)[1]).write_bytes(b'half a download')
    with pytest.raises(WeightsError, match=f'is damaged .* expected {sha256}'):
        build_inception(weights)


def test_weights_of_another_net(small, tmp_path):
    path = tmp_path / 'other.pth'
    torch.save(_Small().state_dict() | {'fc.weight': torch.zeros(1, 1)}, path)
    with pytest.raises(WeightsError, match=r'of another shape \(fc.weight\)'):
        build_inception(file=path)
    with pytest.raises(WeightsError, match="'random' or an existing file"):
        build_inception(file=tmp_path / 'none.pth')


class _Malicious:
    def __init__(self, file):
        self.file = str(file)

    def __reduce__(self):
        return os.mkdir, (self.file,)


def test_weights_that_would_run_code(small, tmp_path):
    torch.save({'fc.weight': _Malicious(tmp_path / 'made')}, tmp_path / 'bad.pth')
    with pytest.raises(WeightsError, match='can not be read as PyTorch weights'):
        build_inception(file=tmp_path / 'bad.pth')
    assert not (tmp_path / 'made').exists()


def test_unknown_names(small):
    with pytest.raises(ValueError, match="tf2015, pytorch-fid, torchvision, got 'tf'"):
        build_inception('tf')
    with pytest.raises(ValueError, match="imagenet-misapplied, got 'imagenet'"):
        build_inception(normalisation='imagenet')
