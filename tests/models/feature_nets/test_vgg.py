from __future__ import annotations

import hashlib
from urllib.error import URLError

import pytest
import torch
import torchvision

from posegen.models.feature_nets import VGG19Features
from posegen.utils.errors import WeightsError

NAME = 'vgg19-dcbb9e9d.pth'


@pytest.fixture(scope='module')
def features_state():
    """Convolutions of a VGG19 in torchvision's layout, without the classifier."""
    with torch.device('meta'):
        shapes = torchvision.models.vgg19().features.state_dict()
    generator = torch.Generator().manual_seed(0)
    return {
        f'features.{key}': torch.randn(value.shape, generator=generator) * 0.02
        for key, value in shapes.items()
    }


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    folder = tmp_path / 'hub' / 'checkpoints'
    folder.mkdir(parents=True)
    return folder


def test_layers_and_levels():
    levels = VGG19Features('random').levels
    assert len(levels) == 16
    assert levels['relu1_1'] == 0 and levels['relu3_1'] == 2
    assert levels['relu4_4'] == 3 and levels['relu5_4'] == 4


def test_activations_are_those_of_torchvision(features_state, tmp_path):
    path = tmp_path / 'vgg.pth'
    classifier = {'classifier.0.weight': torch.zeros(1)}
    torch.save(features_state | classifier, path)
    net = VGG19Features(path)
    with torch.device('meta'):
        reference = torchvision.models.vgg19().features
    reference.load_state_dict(
        {k.removeprefix('features.'): v for k, v in features_state.items()},
        assign=True,
    )
    images = torch.rand(1, 3, 32, 32) * 2 - 1
    # Indices of the rectifiers inside torchvision's ``features``.
    indices = dict(relu1_1=1, relu2_1=6, relu2_2=8, relu3_1=11, relu3_4=17)
    indices |= dict(relu4_1=20, relu4_4=26, relu5_1=29, relu5_2=31)
    feats = net(images, list(indices))
    with torch.no_grad():
        for name, index in indices.items():
            torch.testing.assert_close(feats[name], reference[: index + 1](images))


def test_normalize(features_state, tmp_path):
    path = tmp_path / 'vgg.pth'
    torch.save(features_state, path)
    images = torch.rand(1, 3, 16, 16) * 2 - 1
    mean = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    by_hand = VGG19Features(path)(((images + 1) / 2 - mean) / std, ['relu1_2'])
    inside = VGG19Features(path, normalize=True)(images, ['relu1_2'])
    torch.testing.assert_close(inside, by_hand)


def test_failed_download_says_what_to_do(hub, monkeypatch):
    def offline(*args, **kwargs):
        raise URLError('no network')

    monkeypatch.setattr(torch.hub, 'download_url_to_file', offline)
    with pytest.raises(WeightsError) as caught:
        VGG19Features()
    message = str(caught.value)
    for part in (
        f'https://download.pytorch.org/models/{NAME}',
        NAME,
        str(hub),
        'SHA-256 starts with dcbb9e9d',
        'no network',
    ):
        assert part in message


def test_damaged_file_in_the_cache(hub):
    (hub / NAME).write_bytes(b'half a download')
    with pytest.raises(WeightsError, match=f'{NAME} is damaged .* expected dcbb9e9d'):
        VGG19Features()


def test_file_in_the_cache_is_used(hub, features_state, monkeypatch):
    torch.save(features_state, hub / 'made-here.pth')
    digest = hashlib.sha256((hub / 'made-here.pth').read_bytes()).hexdigest()[:8]
    (hub / 'made-here.pth').rename(hub / f'vgg19-{digest}.pth')
    weights = torchvision.models.VGG19_Weights.IMAGENET1K_V1
    url = f'https://example.invalid/vgg19-{digest}.pth'
    monkeypatch.setattr(type(weights), 'url', url, raising=False)
    net = VGG19Features()
    assert torch.equal(net.features[0].weight, features_state['features.0.weight'])


@pytest.mark.parametrize(
    'change, match',
    [
        ({'features.0.weight': None}, r'1 missing \(0\.weight\)'),
        ({'features.99.weight': torch.zeros(1)}, r'1 left over \(99\.weight\)'),
        ({'features.0.bias': torch.zeros(1)}, r'1 of another shape \(0\.bias\)'),
    ],
)
def test_weights_of_another_net(features_state, tmp_path, change, match):
    state = {k: v for k, v in (features_state | change).items() if v is not None}
    path = tmp_path / 'other.pth'
    torch.save(state, path)
    with pytest.raises(WeightsError, match=match):
        VGG19Features(path)


def test_missing_file():
    with pytest.raises(WeightsError, match="'imagenet', 'random' or an existing file"):
        VGG19Features('imagnet')


def test_file_that_is_not_weights(tmp_path):
    path = tmp_path / 'notes.pth'
    path.write_text('no weights')
    with pytest.raises(WeightsError, match='can not be read as PyTorch weights'):
        VGG19Features(path)
    torch.save([torch.zeros(1)], path)
    with pytest.raises(WeightsError, match='must hold a state dict'):
        VGG19Features(path)
