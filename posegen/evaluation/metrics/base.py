"""What all metrics share: names, collection, samples as batches."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from torch import Tensor

from posegen.codecs import pose_mask
from posegen.evaluation import functional as F
from posegen.utils.errors import DataError

Sample = Mapping[str, Any]


class SampleMetric(BaseMetric):
    """Base of all metrics here: how results are named and collected.

    Args:
        prefix: Put before each result name with a slash; none by default.
    """

    default_prefix = ''

    def __init__(self, prefix: str | None = None) -> None:
        # 'gpu' is MMEngine's word for gathering through the process group, which Gloo
        # does on CPUs as well. 'cpu' would leave files in the current directory.
        super().__init__(collect_device='gpu', prefix=prefix)


class PairMetric(SampleMetric):
    """Mean over the samples of a score of (result, target).

    Args:
        masked: Hide everything but the person of the target pose first, in both images;
            results are then called ``mask_<name>``. The mask is that of Market-1501
            (limbs 8 pixels wide), so it is meant for 128x64.
        prefix: See :class:`SampleMetric`.
    """

    name: str
    background = 0.0
    """What is hidden becomes this, of 0..255."""

    def __init__(self, masked: bool = False, prefix: str | None = None) -> None:
        super().__init__(prefix)
        self.masked = masked

    def process(self, data_batch: Any, data_samples: Sequence[Sample]) -> None:
        """Score a batch of samples of one size."""
        fake, real = image_pair(data_samples)
        if self.masked:
            fake, real = hide_surroundings(fake, real, data_samples, self.background)
        self.results.extend(self.score(fake, real).tolist())

    def score(self, fake: Tensor, real: Tensor) -> Tensor:
        """(B, 3, H, W) of 0..255 twice, uint8 or float -> (B,)."""
        raise NotImplementedError

    def compute_metrics(self, results: list[float]) -> dict[str, float]:
        """Mean of the samples' scores."""
        name = f'mask_{self.name}' if self.masked else self.name
        return {name: float(np.mean(results))}


def require_truth(sample: Sample, keys: Sequence[str], what: str, cure: str) -> None:
    """Check that a sample has the ground truth.

    Args:
        sample: As a model predicts it.
        keys: Entries that are needed.
        what: How the error calls them.
        cure: What to do if the data set is to have none.

    Raises:
        DataError: One is not there, or ``has_truth`` is False.
    """
    if any(key not in sample for key in keys) or not sample.get('has_truth', True):
        raise DataError(
            f"'{sample['source_name']}' -> '{sample['target_name']}' has no {what}: "
            f'give the data set its truth_dir, or {cure}'
        )


def image_pair(samples: Sequence[Sample]) -> tuple[Tensor, Tensor]:
    """Results and targets of the samples, uint8 (B, 3, H, W) each."""
    fake = torch.stack([sample['image'] for sample in samples])
    real = torch.stack([sample['target_image'] for sample in samples])
    for name, images in (('image', fake), ('target_image', real)):
        if images.dtype != torch.uint8:
            raise TypeError(f'{name} must be uint8, got {images.dtype}')
    return fake, real


def hide_surroundings(
    fake: Tensor, real: Tensor, samples: Sequence[Sample], background: float
) -> tuple[Tensor, Tensor]:
    """Both images with everything but the person of the target pose in one grey.

    Args:
        fake: (B, 3, H, W) of 0..255.
        real: The same.
        samples: Their samples, with the joints of the targets.
        background: 0 is black; 127.5, which makes floats of bytes, is 0 of [-1, 1].
    """
    size = tuple(real.shape[2:])
    masks = [pose_mask(s['target_keypoints'].cpu().numpy(), size) for s in samples]
    region = torch.from_numpy(np.stack(masks))
    if background:
        fake, real = fake.float(), real.float()
    return (
        F.black_out(fake, region, background),
        F.black_out(real, region, background),
    )


def warn_if_few(count: int, dim: int, name: str) -> None:
    """Warn that a covariance of ``dim`` features from ``count`` images is singular."""
    if count < dim:
        print_log(
            f'{name}: {count} images for {dim} features, so the covariance is singular '
            'and the value depends on the number of images; compare it only with '
            'values of the same number',
            logger='current',
            level=logging.WARNING,
        )
