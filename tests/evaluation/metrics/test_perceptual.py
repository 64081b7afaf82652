"""LPIPS over samples."""

from __future__ import annotations

import pytest
import torch

from posegen.codecs import pose_mask
from posegen.evaluation.extractors import load_network
from posegen.registry import METRICS
from posegen.utils.errors import WeightsError
from tests.evaluation.metrics.samples import SIZE, evaluate, images_of, make_samples

pytestmark = pytest.mark.usefixtures('random_networks')


@pytest.mark.parametrize(
    ('net', 'name'),
    [('alex', 'lpips'), ('vgg', 'lpips_vgg'), ('squeeze', 'lpips_squeeze')],
)
def test_mean_over_samples(net, name):
    samples = make_samples(3)
    expected = load_network(('lpips', net, '[-1,1]'))(*images_of(samples)).mean()
    values = evaluate([dict(type='LPIPS', net=net)], samples)
    assert values == {name: pytest.approx(expected.item(), rel=1e-5)}


def test_mask_is_grey_around_the_person():
    (sample,) = make_samples(1)
    mask = torch.from_numpy(pose_mask(sample['target_keypoints'].numpy(), SIZE))
    # Grey is 0 of [-1, 1], where GFLA multiplies by the mask.
    net = load_network(('lpips', 'alex', '[-1,1]')).net
    pair = [(sample[key] / 127.5 - 1) * mask for key in ('image', 'target_image')]
    with torch.no_grad():
        expected = net(*(image[None] for image in pair)).item()
    values = evaluate([dict(type='LPIPS', masked=True)], [sample])
    assert values == {'mask_lpips': pytest.approx(expected, rel=1e-4)}
    assert expected > 0


def test_weights_are_never_random_unless_asked_to(monkeypatch, tmp_path):
    monkeypatch.undo()
    load_network.cache_clear()
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))

    def offline(*args, **kwargs):
        raise OSError('no network')

    monkeypatch.setattr(torch.hub, 'download_url_to_file', offline)
    with pytest.raises(WeightsError, match='alexnet-owt-7be5be79.pth could not be'):
        METRICS.build(dict(type='LPIPS'))
    METRICS.build(dict(type='LPIPS', file='random'))
