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
from posegen.evaluation.functional.hue import (
    HUE_LABELS,
    HUE_MIN_PIXELS,
    hue_correlation,
    region_hues,
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
from posegen.evaluation.functional.regions import (
    black_out,
    joint_visibility_regions,
    label_regions,
    part_regions,
    region_scores,
    true_visibility_regions,
)
from posegen.evaluation.functional.slices import (
    Slice,
    bootstrap_interval,
    pose_distance,
    slice_by,
    source_visibility,
)
from posegen.evaluation.functional.ssim import ms_ssim, ssim, ssim_map
from posegen.evaluation.functional.stored import jpeg_round_trip, quantise

__all__ = [
    'HUE_LABELS',
    'HUE_MIN_PIXELS',
    'PART_LABELS',
    'Moments',
    'PixelMean',
    'Slice',
    'black_out',
    'bootstrap_interval',
    'flow_end_point_error',
    'frechet_distance',
    'frechet_from_moments',
    'generated_range',
    'hue_correlation',
    'inception_score',
    'joint_visibility_regions',
    'jpeg_round_trip',
    'kernel_distance',
    'l1',
    'label_regions',
    'mae_ratio',
    'ms_ssim',
    'mse',
    'part_regions',
    'pose_distance',
    'psnr',
    'psnr_of_set',
    'psnr_uint8_wrap',
    'quantise',
    'region_hues',
    'region_scores',
    'slice_by',
    'source_visibility',
    'ssim',
    'ssim_map',
    'true_visibility_regions',
]
