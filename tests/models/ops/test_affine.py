from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.transform import estimate_transform

from posegen.models.ops import fit_affine

METHODS = ('homogeneous', 'least_squares')


def random_points(shape, seed=0, scale=50.0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(*shape, 2, generator=generator, dtype=torch.float64) * scale


@pytest.mark.parametrize('method', METHODS)
def test_exact_maps_are_found(method):
    matrix = torch.tensor([[1.2, -0.4, 7.0], [0.3, 0.8, -20.0]], dtype=torch.float64)
    points = random_points((5, 3))
    images = points @ matrix[:, :2].T + matrix[:, 2]
    found, usable = fit_affine(points, images, torch.ones(5, 3) > 0, method)
    assert usable.all()
    torch.testing.assert_close(found, matrix.expand(5, 2, 3), rtol=0, atol=1e-9)


def test_homogeneous_is_scikit_image():
    points, images = random_points((4, 7)), random_points((4, 7), seed=1)
    found, _ = fit_affine(points, images, torch.ones(4, 7) > 0, 'homogeneous')
    for matrix, start, end in zip(found, points, images):
        expected = estimate_transform('affine', start.numpy(), end.numpy()).params
        np.testing.assert_allclose(matrix, expected[:2], rtol=0, atol=1e-7)


def test_least_squares_is_numpy():
    points, images = random_points((4, 6)), random_points((4, 6), seed=1)
    found, _ = fit_affine(points, images, torch.ones(4, 6) > 0, 'least_squares')
    for matrix, start, end in zip(found, points.numpy(), images.numpy()):
        design = np.hstack([start, np.ones((6, 1))])
        expected = np.linalg.lstsq(design, end, rcond=None)[0].T
        np.testing.assert_allclose(matrix, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize('method', METHODS)
def test_absent_points_have_no_say(method):
    points, images = random_points((2, 7)), random_points((2, 7), seed=1)
    present = torch.tensor([True] * 5 + [False] * 2).expand(2, 7)
    alone = fit_affine(points[:, :5], images[:, :5], present[:, :5], method)[0]
    points[:, 5:], images[:, 5:] = torch.nan, torch.inf
    together, usable = fit_affine(points, images, present, method)
    assert usable.all()
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-9)


@pytest.mark.parametrize('method', METHODS)
@pytest.mark.parametrize('flat', ['points', 'images'])
@pytest.mark.parametrize('kind', ['line', 'point', 'two', 'none'])
def test_what_spans_no_plane_is_not_usable(method, flat, kind):
    sides = dict(points=random_points((1, 4)), images=random_points((1, 4), seed=1))
    present = torch.ones(1, 4) > 0
    if kind == 'line':
        along = torch.tensor([0.0, 1, 3, 7], dtype=torch.float64)
        sides[flat] = (torch.stack([along, 3 * along - 5], -1))[None]
    elif kind == 'point':
        sides[flat] = sides[flat][:, :1].expand(1, 4, 2)
    else:
        present = torch.arange(4)[None] < (2 if kind == 'two' else 0)
    matrix, usable = fit_affine(sides['points'], sides['images'], present, method)
    assert not usable.any()
    assert matrix.isfinite().all()


def test_unknown_method():
    points = random_points((1, 3))
    with pytest.raises(ValueError, match="homogeneous.*got 'exact'"):
        fit_affine(points, points, torch.ones(1, 3) > 0, 'exact')
