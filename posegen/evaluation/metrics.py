"""MMEngine metrics over the samples that ``val_step`` returns.

Each metric keeps one element per sample, so that distributed samplers, which pad the
last batch, change nothing. Images are scored as the uint8 that would be saved. Result
names carry no prefix: ``ssim``, ``psnr``, ``l1``, ``st_lpips``, ...
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.device import get_device
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from torch import Tensor

from posegen.codecs import pose_mask
from posegen.evaluation import functional as F
from posegen.evaluation.networks import Lite0Embedding, STLPIPSNet
from posegen.registry import METRICS
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
        masked: Black out everything but the person of the target pose first, in both
            images; results are then called ``mask_<name>``. The mask is that of
            Market-1501 (limbs 8 pixels wide), so it is meant for 128x64.
        prefix: See :class:`SampleMetric`.
    """

    name: str

    def __init__(self, masked: bool = False, prefix: str | None = None) -> None:
        super().__init__(prefix)
        self.masked = masked

    def process(self, data_batch: Any, data_samples: Sequence[Sample]) -> None:
        """Score a batch of samples of one size."""
        fake, real = _image_pair(data_samples)
        if self.masked:
            mask = _person_masks(data_samples)
            fake, real = fake * mask, real * mask
        self.results.extend(self.score(fake, real).tolist())

    def score(self, fake: Tensor, real: Tensor) -> Tensor:
        """uint8 (B, 3, H, W) twice -> (B,)."""
        raise NotImplementedError

    def compute_metrics(self, results: list[float]) -> dict[str, float]:
        """Mean of the samples' scores."""
        name = f'mask_{self.name}' if self.masked else self.name
        return {name: float(np.mean(results))}


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


@METRICS.register_module()
class STLPIPS(PairMetric):
    """``st_lpips``, shift-tolerant LPIPS with packaged weights; lower is better.

    A stand-in for LPIPS where nothing can be downloaded, on a scale of its own.

    Args:
        net: 'alex' or 'vgg'.
        masked: See :class:`PairMetric`.
        prefix: See :class:`SampleMetric`.

    Raises:
        DependencyError: The extra ``offline-features`` is not installed.
    """

    name = 'st_lpips'

    def __init__(
        self, net: str = 'alex', masked: bool = False, prefix: str | None = None
    ) -> None:
        super().__init__(masked, prefix)
        self.net = STLPIPSNet(net).to(get_device())

    def score(self, fake: Tensor, real: Tensor) -> Tensor:
        device = get_device()
        return self.net(fake.to(device), real.to(device))


@METRICS.register_module()
class FrechetEfficientNetLite0(SampleMetric):
    """``fd_efficientnet_lite0``, Frechet distance to the targets; lower is better.

    A stand-in for FID where nothing can be downloaded, on a scale of its own. Compare
    values of the same number of images only: with fewer images than the 1280 dimensions
    the value depends on that number strongly, and a warning says so.

    Raises:
        DependencyError: The extra ``offline-features`` is not installed.
    """

    name = 'fd_efficientnet_lite0'

    def __init__(self, prefix: str | None = None) -> None:
        super().__init__(prefix)
        self.embedding = Lite0Embedding().to(get_device())
        self.warned = False

    def process(self, data_batch: Any, data_samples: Sequence[Sample]) -> None:
        """Keep the two feature vectors of each sample."""
        images = torch.cat(_image_pair(data_samples)).to(get_device())
        fake, real = self.embedding(images).cpu().chunk(2)
        self.results.extend(torch.stack([fake, real], dim=1))

    def compute_metrics(self, results: list[Tensor]) -> dict[str, float]:
        """Distance between the two sets of features; nan for a single sample."""
        if not self.warned:  # once, not at every validation
            self.warned = True
            warn_if_few(len(results), Lite0Embedding.dim, self.name)
        if len(results) < 2:
            return {self.name: float('nan')}
        fake, real = torch.stack(results).unbind(dim=1)
        return {self.name: F.frechet_distance(real, fake).item()}


@METRICS.register_module()
class FlowEndPointError(SampleMetric):
    """Error of the predicted flow where the data set knows the truth; lower is better.

    ``epe`` in pixels of the image, mean over all person pixels of the set that the
    source shows; ``epe_zero_flow``, what no motion at all would score; ``epe_relative``
    = epe / epe_zero_flow; and ``epe_<part>``.

    Args:
        label_names: Label in ``part_labels`` -> part name.
        prefix: See :class:`SampleMetric`.
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
            if 'flow_truth' not in sample:
                raise DataError(
                    f"'{sample['source_name']}' -> '{sample['target_name']}' has no "
                    'true flow: give the data set its truth_dir, or leave '
                    'FlowEndPointError out of the evaluator'
                )
            errors = F.flow_end_point_error(
                sample['flow'],
                sample['flow_truth'],
                sample['visibility_truth'],
                sample['part_labels'],
                self.label_names,
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


def _image_pair(samples: Sequence[Sample]) -> tuple[Tensor, Tensor]:
    """Results and targets of the samples, uint8 (B, 3, H, W) each."""
    fake = torch.stack([sample['image'] for sample in samples])
    real = torch.stack([sample['target_image'] for sample in samples])
    for name, images in (('image', fake), ('target_image', real)):
        if images.dtype != torch.uint8:
            raise TypeError(f'{name} must be uint8, got {images.dtype}')
    return fake, real


def _person_masks(samples: Sequence[Sample]) -> Tensor:
    """Masks of the target poses, uint8 (B, 1, H, W) of 0 and 1."""
    size = tuple(samples[0]['target_image'].shape[1:])
    masks = [pose_mask(s['target_keypoints'].cpu().numpy(), size) for s in samples]
    return torch.from_numpy(np.stack(masks))[:, None].byte()
