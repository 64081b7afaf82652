"""From the record of a metric to the function that computes it."""

from __future__ import annotations

from torch import Tensor

from posegen.evaluation import functional as F
from posegen.evaluation.protocols import L1, MSSSIM, PSNR, SSIM, Metric, Uniform

_FULL_RANGE = 255


def score_pairs(metric: Metric, fake: Tensor, real: Tensor) -> Tensor:
    """Score pairs of images that went through steps and mask already.

    Args:
        metric: One of :data:`~posegen.evaluation.protocols.PAIR_METRICS`.
        fake: (B, 3, H, W) of 0..255, uint8 or float.
        real: The same.

    Returns:
        (B,) float64.

    Raises:
        ValueError: The metric is not defined on such images.
    """
    if isinstance(metric, SSIM):
        return _ssim(metric, fake, real)
    if isinstance(metric, MSSSIM):
        return F.ms_ssim(fake, real, metric.data_range, metric.sigma)
    if isinstance(metric, PSNR):
        if metric.arithmetic == 'uint8-wrap':
            return F.psnr_uint8_wrap(fake, real)
        return F.psnr(fake, real, metric.data_range)
    assert isinstance(metric, L1)
    if metric.scale == 'ratio':
        return F.mae_ratio(fake, real)
    return F.l1(fake, real, _FULL_RANGE, metric.scale)


def _ssim(metric: SSIM, fake: Tensor, real: Tensor) -> Tensor:
    measured = metric.data_range == 'generated'
    data_range = F.generated_range(fake) if measured else metric.data_range
    if measured and not data_range.all():  # type: ignore[union-attr]
        raise ValueError(
            'the result has one value throughout, and the data range is that of it'
        )
    options = dict(border=metric.border, sample_covariance=metric.sample_covariance)
    if isinstance(metric.window, Uniform):
        return F.ssim(fake, real, data_range, uniform=metric.window.size, **options)
    return F.ssim(fake, real, data_range, metric.window.sigma, **options)
