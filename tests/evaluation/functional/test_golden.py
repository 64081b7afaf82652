"""Scores against golden numbers of published results on real photos."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from posegen.evaluation.functional import l1, psnr, ssim
from tests.evaluation.helpers import read_image

IMAGE_DIRS = {'market1501': 'bounding_box_test', 'deepfashion': 'test'}


@pytest.fixture(params=[(d, m) for d in IMAGE_DIRS for m in ('defgan', 'vunet')])
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


def _column(rows, name):
    return torch.tensor([float(row[name]) for row in rows], dtype=torch.float64)


def _range(images):
    flat = images.flatten(1).double()
    return flat.amax(1) - flat.amin(1)


def _assert_columns(rows, fake, real, prefix=''):
    scores = {
        'psnr': psnr(fake, real, 255),
        'ssim_gaussian': ssim(fake, real, _range(fake)),
        'ssim_gaussian_255': ssim(fake, real, 255),
        'ssim_sigma1_2': ssim(fake, real, _range(fake), sigma=1.2),
        'l1': l1(fake, real, 255),
    }
    for name, values in scores.items():
        expected = _column(rows, prefix + name)
        torch.testing.assert_close(values, expected, rtol=0, atol=1e-6, msg=name)


def test_full_frame(golden):
    rows, fake, real = golden
    _assert_columns(rows, fake, real)


def test_other_canvas(golden):
    rows, fake, real = golden
    if 'crop176_psnr' not in rows[0]:
        pytest.skip('only DeepFashion is cropped')
    _assert_columns(rows, fake[..., 40:216], real[..., 40:216], 'crop176_')


def test_masked(golden, shared):
    rows, fake, real = golden
    if 'mask_psnr' not in rows[0]:
        pytest.skip('only Market-1501 is masked')
    masks = np.load(shared('fixtures/metrics/masks_market1501.npz'))
    stems = [Path(row['to']).stem for row in rows]
    mask = torch.stack([torch.from_numpy(masks[stem]) for stem in stems])[:, None]
    _assert_columns(rows, fake * mask, real * mask, 'mask_')
