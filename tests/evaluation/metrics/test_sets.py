"""FID, KID and Inception score over samples, against torchmetrics."""

from __future__ import annotations

import math
import pickle
from dataclasses import replace

import pytest
import torch
from mmengine.evaluator import Evaluator
from torch import nn
from torch.nn.functional import interpolate
from torchmetrics.image import FrechetInceptionDistance, KernelInceptionDistance
from torchmetrics.image.inception import InceptionScore

from posegen.evaluation.extractors import load_network
from posegen.evaluation.metrics import sets
from posegen.evaluation.protocols import PROTOCOLS
from posegen.registry import METRICS
from posegen.utils.errors import ConfigError
from posegen.utils.images import save_image
from tests.evaluation.helpers import random_images
from tests.evaluation.metrics.networks import DIM
from tests.evaluation.metrics.samples import evaluate, images_of, make_samples

pytestmark = pytest.mark.usefixtures('random_networks')

GFLA_MEAN, GFLA_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class _Extractor(nn.Module):
    """What torchmetrics sees of a network, with a protocol's input written out."""

    num_features = DIM

    def __init__(self, protocol, head=None):
        super().__init__()
        weights, normalisation = _INPUTS[protocol]
        self.net = load_network(('inception', weights, normalisation))
        self.enter = globals()[f'_enter_{normalisation.replace("-", "_")}']
        self.head = head or nn.Identity()

    def forward(self, images):
        x = self.net.trunk(self.enter(images.float())).flatten(1)
        return self.head(x).detach()


_INPUTS = dict(
    gfla=('torchvision', 'imagenet-misapplied'),
    upgpt=('pytorch-fid', 'half'),
)


def _enter_imagenet_misapplied(images):
    x = interpolate(images / 255, (299, 299), mode='bilinear')
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (GFLA_MEAN, GFLA_STD))
    return x * std / 0.5 + (mean - 0.5) / 0.5


def _enter_half(images):
    return 2 * interpolate(images / 255, (299, 299), mode='bilinear') - 1


def _fid_of_torchmetrics(protocol, fake, real):
    metric = FrechetInceptionDistance(_Extractor(protocol))
    metric.update(real, real=True)
    metric.update(fake, real=False)
    return metric.compute().item()


def test_fid_as_torchmetrics():
    samples = make_samples(12)
    expected = _fid_of_torchmetrics('upgpt', *images_of(samples))
    values = evaluate([dict(type='FID', protocol='upgpt')], samples, batch_size=5)
    assert values == {'fid': pytest.approx(expected, rel=1e-4)}


def _change(monkeypatch, protocol, name, **changes):
    """Let a protocol have other values in one of its metrics."""
    whole = PROTOCOLS[protocol]
    metrics = [
        replace(metric, **changes) if metric.name == name else metric
        for metric in whole.metrics
    ]
    changed = replace(whole, metrics=tuple(metrics))
    monkeypatch.setattr(sets.protocols, 'get_protocol', lambda _: changed)


def test_gflas_fid_drops_the_incomplete_last_batch(tmp_path, monkeypatch):
    _change(monkeypatch, 'gfla', 'fid', batch_size=8)  # its 64 would take a while
    real = random_images(19, (48, 32), seed=5)
    for index, image in enumerate(real):
        save_image(tmp_path / f'{index:03}.png', image.permute(1, 2, 0).numpy())
    samples = make_samples(13)
    fake, _ = images_of(samples)
    expected = _fid_of_torchmetrics('gfla', fake[:8], real[:16])
    metric = dict(type='FID', protocol='gfla', real_dir=str(tmp_path))
    evaluator = Evaluator([METRICS.build(metric)])
    for _ in range(2):
        evaluator.process(samples)
        values = evaluator.evaluate(13)
        assert values == {'fid': pytest.approx(expected, rel=1e-4)}
        for file in tmp_path.iterdir():  # the real features are taken once
            file.unlink()


def test_gflas_fid_to_the_targets_is_refused():
    with pytest.raises(ConfigError, match="'gfla' is taken to all training images"):
        METRICS.build(dict(type='FID', protocol='gfla'))


def test_recommended_fid_is_clean_and_of_tensorflows_network():
    metric = METRICS.build(dict(type='FID'))
    assert metric.record is PROTOCOLS['posegen'].metric('fid')
    assert metric.net is load_network(('inception', 'tf2015', 'tf128'))
    samples = make_samples(8)
    values = evaluate([dict(type='FID')], samples)
    assert values['fid'] > 0
    for sample in samples:
        sample['image'] = sample['target_image']
    assert evaluate([dict(type='FID')], samples)['fid'] == pytest.approx(0, abs=1e-9)
    assert math.isnan(evaluate([dict(type='FID')], samples[:1])['fid'])


def test_kid_as_torchmetrics():
    samples = make_samples(12)
    fake, real = images_of(samples)
    metric = METRICS.build(dict(type='KID'))
    # One subset of all images needs no random draws.
    theirs = KernelInceptionDistance(_Clean(metric), subsets=1, subset_size=12)
    theirs.update(real, real=True)
    theirs.update(fake, real=False)
    expected = 1000 * theirs.compute()[0].item()
    values = evaluate([dict(type='KID')], samples)
    assert values == {'kid': pytest.approx(expected, rel=1e-3)}
    assert math.isnan(evaluate([dict(type='KID')], samples[:1])['kid'])


class _Clean(nn.Module):
    """Features after the metric's own resize, for torchmetrics."""

    def __init__(self, metric):
        super().__init__()
        self.embed = metric.embed

    def forward(self, images):
        return self.embed(images).double()


def test_inception_score_as_torchmetrics():
    samples = make_samples(12)
    fake, _ = images_of(samples)
    metric = METRICS.build(dict(type='InceptionScore', protocol='prasunroy'))
    net = metric.net
    theirs = InceptionScore(_Logits(net), splits=1)
    theirs.update(fake)
    expected = theirs.compute()[0].item()
    values = evaluate([dict(type='InceptionScore', protocol='prasunroy')], samples)
    assert values == {'inception_score': pytest.approx(expected, rel=1e-5)}


class _Logits(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, images):
        features = self.net.trunk(_enter_half(images.float())).flatten(1)
        return self.net.classifier(features)


def test_inception_score_of_patn_leaves_out_the_bias():
    samples = make_samples(20)
    value = evaluate([dict(type='InceptionScore')], samples)['inception_score']
    net = load_network(('inception', 'tf2015', 'tf128'))
    net.classifier.bias.data += torch.randn(5)
    again = evaluate([dict(type='InceptionScore')], samples)['inception_score']
    assert again == value > 1
    few = evaluate([dict(type='InceptionScore')], samples[:9])
    assert math.isnan(few['inception_score'])


def test_results_of_a_sample_carry_no_batch():
    metric = METRICS.build(dict(type='FID'))
    metric.process(None, make_samples(20))
    assert len(metric.results) == 20
    assert len(pickle.dumps(metric.results[0])) < 1000


@pytest.mark.parametrize(
    ('config', 'message'),
    [
        (dict(type='FID', protocol='patn'), 'no fid under protocol patn: PATN ships'),
        (dict(type='FID', protocol='gfa'), "no protocol 'gfa'; there are: posegen"),
        (dict(type='FID', metric='ssim'), "ssim of protocol 'posegen' is no FID"),
        (dict(type='KID', protocol='gfla'), 'no kid under protocol gfla'),
    ],
)
def test_refuses(config, message):
    with pytest.raises(ConfigError, match=message):
        METRICS.build(config)


def test_refuses_records_that_the_published_code_leaves_open(monkeypatch):
    _change(monkeypatch, 'posegen', 'fid', normalisation=None)
    with pytest.raises(ConfigError, match="can't be had, fid.normalisation is "):
        METRICS.build(dict(type='FID'))
