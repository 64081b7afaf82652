"""Structural similarity (Wang et al., IEEE TIP 2004), eq. 13 of that paper."""

from __future__ import annotations

from functools import partial

import cv2
import numpy as np
import torch
from torch import Tensor

from posegen.evaluation.functional.pixels import as_pair, positive_range

_K1, _K2 = 0.01, 0.03
_STRIP = 128  # rows; the arrays of a strip stay in the cache


def ssim(
    pred: Tensor,
    target: Tensor,
    data_range: float | Tensor,
    sigma: float = 1.5,
    *,
    uniform: int | None = None,
    sample_covariance: bool = False,
) -> Tensor:
    """Structural similarity, borders left out of the mean, in float64.

    The Gaussian window reaches 3.5 sigma (11 taps at 1.5). Pixels whose window crosses
    the frame do not count, and channels are averaged. Equal to scikit-image's
    ``structural_similarity`` to 1e-10: ``gaussian_weights=True, sigma=sigma`` and
    ``use_sample_covariance=False``, or ``win_size=uniform`` and its default ``True``.

    Written here because whole test sets go through it: scikit-image's takes several
    times as long, and one image with one ``data_range`` at a time, where protocols that
    measure the range of each image need one per image of the batch.

    Args:
        pred: (B, C, H, W) of any dtype and device; the work is done on the CPU.
        target: (B, C, H, W) on the same scale.
        data_range: Distance between the least and the greatest possible value (255
            for uint8, 2 for [-1, 1]), or one per image as (B,).
        sigma: Standard deviation of the Gaussian window in pixels.
        uniform: Width of a square window of equal weights to take instead; odd. The
            published ones are 51 (GFLA) and 7 (scikit-image's default).
        sample_covariance: Divide variances by n - 1 instead of n, with n the number of
            pixels in a uniform window.

    Returns:
        (B,) float64 in [-1, 1].

    Raises:
        ValueError: Shapes differ, the window is larger than the images or even,
            ``data_range`` is not positive, or a sample covariance is asked of a
            Gaussian window.
    """
    maps = _maps(pred, target, data_range, sigma, uniform, sample_covariance)
    return torch.tensor([float(np.mean(each)) for each in maps], dtype=torch.float64)


def ssim_map(
    pred: Tensor,
    target: Tensor,
    data_range: float | Tensor,
    sigma: float = 1.5,
    *,
    uniform: int | None = None,
    sample_covariance: bool = False,
) -> Tensor:
    """Similarity of each pixel, for means over regions.

    Args:
        pred: As for :func:`ssim`, and so are the others.
        target: See there.
        data_range: See there.
        sigma: See there.
        uniform: See there.
        sample_covariance: See there.

    Returns:
        (B, H, W) float64, mean over channels; not a number where the window crosses
        the frame.
    """
    maps = _maps(pred, target, data_range, sigma, uniform, sample_covariance)
    size = pred.shape[2:]
    full = np.full((len(pred), *size), np.nan)
    for whole, inner in zip(full, maps):
        top = (size[0] - inner.shape[1]) // 2
        left = (size[1] - inner.shape[2]) // 2
        whole[top : size[0] - top, left : size[1] - left] = inner.mean(axis=0)
    return torch.from_numpy(full)


def ms_ssim(
    pred: Tensor, target: Tensor, data_range: float, sigma: float = 1.5
) -> Tensor:
    """Multi-scale structural similarity (Wang et al., Asilomar 2003), five scales.

    By torchmetrics, image by image. Negative contrast terms count as 0, as in the
    packages that published numbers come from.

    Args:
        pred: (B, C, H, W) of any dtype.
        target: (B, C, H, W) on the same scale.
        data_range: Distance between the least and the greatest possible value.
        sigma: Standard deviation of the Gaussian window, of 11 pixels at 1.5.

    Returns:
        (B,) float64 in [0, 1].

    Raises:
        ValueError: Shapes differ, or images are smaller than the fifth scale needs
            (176 pixels at sigma 1.5).
    """
    from torchmetrics.functional.image import (
        multiscale_structural_similarity_index_measure as measure,
    )

    pred, target = (image.double() for image in as_pair(pred, target))
    positive_range(data_range, len(pred))
    need = 16 * (2 * _radius(sigma) + 1)
    if min(pred.shape[2:]) < need:
        raise ValueError(
            f'MS-SSIM with sigma {sigma} needs images of {need}x{need} pixels or more, '
            f'got {pred.shape[2]}x{pred.shape[3]}'
        )
    score = partial(measure, sigma=sigma, data_range=data_range, reduction='none')
    return torch.cat([score(x[None], y[None]).view(1) for x, y in zip(pred, target)])


def _maps(pred, target, data_range, sigma, uniform, sample_covariance):
    """Iterator over (C, h, w) similarity of the images, borders cut."""
    pred, target = as_pair(pred.detach().cpu(), target.detach().cpu())
    if uniform is None and sample_covariance:
        raise ValueError('sample_covariance is defined for uniform windows only')
    if uniform is not None and uniform % 2 == 0:
        raise ValueError(f'uniform must be odd, got {uniform}')
    radius = _radius(sigma) if uniform is None else uniform // 2
    if min(pred.shape[2:]) < 2 * radius + 1:
        raise ValueError(
            f'a window of {2 * radius + 1} pixels does not fit in images of '
            f'{pred.shape[2]}x{pred.shape[3]}'
        )
    ranges = positive_range(data_range, len(pred)).tolist()
    blur = _gaussian_blur(sigma) if uniform is None else _uniform_blur(uniform)
    norm = 1 + 1 / (uniform**2 - 1) if sample_covariance else 1.0
    return (
        _similarity(x.numpy(), y.numpy(), peak, blur, norm, radius)
        for x, y, peak in zip(pred, target, ranges)
    )


def _radius(sigma: float) -> int:
    return int(3.5 * sigma + 0.5)


def _gaussian_blur(sigma: float):
    radius = _radius(sigma)
    window = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    window /= window.sum()
    # OpenCV's is the fastest float64 filter at hand: 3 times SciPy, 10 times conv2d.
    return lambda plane: cv2.sepFilter2D(plane, cv2.CV_64F, window, window)


def _uniform_blur(size: int):
    return lambda plane: cv2.boxFilter(plane, cv2.CV_64F, (size, size))


def _similarity(x, y, peak, blur, norm, radius) -> np.ndarray:
    """(C, H, W) twice -> similarity (C, H - 2 radius, W - 2 radius).

    Filtering takes most of the time. The moments are therefore taken of x + y and
    x - y, whose sums and differences give what the formula needs from four filters
    instead of five: xy = (s^2 - d^2) / 4 and x^2 + y^2 = (s^2 + d^2) / 2. Everything
    below is twice the term of the formula, as the factor cancels. Planes lie below each
    other in one picture: what runs over from one to the next is border and cut off.
    """
    channels, height, width = x.shape
    s = np.add(x, y, dtype=np.float64).reshape(channels * height, width)
    d = np.subtract(x, y, dtype=np.float64).reshape(channels * height, width)
    s_mean, d_mean = blur(s), blur(d)
    s *= s
    d *= d
    s_square, d_square = blur(s), blur(d)
    similarity = s  # written over
    constants = 2 * (_K1 * peak) ** 2, 2 * (_K2 * peak) ** 2
    for start in range(0, len(s), _STRIP):
        rows = slice(start, start + _STRIP)
        moments = s_mean[rows], d_mean[rows], s_square[rows], d_square[rows]
        _combine(*moments, *constants, norm, out=similarity[rows])
    inner = similarity.reshape(channels, height, width)
    return inner[:, radius : height - radius, radius : width - radius]


def _combine(s_mean, d_mean, s_square, d_square, c1, c2, norm, out) -> None:
    """The formula, in place, on whole rows: slices of rows would be misaligned."""
    s_mean *= s_mean
    d_mean *= d_mean
    np.subtract(s_mean, d_mean, out=out)  # 4 mu_x mu_y
    s_mean += d_mean  # 2 (mu_x^2 + mu_y^2)
    np.subtract(s_square, d_square, out=d_mean)
    s_square += d_square
    d_mean -= out  # 4 sigma_xy
    s_square -= s_mean  # 2 (sigma_x^2 + sigma_y^2)
    if norm != 1.0:
        d_mean *= norm
        s_square *= norm
    out += c1
    s_mean += c1
    d_mean += c2
    s_square += c2
    out *= d_mean
    s_mean *= s_square
    out /= s_mean
