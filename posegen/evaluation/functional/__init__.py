"""Pure functions behind the metrics: tensors in, numbers out."""

from posegen.evaluation.functional.distances import inception_score, kernel_distance
from posegen.evaluation.functional.flow import (
    PART_LABELS,
    PixelMean,
    flow_end_point_error,
)
from posegen.evaluation.functional.frechet import (
    Moments,
    frechet_distance,
    frechet_from_moments,
)
from posegen.evaluation.functional.pixels import l1, psnr
from posegen.evaluation.functional.ssim import ssim

__all__ = [
    'PART_LABELS',
    'Moments',
    'PixelMean',
    'flow_end_point_error',
    'frechet_distance',
    'frechet_from_moments',
    'inception_score',
    'kernel_distance',
    'l1',
    'psnr',
    'ssim',
]
