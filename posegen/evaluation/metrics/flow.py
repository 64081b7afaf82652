"""Error of the flow, where the data knows the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from posegen.evaluation import functional as F
from posegen.evaluation.metrics.base import Sample, SampleMetric, require_truth
from posegen.registry import METRICS

_TRUTH_KEYS = ('flow_truth', 'visibility_truth', 'part_labels')


@METRICS.register_module()
class FlowEndPointError(SampleMetric):
    """Error of the predicted flow where the data set knows the truth; lower is better.

    ``epe`` in pixels of the image, mean over all person pixels of the set that the
    source shows; ``epe_zero_flow``, what no motion at all would score, and
    ``epe_limb_flow``, what :func:`~posegen.models.ops.limb_flow` scores, from the
    joints alone; ``epe_relative`` = epe / epe_zero_flow; and ``epe_<part>``.

    Args:
        label_names: Label in ``part_labels`` -> part name.
        prefix: See :class:`SampleMetric`.

    Raises:
        DataError: While scoring: a sample has no truth.
    """

    def __init__(
        self,
        label_names: Mapping[int, str] = F.PART_LABELS,
        prefix: str | None = None,
    ) -> None:
        super().__init__(prefix)
        self.label_names = dict(label_names)

    def process(self, data_batch: Any, data_samples: Sequence[Sample]) -> None:
        """Keep sums and counts of each sample."""
        for sample in data_samples:
            require_truth(
                sample,
                _TRUTH_KEYS,
                'true flow',
                'leave FlowEndPointError out of the evaluator',
            )
            errors = F.flow_end_point_error(
                sample['flow'],
                sample['flow_truth'],
                sample['visibility_truth'],
                sample['part_labels'],
                self.label_names,
                (sample['source_keypoints'], sample['target_keypoints']),
            )
            self.results.append(errors)

    def compute_metrics(
        self, results: list[dict[str, F.PixelMean]]
    ) -> dict[str, float]:
        """Means over the pixels of all samples."""
        pooled = dict(results[0])
        for errors in results[1:]:
            pooled = {name: mean.merge(errors[name]) for name, mean in pooled.items()}
        values = {name: mean.value for name, mean in pooled.items()}
        still = values['epe_zero_flow']
        values['epe_relative'] = values['epe'] / still if still else float('nan')
        return values
