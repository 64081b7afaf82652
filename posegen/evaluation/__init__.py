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
from posegen.evaluation.naming import NAMING_SCHEMES, NamingScheme
from posegen.evaluation.protocols import PROTOCOLS, Protocol
from posegen.evaluation.report import write_pair_csv, write_sheet
from posegen.evaluation.table import PairScores, ScoreRow, ScoreTable, SliceRow

__all__ = [
    'COPY_SOURCE',
    'FID',
    'KID',
    'L1',
    'LPIPS',
    'NAMING_SCHEMES',
    'PROTOCOLS',
    'PSNR',
    'SSIM',
    'STLPIPS',
    'FlowEndPointError',
    'FrechetEfficientNetLite0',
    'InceptionScore',
    'KernelEfficientNetLite0',
    'NamingScheme',
    'PairScores',
    'Protocol',
    'ProtocolScores',
    'RegionScores',
    'ScoreRow',
    'ScoreTable',
    'SliceRow',
    'score_folder',
    'write_pair_csv',
    'write_sheet',
]
