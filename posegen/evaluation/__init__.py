"""Scores: pure functions, metrics for training, whole folders."""

from posegen.evaluation.folder import COPY_SOURCE, score_folder
from posegen.evaluation.metrics import (
    FID,
    KID,
    L1,
    LPIPS,
    PSNR,
    SSIM,
    STLPIPS,
    FlowEndPointError,
    FrechetEfficientNetLite0,
    InceptionScore,
    KernelEfficientNetLite0,
    ProtocolScores,
    RegionScores,
)
from posegen.evaluation.protocols import PROTOCOLS, Protocol
from posegen.evaluation.table import ScoreRow, ScoreTable

__all__ = [
    'COPY_SOURCE',
    'FID',
    'KID',
    'L1',
    'LPIPS',
    'PROTOCOLS',
    'PSNR',
    'SSIM',
    'STLPIPS',
    'FlowEndPointError',
    'FrechetEfficientNetLite0',
    'InceptionScore',
    'KernelEfficientNetLite0',
    'Protocol',
    'ProtocolScores',
    'RegionScores',
    'ScoreRow',
    'ScoreTable',
    'score_folder',
]
