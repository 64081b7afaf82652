"""Scores over regions of the target: parts of the body, what the source shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
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
from posegen.utils.errors import ConfigError

REGIONS = ('head', 'torso', 'leg', 'person', 'background', 'visible', 'hidden')
_FULL_RANGE = 255
_TRUTH_KEYS = ('part_labels', 'visibility_truth')
_MISSING_TRUTH = (
    'ground truth of regions',
    'leave truth out of RegionScores to take joints instead',
)


@METRICS.register_module()
class RegionScores(SampleMetric):
    """``ssim_<region>``, ``psnr_<region>``, ``l1_<region>`` over pixels of regions.

    Regions are ``head``, ``torso``, ``leg``, all three as ``person``, ``background``,
    and what the source shows of the person and what it does not: ``visible``,
    ``hidden``. Means are taken over
    the images that have the region. Other than in masked scores nothing outside a
    region counts, so the values can't be compared with those.

    Args:
        regions: Which of them.
        truth: Take regions from the ground truth of the data set; by default they come
            from joints alone, limbs being H/16 thick on either side, and a limb counts
            as visible where its joints are found in the source.
        prefix: See :class:`SampleMetric`.

    Raises:
        ConfigError: There is no such region.
        DataError: While scoring: ``truth`` is asked for and the data has none.
    """

    def __init__(
        self,
        regions: Sequence[str] = REGIONS,
        truth: bool = False,
        prefix: str | None = None,
    ) -> None:
        super().__init__(prefix)
        if unknown := sorted(set(regions) - set(REGIONS)):
            raise ConfigError(f'no regions {unknown}; there are: {", ".join(REGIONS)}')
        self.regions = tuple(regions)
        self.truth = truth

    def process(self, data_batch: Any, data_samples: Sequence[Sample]) -> None:
        """Keep the scores of each sample, a dict by name."""
        fake, real = image_pair(data_samples)
        found = self._find_regions(data_samples, (real.shape[2], real.shape[3]))
        found['person'] = ~found['background']
        wanted = {name: found[name] for name in self.regions}
        scores = F.region_scores(fake, real, wanted, _FULL_RANGE)
        columns = {name: values.tolist() for name, values in scores.items()}
        rows = zip(*columns.values())
        self.results.extend(dict(zip(columns, row)) for row in rows)

    def _find_regions(
        self, samples: Sequence[Sample], size: tuple[int, int]
    ) -> dict[str, Tensor]:
        """Region -> bool (B, H, W)."""
        if self.truth:
            for sample in samples:
                require_truth(sample, _TRUTH_KEYS, *_MISSING_TRUTH)
            labels, visibility = (
                torch.stack([sample[key] for sample in samples]) for key in _TRUTH_KEYS
            )
            seen = F.true_visibility_regions(visibility, labels)
            return F.label_regions(labels) | seen
        source, target = (
            torch.stack([sample[key] for sample in samples])
            for key in ('source_keypoints', 'target_keypoints')
        )
        seen = F.joint_visibility_regions(source, target, size)
        return F.part_regions(target, size) | seen

    def compute_metrics(self, results: list[dict[str, float]]) -> dict[str, float]:
        """Means over the images that have the region; nan where none has."""
        return {
            name: _mean([scores[name] for scores in results]) for name in results[0]
        }


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float('nan')
