"""Protocols during a test run."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from posegen.evaluation.extractors import load_network
from posegen.evaluation.metrics import protocol
from posegen.registry import METRICS
from posegen.utils.errors import ConfigError
from tests.evaluation.metrics.samples import evaluate, images_of, make_samples

pytestmark = pytest.mark.usefixtures('random_networks')


def _as_hwc(images):
    return images.permute(0, 2, 3, 1).numpy().astype(float)


def test_patn_on_the_white_canvas():
    samples = make_samples(3, (256, 256))
    pairs = zip(*map(_as_hwc, images_of(samples)))
    expected = []
    for fake, real in pairs:
        for image in (fake, real):
            image[:, :40] = image[:, 216:] = 255
        score = structural_similarity(
            real,
            fake,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            channel_axis=-1,
            data_range=fake.max() - fake.min(),
        )
        expected.append(score)
    config = dict(type='ProtocolScores', protocol='patn', metrics=('ssim', 'l1'))
    values = evaluate([config], samples)
    assert set(values) == {'patn/ssim', 'patn/l1'}
    assert values['patn/ssim'] == pytest.approx(np.mean(expected), abs=1e-9)


def test_psnr_that_wraps_around():
    samples = make_samples(2)
    fake, real = (images.numpy() for images in images_of(samples))
    errors = [np.mean((a - b) ** 2) for a, b in zip(fake, real)]
    expected = np.mean([20 * np.log10(255) - 10 * np.log10(e) for e in errors])
    values = evaluate([dict(type='ProtocolScores', protocol='pise')], samples)
    assert values == {'pise/psnr': pytest.approx(expected)}


def test_lpips_of_half_the_contrast():
    samples = make_samples(2, (256, 176))
    net = load_network(('lpips', 'alex', '[0,1]')).net
    fake, real = (images / 255 for images in images_of(samples))
    with torch.no_grad():
        expected = net(fake, real).mean().item()
    config = dict(type='ProtocolScores', protocol='pcdms', metrics=['lpips'])
    # Two images are less than its batch of 64, and so a batch.
    values = evaluate([config], samples)
    assert values == {'pcdms/lpips': pytest.approx(expected, rel=1e-5)}


def test_all_of_a_protocol():
    values = evaluate(
        [dict(type='ProtocolScores', protocol='posegen', prefix='ours')],
        make_samples(4),
    )
    assert {'ours/fid', 'ours/lpips', 'ours/ssim', 'ours/mask_psnr'} <= set(values)
    assert all(np.isfinite(value) for value in values.values())


def test_two_protocols_side_by_side():
    configs = [
        dict(type='ProtocolScores', protocol=name, metrics=['ssim'])
        for name in ('pidm', 'gfla')
    ]
    values = evaluate(configs, make_samples(2, (64, 64)))
    assert values['pidm/ssim'] != values['gfla/ssim']


def test_says_what_is_left_out(monkeypatch):
    said = []
    monkeypatch.setattr(protocol, 'print_log', lambda text, *_: said.append(text))
    metric = METRICS.build(dict(type='ProtocolScores', protocol='pws'))
    assert [part.record.name for part in metric.parts] == ['lpips']
    assert "fid of protocol 'pws' is taken to all training images" in said[0]


def test_what_was_asked_for_is_not_left_out():
    config = dict(type='ProtocolScores', protocol='pws', metrics=['fid'])
    with pytest.raises(ConfigError, match='give their folder as real_dir'):
        METRICS.build(config)
    with pytest.raises(ConfigError, match='no ms_ssim under protocol gfla'):
        METRICS.build(dict(type='ProtocolScores', protocol='gfla', metrics=['ms_ssim']))
