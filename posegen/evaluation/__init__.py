"""Scores: pure functions, metrics for training, whole folders."""

from posegen.evaluation.folder import COPY_SOURCE, score_folder
from posegen.evaluation.metrics import (
    L1,
    PSNR,
    SSIM,
    STLPIPS,
    FlowEndPointError,
    FrechetEfficientNetLite0,
)
from posegen.evaluation.protocols import PROTOCOLS, Protocol
from posegen.evaluation.table import ScoreRow, ScoreTable

__all__ = [
    'COPY_SOURCE',
    'L1',
    'PROTOCOLS',
    'PSNR',
    'SSIM',
    'STLPIPS',
    'FlowEndPointError',
    'FrechetEfficientNetLite0',
    'Protocol',
    'ScoreRow',
    'ScoreTable',
    'score_folder',
]
