"""LPIPS with random trunks, against the package and against torchmetrics.

The linear heads are the real ones, which are inside both packages.
"""

from __future__ import annotations

import warnings

import lpips
import pytest
import torch
import torchvision
from torch import nn
from torchmetrics.functional.image import lpips as torchmetrics_lpips

from posegen.evaluation.networks import build_lpips
from posegen.models.feature_nets.weights import init_random
from posegen.utils.errors import WeightsError
from tests.evaluation.helpers import random_images

NETS = ('alex', 'vgg', 'squeeze')
FILES = dict(
    alex='alexnet-owt-7be5be79.pth',
    vgg='vgg16-397923af.pth',
    squeeze='squeezenet1_1-b8a52dc0.pth',
)


@pytest.fixture(scope='module', params=NETS)
def trunk(request, tmp_path_factory):
    """Name of a net, its random convolutions, and their file as torchvision's."""
    names = dict(alex='alexnet', vgg='vgg16', squeeze='squeezenet1_1')
    with torch.device('meta'):
        features = getattr(torchvision.models, names[request.param])().features
    features = features.to_empty(device='cpu')
    torch.manual_seed(0)
    init_random(features)
    path = tmp_path_factory.mktemp('lpips') / 'trunk.pth'
    state = {f'features.{key}': value for key, value in features.state_dict().items()}
    torch.save(state | {'classifier.1.weight': torch.zeros(1)}, path)
    return request.param, features, path


def _reference(package, net, features):
    """The net of another package with these convolutions."""
    with torch.device('meta'), warnings.catch_warnings():
        warnings.simplefilter('ignore')
        empty = package(net=net, pnet_rand=True, pretrained=False)
    reference = empty.to_empty(device='cpu')
    for own, other in zip(_convolutions(features), _convolutions(reference.net)):
        other.load_state_dict(own.state_dict())
    return reference.eval()


def _convolutions(net):
    """In the order in which they are used; both packages keep torchvision's."""
    return [layer for layer in net.modules() if isinstance(layer, nn.Conv2d)]


def _set_constants(reference, heads):
    """What is lost on the way through the meta device."""
    reference.load_state_dict(heads, strict=False)
    shift, scale = [-0.030, -0.088, -0.188], [0.458, 0.448, 0.450]
    for name, values in dict(shift=shift, scale=scale).items():
        setattr(reference.scaling_layer, name, torch.tensor(values).view(1, 3, 1, 1))
    return reference


@pytest.mark.parametrize(
    ('input_range', 'scale', 'offset'), [('[-1,1]', 127.5, 1), ('[0,1]', 255, 0)]
)
def test_is_the_packages_own_distance(trunk, input_range, scale, offset):
    net, features, path = trunk
    root = lpips.__path__[0]
    heads = torch.load(f'{root}/weights/v0.1/{net}.pth', map_location='cpu')
    theirs = _set_constants(_reference(lpips.LPIPS, net, features), heads)
    a, b = random_images(2, (40, 32), 1), random_images(2, (40, 32), 2)
    with torch.no_grad():
        expected = theirs(a / scale - offset, b / scale - offset).flatten()
    ours = build_lpips(net, input_range, path)(a, b)
    torch.testing.assert_close(ours, expected)
    assert (ours > 1e-3).all()


def test_is_the_distance_of_torchmetrics(trunk):
    net, features, path = trunk
    package = torchmetrics_lpips._LPIPS
    root = torchmetrics_lpips.__file__.rsplit('/', 1)[0]
    heads = torch.load(f'{root}/lpips_models/{net}.pth', map_location='cpu')
    theirs = _set_constants(_reference(package, net, features), heads)
    a, b = random_images(2, (40, 32), 1), random_images(2, (40, 32), 2)
    with torch.no_grad():
        expected = theirs(a / 255, b / 255, normalize=True).flatten()
    ours = build_lpips(net, file=path)(a, b)
    # Their norm of a feature vector has another small constant in it.
    torch.testing.assert_close(ours, expected, rtol=1e-3, atol=1e-5)


def test_half_the_contrast_is_another_scale(trunk):
    net, _, path = trunk
    a, b = random_images(2, (40, 32), 1), random_images(2, (40, 32), 2)
    wrong = build_lpips(net, '[0,1]', path)(a, b)
    assert not torch.allclose(wrong, build_lpips(net, file=path)(a, b), rtol=0.01)


@pytest.mark.parametrize('net', NETS)
def test_equal_images_and_small_images(net):
    model = build_lpips(net, file='random')
    size = model.min_size
    images = random_images(2, (size, size + 9))
    assert model(images, images).tolist() == [0, 0]
    assert not any(parameter.requires_grad for parameter in model.parameters())
    images = random_images(1, (size + 9, size - 1))
    with pytest.raises(
        ValueError, match=f'{size}x{size} pixels or more, got {size + 9}x'
    ):
        model(images, images)


def test_takes_floats_between_the_levels():
    model = build_lpips(file='random')
    images = random_images(1, (40, 32))
    assert model(images.float(), images) == 0
    assert model(images.float() * 0.99, images) > 0


@pytest.mark.parametrize('net', NETS)
def test_weights_that_cannot_be_downloaded(empty_hub, net):
    with pytest.raises(WeightsError) as caught:
        build_lpips(net)
    name = FILES[net]
    for part in (
        f'https://download.pytorch.org/models/{name}',
        str(empty_hub),
        f'SHA-256 starts with {name[-12:-4]}',
        'in a config, give its path as file',
        '--offline-features',
    ):
        assert part in str(caught.value)


def test_damaged_weights(empty_hub):
    (empty_hub / FILES['alex']).write_bytes(b'half a download')
    with pytest.raises(WeightsError, match='is damaged .* expected 7be5be79'):
        build_lpips('alex')


def test_weights_of_another_net(trunk):
    net, _, path = trunk
    other = 'squeeze' if net == 'alex' else 'alex'
    with pytest.raises(WeightsError, match='trunk.pth holds another net'):
        build_lpips(other, file=path)


def test_unknown_names():
    with pytest.raises(ValueError, match="one of alex, vgg, squeeze, got 'lin'"):
        build_lpips('lin')
    with pytest.raises(ValueError, match=r"one of \[-1,1\], \[0,1\], got '0-1'"):
        build_lpips(input_range='0-1')
