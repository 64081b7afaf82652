"""Colors of clothes, where the data knows which pixels are clothes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from posegen.evaluation import functional as F
from posegen.evaluation.metrics.base import (
    Sample,
    SampleMetric,
    image_pair,
    require_truth,
)
from posegen.registry import METRICS


@METRICS.register_module()
class HueCorrelation(SampleMetric):
    """``hue_correlation`` of results and targets, in [-1, 1]; higher is better.

    For each pair and each of the labels with enough pixels in the target: the mean of
    R - G and of (R + G) / 2 - B over these pixels, in the result and in the target.
    The value is Pearson's correlation over all of them, the mean of the two axes; 0 for
    gray results, not a number for fewer than two such regions. See
    :func:`~posegen.evaluation.functional.hue_correlation`.

    Args:
        labels: Part labels of the regions; torso with arms and legs by default.
        min_pixels: Regions of this size or smaller do not count.
        prefix: See :class:`SampleMetric`.

    Raises:
        DataError: While scoring: a sample has no truth.
    """

    name = 'hue_correlation'

    def __init__(
        self,
        labels: Sequence[int] = F.HUE_LABELS,
        min_pixels: int = F.HUE_MIN_PIXELS,
        prefix: str | None = None,
    ) -> None:
        super().__init__(prefix)
        self.labels, self.min_pixels = tuple(labels), min_pixels

    def process(self, data_batch: Any, data_samples: Sequence[Sample]) -> None:
        """Keep the hues of each sample, (labels, 2) of result and target."""
        cure = 'leave HueCorrelation out of the evaluator'
        for sample in data_samples:
            require_truth(sample, ('part_labels',), 'ground truth of regions', cure)
        labels = torch.stack([sample['part_labels'] for sample in data_samples])
        fake, real = (
            F.region_hues(images, labels, self.labels, self.min_pixels)
            for images in image_pair(data_samples)
        )
        self.results.extend(hues.clone() for hues in torch.stack([fake, real], 1))

    def compute_metrics(self, results: list[Tensor]) -> dict[str, float]:
        """Correlation over the regions of all samples."""
        fake, real = torch.stack(results).unbind(1)
        return {self.name: F.hue_correlation(fake, real)}
