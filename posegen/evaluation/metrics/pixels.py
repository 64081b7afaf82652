"""Scores that need no network."""

from __future__ import annotations

from torch import Tensor

from posegen.evaluation import functional as F
from posegen.evaluation.metrics.base import PairMetric
from posegen.registry import METRICS


@METRICS.register_module()
class PSNR(PairMetric):
    """``psnr`` in dB, data range 255, mean over images; higher is better."""

    name = 'psnr'

    def score(self, fake: Tensor, real: Tensor) -> Tensor:
        return F.psnr(fake, real, data_range=255)


@METRICS.register_module()
class SSIM(PairMetric):
    """``ssim`` with a Gaussian window and data range 255; higher is better.

    Args:
        sigma: Standard deviation of the window in pixels.
        masked: See :class:`PairMetric`.
        prefix: See :class:`SampleMetric`.
    """

    name = 'ssim'

    def __init__(
        self, sigma: float = 1.5, masked: bool = False, prefix: str | None = None
    ) -> None:
        super().__init__(masked, prefix)
        self.sigma = sigma

    def score(self, fake: Tensor, real: Tensor) -> Tensor:
        return F.ssim(fake, real, data_range=255, sigma=self.sigma)


@METRICS.register_module()
class L1(PairMetric):
    """``l1``, mean absolute error on the [-1, 1] scale; lower is better."""

    name = 'l1'

    def score(self, fake: Tensor, real: Tensor) -> Tensor:
        return F.l1(fake, real, data_range=255)
