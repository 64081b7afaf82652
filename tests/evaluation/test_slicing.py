"""Rows of slices from what each pair got."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from posegen.codecs import DEFAULT_PARTS
from posegen.evaluation import functional as F
from posegen.evaluation.slicing import (
    difficulty_rows,
    have_sources,
    region_names,
    region_rows,
    score_regions,
    stack_joints,
)
from tests.evaluation.helpers import random_images

SIZE = (64, 48)


def _pose(shift=0.0, missing=()):
    """(18, 3): joints on a zigzag; some missing."""
    rows = np.arange(18)
    joints = np.stack([10 + 20 * (rows % 2) + shift, 4 + 3 * rows, np.ones(18)], -1)
    joints[list(missing)] = 0
    return joints.astype(np.float32)


def test_regions_of_images():
    real = random_images(2, SIZE)
    fake = real.clone()
    targets = np.stack([_pose(), _pose()])
    sources = np.stack([_pose(3), _pose(3, missing=range(8, 14))])
    labels = F.part_regions(torch.from_numpy(targets), SIZE)
    fake[:, :, labels['leg'][0]] //= 2  # only legs are wrong
    scores = score_regions(fake, real, stack_joints(targets, sources))
    assert set(scores) == set(region_names(with_sources=True))
    assert (scores['l1_leg'] > 0).all()
    assert scores['psnr_background'].tolist() == [float('inf')] * 2
    assert scores['l1_hidden'].isnan().tolist() == [True, False]  # legs are shown once
    assert scores['l1_hidden'][1] > scores['l1_visible'][1]


def test_region_rows_leave_out_pairs_without_the_region():
    values = {
        'ssim_head': np.array([0.2, np.nan, 0.4]),
        'l1_hidden': np.full(3, np.nan),
    }
    (row,) = region_rows('A', 'posegen', values)
    assert (row.kind, row.part, row.n) == ('part', 'head', 2)
    assert row.values == {'ssim': pytest.approx(0.3)}


def test_thirds_by_how_far_joints_move():
    shifts = [1, 8, 2, 9, 16, 17]
    targets = np.stack([_pose() for _ in shifts])
    sources = np.stack([_pose(shift) for shift in shifts])
    values = {'ssim': np.array([0.9, 0.6, 0.8, 0.5, 0.2, 0.1])}
    rows = difficulty_rows('A', 'posegen', values, stack_joints(targets, sources), 100)
    found = [(r.part, r.n, r.values['ssim']) for r in rows if r.kind == 'pose distance']
    assert found == [
        ('0.01 to 0.02', 2, pytest.approx(0.85)),
        ('0.08 to 0.09', 2, pytest.approx(0.55)),
        ('0.16 to 0.17', 2, pytest.approx(0.15)),
    ]


def test_thirds_by_what_the_source_shows():
    targets = np.stack([_pose() for _ in range(3)])
    sources = np.stack([_pose(missing=range(count)) for count in (0, 9, 17)])
    values = {'psnr': np.array([20.0, 18.0, 15.0])}
    rows = difficulty_rows('A', 'posegen', values, stack_joints(targets, sources), 100)
    found = {r.part: r.values['psnr'] for r in rows if r.kind.startswith('joints')}
    assert found == {'0.06 to 0.06': 15, '0.50 to 0.50': 18, '1.00 to 1.00': 20}


def test_without_joints_of_sources_nothing_is_called_visible():
    joints = stack_joints(np.stack([_pose()]), None)
    assert not have_sources([joints])
    assert have_sources([stack_joints(np.stack([_pose()]), np.stack([_pose()]))])
    names = region_names(with_sources=False)
    assert {name.split('_')[1] for name in names} == {*DEFAULT_PARTS, 'background'}
