"""Scores of whole sets where nothing can be downloaded, on a scale of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.device import get_device
from torch import Tensor

from posegen.evaluation import functional as F
from posegen.evaluation.extractors import LITE0, load_network
from posegen.evaluation.metrics.base import (
    Sample,
    SampleMetric,
    image_pair,
    warn_if_few,
)
from posegen.registry import METRICS


class Lite0Metric(SampleMetric):
    """Keeps EfficientNet-Lite0 features of each sample.

    Args:
        prefix: See :class:`SampleMetric`.

    Raises:
        DependencyError: The extra ``offline-features`` is not installed.
    """

    def __init__(self, prefix: str | None = None) -> None:
        super().__init__(prefix)
        self.net: Any = load_network(LITE0)

    def process(self, data_batch: Any, data_samples: Sequence[Sample]) -> None:
        """Keep the feature vectors of each sample, (2, d): result and target."""
        images = torch.cat(image_pair(data_samples)).to(get_device())
        fake, real = self.net(images).cpu().chunk(2)
        # A view would drag the memory of its whole batch to the other processes.
        self.results.extend(s.clone() for s in torch.stack([fake, real], dim=1))


@METRICS.register_module()
class FrechetEfficientNetLite0(Lite0Metric):
    """``fd_efficientnet_lite0``, Frechet distance to the targets; lower is better.

    A stand-in for FID where nothing can be downloaded, on a scale of its own. Compare
    values of the same number of images only: with fewer images than the 1280 dimensions
    the value depends on that number strongly, and a warning says so.

    Args:
        prefix: See :class:`SampleMetric`.

    Raises:
        DependencyError: The extra ``offline-features`` is not installed.
    """

    name = 'fd_efficientnet_lite0'

    def __init__(self, prefix: str | None = None) -> None:
        super().__init__(prefix)
        self.warned = False

    def compute_metrics(self, results: list[Tensor]) -> dict[str, float]:
        """Distance between the two sets of features; nan for a single sample."""
        if not self.warned:  # once, not at every validation
            self.warned = True
            warn_if_few(len(results), self.net.dim, self.name)
        if len(results) < 2:
            return {self.name: float('nan')}
        fake, real = torch.stack(results).unbind(dim=1)
        return {self.name: F.frechet_distance(real, fake).item()}


@METRICS.register_module()
class KernelEfficientNetLite0(Lite0Metric):
    """``kd_efficientnet_lite0``, kernel distance to the targets; lower is better.

    The stand-in for KID, not multiplied by anything. Its mean doesn't depend on the
    number of images, so that it says more than the Frechet distance about a few hundred
    of them; it may fall below 0.

    Args:
        subsets: Number of random subsets that are averaged.
        subset_size: Images of each, or all where there are fewer.
        prefix: See :class:`SampleMetric`.

    Raises:
        DependencyError: The extra ``offline-features`` is not installed.
    """

    name = 'kd_efficientnet_lite0'

    def __init__(
        self, subsets: int = 100, subset_size: int = 1000, prefix: str | None = None
    ) -> None:
        super().__init__(prefix)
        self.subsets = subsets
        self.subset_size = subset_size

    def compute_metrics(self, results: list[Tensor]) -> dict[str, float]:
        """Mean over the subsets; nan for a single sample."""
        if len(results) < 2:
            return {self.name: float('nan')}
        fake, real = torch.stack(results).unbind(dim=1)
        value = F.kernel_distance(real, fake, self.subsets, self.subset_size)
        return {self.name: value}
