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
from posegen.evaluation.functional.pixels import (
    generated_range,
    l1,
    mae_ratio,
    mse,
    psnr,
    psnr_of_set,
    psnr_uint8_wrap,
)
from posegen.evaluation.functional.ssim import ms_ssim, ssim, ssim_map

__all__ = [
    'PART_LABELS',
    'Moments',
    'PixelMean',
    'flow_end_point_error',
    'frechet_distance',
    'frechet_from_moments',
    'generated_range',
    'inception_score',
    'kernel_distance',
    'l1',
    'mae_ratio',
    'ms_ssim',
    'mse',
    'psnr',
    'psnr_of_set',
    'psnr_uint8_wrap',
    'ssim',
    'ssim_map',
]
