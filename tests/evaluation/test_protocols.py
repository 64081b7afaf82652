"""Protocols: complete, sourced, and equal to golden numbers of published results."""

from __future__ import annotations

import csv
from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest
import torch

from posegen.evaluation import functional as F
from posegen.evaluation.pair_scores import score_pairs
from posegen.evaluation.protocols import (
    FID,
    HIGHER_IS_BETTER,
    LPIPS,
    PAIR_METRICS,
    PROTOCOLS,
    PSNR,
    SSIM,
    Canvas,
    Gaussian,
    Uniform,
    get_protocol,
)
from posegen.evaluation.steps import apply_steps
from posegen.utils.errors import ConfigError
from tests.evaluation.helpers import read_image

EVERY = pytest.mark.parametrize('protocol', PROTOCOLS.values(), ids=PROTOCOLS)
NAMES = (
    *('posegen', 'gfla', 'dptn', 'patn', 'spgnet', 'pise', 'dior', 'pws', 'prasunroy'),
    *('pidm', 'cfld', 'pcdms', 'pocold', 'pocold-recent', 'upgpt', 'vtoneval'),
)


def test_every_published_protocol_is_there():
    assert tuple(PROTOCOLS) == NAMES
    assert all(get_protocol(name).name == name for name in NAMES)
    with pytest.raises(ConfigError, match="no protocol 'x'; there are: posegen, gfla"):
        get_protocol('x')


@EVERY
def test_every_field_has_a_source_or_a_reason(protocol):
    for path, value in protocol.values().items():
        source = protocol.source(path)
        assert source
        assert (value is None) == (path in protocol.unknown), path
        assert (value is None) == source.startswith('unknown: '), path


@EVERY
def test_no_source_of_a_field_that_is_not_there(protocol):
    paths = protocol.values()
    for entry in protocol.sources:
        assert any(f'{path}.'.startswith(f'{entry}.') for path in paths), entry
    for entry in protocol.unknown:
        known_elsewhere = any(path.startswith(f'{entry}.') for path in paths)
        assert not known_elsewhere, entry


@EVERY
def test_columns_are_known_and_appear_once(protocol):
    names = [metric.name for metric in protocol.metrics]
    assert len(set(names)) == len(names)
    assert set(names) <= set(HIGHER_IS_BETTER)
    assert all(not protocol.missing(name) for name in names)


@EVERY
def test_records_are_frozen_and_hashable(protocol):
    with pytest.raises(FrozenInstanceError):
        protocol.name = 'x'
    for metric in protocol.metrics:
        hash(metric)
        with pytest.raises(FrozenInstanceError):
            metric.name = 'x'


def test_reasons_for_what_is_not_there():
    with pytest.raises(KeyError, match='no fid under protocol pise: the paper names'):
        get_protocol('pise').metric('fid')
    with pytest.raises(KeyError, match='it is no part of it'):
        get_protocol('gfla').metric('kid')
    with pytest.raises(KeyError, match="no source for 'kid.factor'"):
        get_protocol('gfla').source('kid.factor')


def test_sources_are_looked_up_from_the_nearest():
    gfla = get_protocol('gfla')
    assert '48,674' in gfla.source('fid.real_count')
    assert gfla.source('fid.covariance') == gfla.sources['fid']
    quantise = get_protocol('pidm').source('stored.quantise')
    assert quantise.startswith('unknown: the code that writes results')


def test_recommended_protocol_has_no_faults():
    posegen = get_protocol('posegen')
    assert posegen.faults() == {}
    assert posegen.unknown == {}
    fid, lpips = posegen.metric('fid'), posegen.metric('lpips')
    assert (fid.weights, fid.last_batch) == ('tf2015', 'keep')
    assert fid.input_resize.antialias and fid.input_resize.output == 'float'
    assert (lpips.net, lpips.input_range) == ('alex', '[-1,1]')
    ssim = posegen.metric('ssim')
    assert (ssim.window, ssim.data_range) == (Gaussian(1.5), 255)
    assert not any(metric.fake or metric.real for metric in posegen.metrics)


def test_known_mistakes_have_names():
    assert [*get_protocol('pise').faults()] == ['psnr.arithmetic']
    faults = get_protocol('pcdms').faults()
    assert {'lpips.input_range', 'fid.last_batch', 'fid.normalisation'} <= set(faults)
    assert 'ssim.fake.0.kind' in get_protocol('dptn').faults()
    assert 'psnr.mean' in get_protocol('vtoneval').faults()


def test_who_drops_images():
    """8,570 pairs: what is left of them."""
    kept = {
        name: metric.batch_size * (8570 // metric.batch_size)
        for name in NAMES
        for metric in PROTOCOLS[name].metrics
        if isinstance(metric, FID) and metric.last_batch == 'drop'
    }
    assert kept.pop('pcdms') == 8448
    assert set(kept) == {'gfla', 'dptn', 'spgnet', 'pidm', 'pocold', 'dior', 'pws'}
    assert set(kept.values()) == {8512}


def test_what_others_feed_lpips():
    wrong = {
        name
        for name in NAMES
        for metric in PROTOCOLS[name].metrics
        if isinstance(metric, LPIPS) and metric.input_range == '[0,1]'
    }
    assert wrong == {'pcdms', 'upgpt'}


def test_whose_code_stored_jpeg():
    stored = {name for name in NAMES if PROTOCOLS[name].stored.format == 'jpeg'}
    assert stored == {'gfla', 'dptn', 'patn', 'dior', 'prasunroy', 'upgpt'}
    assert '_vis.jpg' in get_protocol('patn').source('stored.format')
    assert 'casts' in get_protocol('patn').source('stored.quantise')


def test_windows():
    found = {
        name: {m.window for m in PROTOCOLS[name].metrics if isinstance(m, SSIM)}
        for name in NAMES
    }
    assert found['gfla'] == found['cfld'] == {Gaussian(1.5), Uniform(51)}
    assert found['pidm'] == found['pcdms'] == {Gaussian(1.2), Uniform(51)}
    assert found['patn'] == {Gaussian(1.5)}
    assert found['prasunroy'] == {Uniform(7)}


# Protocol -> column -> column of the golden tables.
_GFLA = dict(
    ssim='ssim_gaussian', ssim_win51='ssim_win51', psnr='psnr', mae_ratio='mae_ratio'
)
_WHITE = {name: f'white_{column}' for name, column in _GFLA.items()}
DEEPFASHION = {
    'posegen': dict(ssim='ssim_gaussian_255', psnr='psnr', l1='l1'),
    'gfla': _GFLA,
    'dior': _GFLA,
    'pocold': _GFLA,
    'dptn': _WHITE,
    'patn': dict(ssim='white_ssim_gaussian', l1='white_l1'),
    'pidm': _GFLA | dict(ssim='ssim_sigma1_2'),
    'pise': dict(psnr='crop176_psnr_pise_uint8'),
    'prasunroy': dict(ssim='ssim_default7'),
    'upgpt': dict(ssim='ssim_gaussian_255'),
}
MARKET = {
    'posegen': dict(
        ssim='ssim_gaussian_255',
        mask_ssim='mask_ssim_gaussian_255',
        mask_psnr='mask_psnr',
        mask_l1='mask_l1',
    ),
    'gfla': _GFLA,
    'dptn': _GFLA,  # nothing is padded there
    'patn': dict(ssim='ssim_gaussian', l1='l1', mask_ssim='mask_ssim_gaussian'),
    'spgnet': dict(mask_ssim='mask_ssim_gaussian'),
    'pise': dict(psnr='psnr_pise_uint8'),
}
CASES = [
    pytest.param(dataset, name, column, golden, id=f'{dataset}-{name}-{column}')
    for dataset, table in (('deepfashion', DEEPFASHION), ('market1501', MARKET))
    for name, columns in table.items()
    for column, golden in columns.items()
]
IMAGE_DIRS = {'market1501': 'bounding_box_test', 'deepfashion': 'test'}


@pytest.fixture(scope='module')
def pairs(shared):
    """Data set -> rows of its golden table, generated and target images, masks."""

    def load(dataset):
        with open(shared(f'fixtures/metrics/{dataset}_vunet.csv')) as file:
            rows = list(csv.DictReader(file))[:8]
        root = shared(f'data/real/{dataset}')
        names = [f'{Path(r["from"]).stem}___{Path(r["to"]).stem}.png' for r in rows]
        fake = [read_image(root / 'generated' / 'vunet' / name) for name in names]
        real = [read_image(root / IMAGE_DIRS[dataset] / row['to']) for row in rows]
        with np.load(shared('fixtures/metrics/masks_market1501.npz')) as stored:
            stems = [Path(row['to']).stem for row in rows]
            masks = [torch.from_numpy(stored[s]) for s in stems if s in stored]
        return rows, torch.stack(fake), torch.stack(real), masks

    return {dataset: load(dataset) for dataset in IMAGE_DIRS}


@pytest.mark.parametrize(('dataset', 'name', 'column', 'golden'), CASES)
def test_protocol_gives_golden_numbers(pairs, dataset, name, column, golden):
    rows, fake, real, masks = pairs[dataset]
    metric = get_protocol(name).metric(column)
    fake = apply_steps(fake, metric.fake, fake.shape[2])
    real = apply_steps(real, metric.real, real.shape[2])
    if metric.mask == 'pose-black':
        region = torch.stack(masks)
        fake, real = F.black_out(fake, region), F.black_out(real, region)
    values = score_pairs(metric, fake, real).tolist()
    expected = [float(row[golden]) for row in rows]
    assert values == pytest.approx(expected, rel=0, abs=1e-6)


def test_pair_metrics_are_the_ones_without_a_network():
    for protocol in PROTOCOLS.values():
        for metric in protocol.metrics:
            plain = not isinstance(metric, FID | LPIPS) and 'inception' not in (
                metric.name
            )
            assert isinstance(metric, PAIR_METRICS) == plain


def test_published_differences_of_one_pair(pairs):
    """White margins and wrapping, as far as they lie apart on real images."""
    _, fake, real, _ = pairs['deepfashion']
    cut = (
        apply_steps(fake, (Canvas('crop176'),), 256),
        apply_steps(real, (Canvas('crop176'),), 256),
    )

    def mean(name, column, images=(fake, real)):
        metric = get_protocol(name).metric(column)
        prepared = [apply_steps(x, metric.fake, 256) for x in images]
        return score_pairs(metric, *prepared).mean().item()

    un_padded = score_pairs(get_protocol('gfla').metric('ssim'), *cut).mean().item()
    assert mean('patn', 'ssim') > un_padded + 0.05
    float_psnr = F.psnr(*cut, 255).mean().item()
    assert mean('dptn', 'psnr') == pytest.approx(
        float_psnr + 10 * np.log10(256 / 176), abs=1e-6
    )
    assert float_psnr < 20 < 28 < mean('pise', 'psnr') < 32
    assert isinstance(get_protocol('pise').metric('psnr'), PSNR)
