"""Structural similarity (Wang et al., IEEE TIP 2004), eq. 13 of that paper."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from posegen.evaluation.functional.pixels import as_pair, positive_range

_K1, _K2 = 0.01, 0.03
_SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_CV_CHANNELS = 4  # that all of OpenCV's filters take

Border = Literal['cut', 'reflect']
_Blur = Callable[[np.ndarray], np.ndarray]


def ssim(
    pred: Tensor,
    target: Tensor,
    data_range: float | Tensor,
    sigma: float = 1.5,
    *,
    uniform: int | None = None,
    sample_covariance: bool = False,
    border: Border = 'cut',
) -> Tensor:
    """Structural similarity in float64, by default without borders.

    The Gaussian window reaches 3.5 sigma (11 taps at 1.5), and channels are averaged.
    Equal to scikit-image's ``structural_similarity`` to 1e-10: ``gaussian_weights=True,
    sigma=sigma`` and ``use_sample_covariance=False``, or ``win_size=uniform`` and its
    default ``True``.

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
        border: 'cut' leaves pixels out of the mean whose window crosses the frame;
            'reflect' mirrors the image at its edges and counts all, as torchmetrics
            does since 2024.

    Returns:
        (B,) float64 in [-1, 1].

    Raises:
        ValueError: Shapes differ, the window is larger than the images or even,
            ``data_range`` is not positive, or a sample covariance is asked of a
            Gaussian window.
    """
    maps = _maps(pred, target, data_range, sigma, uniform, sample_covariance, border)
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
    pred: Tensor, target: Tensor, data_range: float | Tensor, sigma: float = 1.5
) -> Tensor:
    """Multi-scale structural similarity (Wang et al., Asilomar 2003), five scales.

    As pytorch_msssim, whose numbers are published: borders left out at every scale, the
    product taken per channel and then averaged, negative terms counted as 0. The one
    of torchmetrics keeps the borders at the last scale and averages channels first.

    Args:
        pred: (B, C, H, W) of any dtype.
        target: (B, C, H, W) on the same scale.
        data_range: As for :func:`ssim`.
        sigma: Standard deviation of the Gaussian window, of 11 pixels at 1.5.

    Returns:
        (B,) float64 in [0, 1].

    Raises:
        ValueError: Shapes differ, or images are smaller than the fifth scale needs
            (176 pixels at sigma 1.5).
    """
    radius = _radius(sigma)
    need = 2 ** (len(_SCALE_WEIGHTS) - 1) * (2 * radius + 1)
    pred, target = (x.detach().cpu().double() for x in as_pair(pred, target))
    if min(pred.shape[2:]) < need:
        raise ValueError(
            f'MS-SSIM with sigma {sigma} needs images of {need}x{need} pixels or more, '
            f'got {pred.shape[2]}x{pred.shape[3]}'
        )
    ranges = positive_range(data_range, len(pred)).tolist()
    blur, last = _gaussian_blur(sigma), len(_SCALE_WEIGHTS) - 1
    product = torch.ones(pred.shape[:2], dtype=torch.float64)
    for scale, weight in enumerate(_SCALE_WEIGHTS):
        if scale:
            pred, target = avg_pool2d(pred, 2), avg_pool2d(target, 2)
        maps = (
            _similarity(x, y, peak, blur, radius=radius, luminance=scale == last)
            for x, y, peak in zip(pred.numpy(), target.numpy(), ranges)
        )
        terms = np.stack([each.mean(axis=(1, 2)) for each in maps])
        product *= torch.from_numpy(terms).clamp(min=0) ** weight
    return product.mean(dim=1)


def _maps(
    pred: Tensor,
    target: Tensor,
    data_range: float | Tensor,
    sigma: float,
    uniform: int | None,
    sample_covariance: bool,
    border: Border = 'cut',
) -> Iterator[np.ndarray]:
    """(C, h, w) similarity of each image."""
    pred, target = as_pair(pred.detach().cpu(), target.detach().cpu())
    radius = _radius(sigma) if uniform is None else _checked(uniform) // 2
    if uniform is None and sample_covariance:
        raise ValueError('sample_covariance is defined for uniform windows only')
    if border not in ('cut', 'reflect'):
        raise ValueError(f"border must be 'cut' or 'reflect', got {border!r}")
    if min(pred.shape[2:]) < 2 * radius + 1:
        raise ValueError(
            f'a window of {2 * radius + 1} pixels does not fit in images of '
            f'{pred.shape[2]}x{pred.shape[3]}'
        )
    ranges = positive_range(data_range, len(pred)).tolist()
    blur = _gaussian_blur(sigma) if uniform is None else _uniform_blur(uniform)
    norm = 1 + 1 / (uniform**2 - 1) if sample_covariance else 1.0
    images = zip(pred.numpy(), target.numpy(), ranges)
    if border == 'reflect':
        return (_reflected(x, y, peak, blur, norm) for x, y, peak in images)
    return (_similarity(x, y, peak, blur, norm, radius) for x, y, peak in images)


def _checked(uniform: int) -> int:
    if uniform % 2 == 0:
        raise ValueError(f'uniform must be odd, got {uniform}')
    return uniform


def _radius(sigma: float) -> int:
    return int(3.5 * sigma + 0.5)


def _gaussian_blur(sigma: float) -> _Blur:
    radius = _radius(sigma)
    window = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    window /= window.sum()
    # OpenCV's is the fastest float64 filter at hand: 3 times SciPy, 10 times conv2d.
    return lambda plane: cv2.sepFilter2D(plane, cv2.CV_64F, window, window)


def _uniform_blur(size: int) -> _Blur:
    return lambda plane: cv2.boxFilter(plane, cv2.CV_64F, (size, size))


def _reflected(
    x: np.ndarray, y: np.ndarray, peak: float, blur: _Blur, norm: float
) -> np.ndarray:
    """Similarity of the whole frame; OpenCV reflects at the edges of each plane."""
    planes = zip(x[:, None], y[:, None])
    return np.concatenate([_similarity(a, b, peak, blur, norm) for a, b in planes])


def _similarity(
    x: np.ndarray,
    y: np.ndarray,
    peak: float,
    blur: _Blur,
    norm: float = 1.0,
    radius: int = 0,
    luminance: bool = True,
) -> np.ndarray:
    """(C, H, W) twice -> similarity (C, H - 2 radius, W - 2 radius).

    Filtering takes most of the time. The moments are therefore taken of x + y and
    x - y, whose sums and differences give what the formula needs from four filters
    instead of five: xy = (s^2 - d^2) / 4 and x^2 + y^2 = (s^2 + d^2) / 2. Everything
    below is twice the term of the formula, as the factor cancels.
    """
    s, d, planes = _sum_and_difference(x, y)
    s_mean, d_mean = blur(s), blur(d)
    s *= s
    d *= d
    s_square, d_square = blur(s), blur(d)
    constants = 2 * (_K1 * peak) ** 2, 2 * (_K2 * peak) ** 2
    _combine(s_mean, d_mean, s_square, d_square, *constants, norm, luminance, out=s)
    height, width = x.shape[1:]
    return planes(s)[:, radius : height - radius, radius : width - radius]


def _sum_and_difference(
    x: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray, _Blur]:
    """x + y and x - y as pictures to filter, and the way back to (C, H, W).

    Planes lie below each other in one picture: what a filter carries over from one to
    the next is border. Images that were read from files have their channels last, and
    are filtered like that.
    """
    shape = x.shape
    if x.strides[0] == y.strides[0] == x.itemsize and 1 < len(x) <= _CV_CHANNELS:
        x, y = x.transpose(1, 2, 0), y.transpose(1, 2, 0)
        s, d = (op(x, y, dtype=np.float64, order='C') for op in (np.add, np.subtract))
        return s, d, lambda picture: picture.transpose(2, 0, 1)
    stacked = shape[0] * shape[1], shape[2]
    s, d = (op(x, y, dtype=np.float64, order='C') for op in (np.add, np.subtract))
    return s.reshape(stacked), d.reshape(stacked), lambda p: p.reshape(shape)


def _combine(
    s_mean: np.ndarray,
    d_mean: np.ndarray,
    s_square: np.ndarray,
    d_square: np.ndarray,
    c1: float,
    c2: float,
    norm: float,
    luminance: bool,
    out: np.ndarray,
) -> None:
    """The formula, in place; with borders, as slices of arrays take twice as long."""
    s_mean *= s_mean
    d_mean *= d_mean
    np.subtract(s_mean, d_mean, out=out)  # 4 mu_x mu_y
    s_mean += d_mean  # 2 (mu_x^2 + mu_y^2)
    covariance = np.subtract(s_square, d_square, out=d_mean)
    variances = np.add(s_square, d_square, out=s_square)
    covariance -= out  # 4 sigma_xy
    variances -= s_mean  # 2 (sigma_x^2 + sigma_y^2)
    if norm != 1.0:
        covariance *= norm
        variances *= norm
    covariance += c2
    variances += c2
    if not luminance:
        np.divide(covariance, variances, out=out)
        return
    out += c1
    s_mean += c1
    out *= covariance
    s_mean *= variances
    out /= s_mean
