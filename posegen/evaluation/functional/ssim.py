"""Structural similarity (Wang et al., IEEE TIP 2004), eq. 13 of that paper."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor

from posegen.evaluation.functional.pixels import as_float_pair

_K1, _K2 = 0.01, 0.03


def ssim(
    pred: Tensor, target: Tensor, data_range: float | Tensor, sigma: float = 1.5
) -> Tensor:
    """Structural similarity with a Gaussian window, borders left out of the mean.

    The window reaches 3.5 sigma (11 taps at 1.5), variances are the window's own
    (divided by n, not n - 1), and channels are averaged: scikit-image with
    ``gaussian_weights=True, use_sample_covariance=False``, equal to 1e-10.

    Written here because whole test sets go through it: scikit-image's takes several
    times as long, and one image with one ``data_range`` at a time, where protocols that
    measure the range of each image need one per image of the batch.

    Args:
        pred: (B, 3, H, W) of any dtype and device; the work is done on the CPU.
        target: (B, 3, H, W) on the same scale.
        data_range: Distance between the least and the greatest possible value (255
            for uint8, 2 for [-1, 1]), or one per image as (B,).
        sigma: Standard deviation of the window in pixels.

    Returns:
        (B,) float64 in [-1, 1].

    Raises:
        ValueError: Shapes differ, the window is larger than the images, or
            ``data_range`` is not positive.
    """
    pred, target = as_float_pair(pred.cpu(), target.cpu())
    window = _gaussian_window(sigma)
    if min(pred.shape[2:]) < len(window):
        raise ValueError(
            f'a window of {len(window)} pixels does not fit in images of '
            f'{pred.shape[2]}x{pred.shape[3]}'
        )
    ranges = torch.as_tensor(data_range, dtype=torch.float64).cpu().expand(len(pred))
    if (ranges <= 0).any():
        raise ValueError(f'data_range must be positive, got {data_range}')
    scores = [
        np.mean([_ssim_of_planes(x, y, peak, window) for x, y in zip(image, other)])
        for image, other, peak in zip(pred.numpy(), target.numpy(), ranges.tolist())
    ]
    return torch.tensor(scores, dtype=torch.float64)


def _gaussian_window(sigma: float) -> np.ndarray:
    radius = int(3.5 * sigma + 0.5)
    window = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    return window / window.sum()


def _ssim_of_planes(
    x: np.ndarray, y: np.ndarray, peak: float, window: np.ndarray
) -> float:
    """Mean SSIM of two (H, W) planes.

    Filtering takes nearly all the time. The moments are therefore taken of x + y and
    x - y, whose sums and differences give what the formula needs from four filters
    instead of five: xy = (s^2 - d^2) / 4 and x^2 + y^2 = (s^2 + d^2) / 2.
    """
    c1, c2 = (_K1 * peak) ** 2, (_K2 * peak) ** 2
    s, d = x + y, x - y
    s_mean_sq, d_mean_sq = _blur(s, window) ** 2, _blur(d, window) ** 2
    s_sq, d_sq = _blur(s * s, window), _blur(d * d, window)
    mean_product = (s_mean_sq - d_mean_sq) / 2  # 2 mu_x mu_y
    mean_squares = (s_mean_sq + d_mean_sq) / 2  # mu_x^2 + mu_y^2
    covariance = (s_sq - d_sq) / 2 - mean_product  # 2 sigma_xy
    variances = (s_sq + d_sq) / 2 - mean_squares  # sigma_x^2 + sigma_y^2
    similarity = (mean_product + c1) * (covariance + c2)
    return (similarity / ((mean_squares + c1) * (variances + c2))).mean()


def _blur(plane: np.ndarray, window: np.ndarray) -> np.ndarray:
    """Separable filter, only where the window lies inside the plane."""
    # OpenCV's is the fastest float64 filter at hand: 3 times SciPy, 10 times conv2d.
    radius = len(window) // 2
    blurred = cv2.sepFilter2D(plane, cv2.CV_64F, window, window)
    return blurred[radius:-radius, radius:-radius]
