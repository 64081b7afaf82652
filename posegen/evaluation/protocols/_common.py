"""Pieces that several published protocols share, because their code was passed on."""

from __future__ import annotations

from dataclasses import replace

from posegen.evaluation.protocols.records import (
    FID,
    L1,
    LPIPS,
    PSNR,
    SSIM,
    Canvas,
    Gaussian,
    Metric,
    Resize,
    Step,
    Uniform,
)

CROP = (Canvas('crop176'),)
WHITE = (Canvas('crop176_white'),)

TRAIN_COUNT = 48674
"""Images of train.lst; the pairs show 37,016 of them only."""

TO_299 = Resize((299, 299), 'bilinear', 'torch', antialias=False, output='float')
CLEAN_TO_299 = Resize((299, 299), 'bicubic', 'pil', antialias=True, output='float')

SSIM_GENERATED_RANGE = SSIM(
    name='ssim',
    window=Gaussian(1.5),
    data_range='generated',
    sample_covariance=False,
)
"""PATN's; GFLA and its followers call it ssim_256."""

SSIM_WIN51 = SSIM(
    name='ssim_win51', window=Uniform(51), data_range=255, sample_covariance=True
)
"""GFLA's "ssim": images of [0, 1] with data range 1, which is 255 for 0..255."""

GFLA_FID = FID(
    weights='torchvision',
    input_resize=TO_299,
    normalisation='imagenet-misapplied',
    real_set='train',
    real_count=TRAIN_COUNT,
    batch_size=64,
    last_batch='drop',
)

GFLA_LPIPS = LPIPS(
    name='lpips', net='alex', input_range='[-1,1]', batch_size=64, last_batch='drop'
)


def gfla_reconstruction(
    steps: tuple[Step, ...] = (), ssim: SSIM = SSIM_GENERATED_RANGE
) -> tuple[Metric, ...]:
    """GFLA's Reconstruction_Metrics: both SSIMs, PSNR, L1 and the ratio it calls MAE.

    Args:
        steps: What both images go through first.
        ssim: The Gaussian one; some copies changed it.
    """
    metrics = (
        ssim,
        SSIM_WIN51,
        PSNR(name='psnr'),
        L1(name='l1', scale='[0,1]'),
        L1(name='mae_ratio', scale='ratio'),
    )
    return tuple(with_steps(metric, steps) for metric in metrics)


def with_steps(metric: Metric, steps: tuple[Step, ...], **changes: object) -> Metric:
    """The same metric after other steps, and with other changes."""
    return replace(metric, fake=steps, real=steps, **changes)
