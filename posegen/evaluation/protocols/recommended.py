"""The protocol that this project recommends."""

from __future__ import annotations

from posegen.evaluation.protocols._common import CLEAN_TO_299
from posegen.evaluation.protocols.records import (
    FID,
    L1,
    LPIPS,
    PSNR,
    SSIM,
    Gaussian,
    Protocol,
    Stored,
)

_OURS = 'recommendation of posegen'

POSEGEN = Protocol(
    name='posegen',
    description='stored images as they are, float PSNR, SSIM with sigma 1.5 and data '
    'range 255, LPIPS-Alex, FID with the TensorFlow Inception after a clean resize; '
    'nothing padded and nothing dropped',
    code=_OURS,
    stored=Stored(format='png', quantise='round'),
    metrics=(
        FID(
            weights='tf2015',
            input_resize=CLEAN_TO_299,
            normalisation='tf128',
            real_set='targets',
            real_count=8570,
            batch_size=64,
            last_batch='keep',
        ),
        LPIPS(
            name='lpips',
            net='alex',
            input_range='[-1,1]',
            batch_size=64,
            last_batch='keep',
        ),
        SSIM(
            name='ssim', window=Gaussian(1.5), data_range=255, sample_covariance=False
        ),
        PSNR(name='psnr'),
        L1(name='l1', scale='[-1,1]'),
        SSIM(
            name='mask_ssim',
            mask='pose-black',
            window=Gaussian(1.5),
            data_range=255,
            sample_covariance=False,
        ),
        PSNR(name='mask_psnr', mask='pose-black'),
        L1(name='mask_l1', mask='pose-black', scale='[-1,1]'),
    ),
    sources={
        'stored': f'{_OURS}: lossless files',
        'fid': f'{_OURS}: weights, normalisation and resize of clean-fid (Parmar et '
        'al., CVPR 2022)',
        'fid.real_set': f'{_OURS}: needs nothing but the pairs; give another real set '
        'where the training images are at hand, and say so',
        'lpips': f'{_OURS}: Zhang et al., CVPR 2018, version 0.1, as it was meant',
        'ssim': f'{_OURS}: the window of Wang et al., IEEE TIP 2004, and the range of '
        'the stored type, which does not depend on the image',
        'psnr': f'{_OURS}: float, mean over images',
        'l1': f'{_OURS}: on the scale of the networks, as PATN',
        'mask_ssim': f'{_OURS}: the mask of PATN and Def-GAN, full frame',
        'mask_psnr': f'{_OURS}: the mask of PATN and Def-GAN, full frame',
        'mask_l1': f'{_OURS}: the mask of PATN and Def-GAN, full frame',
    },
)
