"""MMEngine metrics over the samples that ``val_step`` returns.

Each metric keeps one element per sample, so that distributed samplers, which pad the
last batch, change nothing. Images are scored as the uint8 that would be saved. Result
names carry no prefix: ``ssim``, ``psnr``, ``l1``, ``st_lpips``, ...; those of
:class:`ProtocolScores` carry the protocol's.
"""

from posegen.evaluation.metrics.base import PairMetric, SampleMetric, warn_if_few
from posegen.evaluation.metrics.flow import FlowEndPointError
from posegen.evaluation.metrics.hue import HueCorrelation
from posegen.evaluation.metrics.perceptual import LPIPS, STLPIPS
from posegen.evaluation.metrics.pixels import L1, PSNR, SSIM
from posegen.evaluation.metrics.protocol import ProtocolScores
from posegen.evaluation.metrics.regions import RegionScores
from posegen.evaluation.metrics.sets import FID, KID, InceptionScore
from posegen.evaluation.metrics.stand_ins import (
    FrechetEfficientNetLite0,
    KernelEfficientNetLite0,
)

__all__ = [
    'FID',
    'KID',
    'L1',
    'LPIPS',
    'PSNR',
    'SSIM',
    'STLPIPS',
    'FlowEndPointError',
    'FrechetEfficientNetLite0',
    'HueCorrelation',
    'InceptionScore',
    'KernelEfficientNetLite0',
    'PairMetric',
    'ProtocolScores',
    'RegionScores',
    'SampleMetric',
    'warn_if_few',
]
