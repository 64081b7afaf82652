"""Scores against golden numbers of published results on real photos."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import pad

from posegen.codecs import pose_mask
from posegen.datasets.annotations import read_annotations
from posegen.evaluation import functional as F
from tests.evaluation.helpers import read_image

IMAGE_DIRS = {'market1501': 'bounding_box_test', 'deepfashion': 'test'}
METHODS = ('defgan', 'vunet')


def of(*datasets):
    sets = [(dataset, method) for dataset in datasets for method in METHODS]
    return pytest.mark.parametrize('golden', sets, ids='-'.join, indirect=True)


@pytest.fixture(scope='module')
def golden(shared, request):
    """Rows of a golden table, generated and target images as batches."""
    dataset, method = request.param
    with open(shared(f'fixtures/metrics/{dataset}_{method}.csv')) as file:
        rows = list(csv.DictReader(file))
    root: Path = shared(f'data/real/{dataset}')
    names = [f'{Path(r["from"]).stem}___{Path(r["to"]).stem}.png' for r in rows]
    fake = [read_image(root / 'generated' / method / name) for name in names]
    real = [read_image(root / IMAGE_DIRS[dataset] / row['to']) for row in rows]
    return rows, torch.stack(fake), torch.stack(real)


@pytest.fixture(scope='module')
def masks(shared):
    with np.load(shared('fixtures/metrics/masks_market1501.npz')) as stored:
        return {stem: torch.from_numpy(stored[stem]) for stem in stored.files}


def _column(rows, name):
    return torch.tensor([float(row[name]) for row in rows], dtype=torch.float64)


COLUMNS = {
    'mse': F.mse,
    'psnr': lambda fake, real: F.psnr(fake, real, 255),
    'psnr_pise_uint8': F.psnr_uint8_wrap,
    'ssim_gaussian': lambda fake, real: F.ssim(fake, real, F.generated_range(fake)),
    'ssim_gaussian_255': lambda fake, real: F.ssim(fake, real, 255),
    'ssim_sigma1_2': lambda fake, real: F.ssim(
        fake, real, F.generated_range(fake), sigma=1.2
    ),
    'ssim_win51': lambda fake, real: F.ssim(
        fake / 255.0, real / 255.0, 1, uniform=51, sample_covariance=True
    ),
    'ssim_default7': lambda fake, real: F.ssim(
        fake, real, 255, uniform=7, sample_covariance=True
    ),
    'l1': lambda fake, real: F.l1(fake, real, 255),
    'mae_ratio': F.mae_ratio,
    'gen_range': lambda fake, real: F.generated_range(fake),
}
TOLERANCE = {'mse': 1e-7}  # as many digits as the table has


def _assert_column(rows, fake, real, column, prefix=''):
    if column == 'ssim_win51':  # in float64 from the start
        fake, real = fake.double(), real.double()
    values, expected = COLUMNS[column](fake, real), _column(rows, prefix + column)
    assert values.dtype == torch.float64
    atol = TOLERANCE.get(column, 1e-6)
    torch.testing.assert_close(values, expected, rtol=1e-10, atol=atol)


@of(*IMAGE_DIRS)
@pytest.mark.parametrize('column', COLUMNS)
def test_full_frame(golden, column):
    _assert_column(*golden, column)


@of('deepfashion')
@pytest.mark.parametrize('column', COLUMNS)
@pytest.mark.parametrize('prefix', ['crop176_', 'white_'])
def test_other_canvas(golden, prefix, column):
    rows, fake, real = golden
    fake, real = fake[..., 40:216], real[..., 40:216]
    if prefix == 'white_':
        fake, real = (pad(images, (40, 40), value=255) for images in (fake, real))
    _assert_column(rows, fake, real, column, prefix)


@of('market1501')
@pytest.mark.parametrize('column', COLUMNS)
def test_masked(golden, masks, column):
    rows, fake, real = golden
    mask = torch.stack([masks[Path(row['to']).stem] for row in rows])
    fake, real = F.black_out(fake, mask), F.black_out(real, mask)
    assert fake.dtype == torch.uint8
    _assert_column(rows, fake, real, column, 'mask_')


@of('market1501')
def test_inside_the_mask(golden, masks):
    rows, fake, real = golden
    mask = torch.stack([masks[Path(row['to']).stem] for row in rows])
    assert mask.sum((1, 2)).tolist() == _column(rows, 'mask_pixels').tolist()
    for name, values in (
        ('inside_mask_l1', F.l1(fake, real, 255, mask=mask)),
        ('inside_mask_psnr', F.psnr(fake, real, 255, mask=mask)),
    ):
        expected = _column(rows, name)
        torch.testing.assert_close(values, expected, rtol=0, atol=1e-6)


def test_masks_are_bit_equal(shared, masks):
    file = shared('data/real/market1501/market-annotation-test.csv')
    annotations = read_annotations(file)
    keypoints = dict(zip(annotations.names, annotations.keypoints))
    for stem, expected in masks.items():
        drawn = pose_mask(keypoints[f'{stem}.jpg'], (128, 64))
        assert np.array_equal(drawn, expected.numpy()), stem


@of(*IMAGE_DIRS)
def test_means_over_images_and_pooled(golden, shared, request):
    _, fake, real = golden
    dataset, method = request.node.callspec.params['golden']
    means = json.loads(shared('fixtures/metrics/means.json').read_text())
    means = means[dataset][method]
    scores = F.psnr(fake, real, 255)
    assert scores.mean().item() == pytest.approx(means['mean_psnr'], abs=1e-6)
    pooled = means['psnr_whole_set']
    assert F.psnr_of_set(scores).item() == pytest.approx(pooled, abs=1e-6)
