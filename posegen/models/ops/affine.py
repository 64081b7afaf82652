"""Affine maps between point sets, in batch."""

from __future__ import annotations

import torch
from torch import Tensor

FITS = ('homogeneous', 'least_squares')

#: Points whose normalised covariance has a smaller determinant lie on a line.
_FLAT = 1e-9


@torch.no_grad()
def fit_affine(
    points: Tensor, images: Tensor, present: Tensor, method: str = 'homogeneous'
) -> tuple[Tensor, Tensor]:
    """Affine maps that take points closest to their images.

    Both methods agree where the points fit an affine map exactly; otherwise they weigh
    the errors differently, by tens of pixels for some heads.

    * ``'homogeneous'``: scikit-image's ``estimate_transform('affine')``, which Def-GAN
      was trained with: both sets are moved to mean 0 and mean squared length 2, and the
      right singular vector of the smallest singular value solves the homogeneous
      system, in which the scale of the images is an unknown like the others.
    * ``'least_squares'``: smallest sum of squared distances between mapped points and
      images.

    Args:
        points: (..., n, 2) x, y.
        images: (..., n, 2) where they should go.
        present: (..., n) bool; pairs that are not present are left out, whatever they
            hold.
        method: ``'homogeneous'`` or ``'least_squares'``.

    Returns:
        ``matrices`` (..., 2, 3) float64, image = matrix @ (x, y, 1), and ``usable``
        (...) bool: points and images each span the plane, so that the map is unique and
        can be inverted. Matrices that are not usable are finite and mean nothing.

    Raises:
        ValueError: If the method is unknown.
    """
    if method not in FITS:
        raise ValueError(f'fit must be one of {FITS}, got {method!r}')
    weight = present.double().unsqueeze(-1)
    start, start_scale, start_mean = _normalised(points, weight)
    end, end_scale, end_mean = _normalised(images, weight)
    usable = _spans_the_plane(start, weight) & _spans_the_plane(end, weight)
    solve = _homogeneous if method == 'homogeneous' else _least_squares
    eye = torch.eye(2, 3, dtype=start.dtype, device=start.device)
    inner = solve(start, end, weight).where(usable[..., None, None], eye)
    linear = inner[..., :2] * (start_scale / end_scale)
    shift = inner[..., 2:] / end_scale + end_mean.mT - linear @ start_mean.mT
    return torch.cat([linear, shift], dim=-1), usable


def _normalised(points: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Points of mean 0 and mean squared length 2, the factor and the mean before.

    (..., n, 2) -> (..., n, 2), (..., 1, 1), (..., 1, 2); absent points become 0.
    """
    count = weight.sum(-2, keepdim=True).clamp_min(1)
    points = points.double().where(weight > 0, 0.0)
    mean = points.sum(-2, keepdim=True) / count
    centred = (points - mean) * weight
    variance = centred.square().sum((-2, -1), keepdim=True) / count
    scale = (2 / variance.where(variance > 0, 2.0)).sqrt()
    return centred * scale, scale, mean


def _spans_the_plane(points: Tensor, weight: Tensor) -> Tensor:
    """Whether normalised points (..., n, 2) do not lie on one line: (...) bool."""
    covariance = points.mT @ points / weight.sum(-2, keepdim=True).clamp_min(1)
    (xx, xy), (_, yy) = (row.unbind(-1) for row in covariance.unbind(-2))
    return xx * yy - xy * xy > _FLAT


def _homogeneous(points: Tensor, images: Tensor, weight: Tensor) -> Tensor:
    """Normalised (..., n, 2) twice -> (..., 2, 3)."""
    ones = torch.cat([points, torch.ones_like(weight)], dim=-1) * weight
    zeros = torch.zeros_like(ones)
    rows_x = torch.cat([ones, zeros, images[..., :1]], dim=-1)
    rows_y = torch.cat([zeros, ones, images[..., 1:]], dim=-1)
    *_, vectors = torch.linalg.svd(torch.cat([rows_x, rows_y], dim=-2))
    solution = vectors[..., -1, :]
    scale = solution[..., -1:]
    # A scale of 0 belongs to points that span no plane; the caller drops those.
    matrix = -solution[..., :-1] / scale.where(scale != 0, 1.0)
    return matrix.unflatten(-1, (2, 3))


def _least_squares(points: Tensor, images: Tensor, weight: Tensor) -> Tensor:
    """As :func:`_homogeneous`; with means of 0 there is no shift."""
    moments = points.mT @ points
    (xx, xy), (_, yy) = (row.unbind(-1) for row in moments.unbind(-2))
    determinant = xx * yy - xy * xy
    adjugate = torch.stack([yy, -xy, -xy, xx], dim=-1).unflatten(-1, (2, 2))
    inverse = adjugate / determinant.where(determinant != 0, 1.0)[..., None, None]
    linear = images.mT @ points @ inverse
    return torch.cat([linear, torch.zeros_like(linear[..., :1])], dim=-1)
