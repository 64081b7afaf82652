"""Protocols of the diffusion line."""

from __future__ import annotations

from dataclasses import replace

from posegen.evaluation.protocols._common import (
    CLEAN_TO_299,
    GFLA_FID,
    GFLA_LPIPS,
    SSIM_GENERATED_RANGE,
    SSIM_WIN51,
    TO_299,
    gfla_reconstruction,
    with_steps,
)
from posegen.evaluation.protocols.records import (
    FID,
    KID,
    LPIPS,
    MSSSIM,
    PSNR,
    SSIM,
    Gaussian,
    Protocol,
    Resize,
    Stored,
)

_SSIM_1_2 = replace(SSIM_GENERATED_RANGE, window=Gaussian(1.2))

_PIDM_STEPS = (Resize((256, 176), 'bilinear', 'cv2', antialias=False, output='float'),)
PIDM = Protocol(
    name='pidm',
    description="PIDM: GFLA's code, FID and LPIPS after OpenCV's bilinear resize to "
    '256x176, SSIM with sigma 1.2 on images as they are',
    code='PIDM utils/metrics.py',
    stored=Stored(format='png', quantise=None),
    metrics=(
        with_steps(GFLA_FID, _PIDM_STEPS),
        with_steps(GFLA_LPIPS, _PIDM_STEPS),
        *gfla_reconstruction(ssim=_SSIM_1_2),
    ),
    sources={
        'stored': 'utils/metrics.py: folders of pngs',
        'fid': "utils/metrics.py, FID: GFLA's network, batch 64, rest dropped",
        'fid.fake': 'utils/metrics.py: cv2.resize of float images',
        'fid.real': 'utils/metrics.py: cv2.resize of float images',
        'fid.real_set': 'PIDM issue 37: train.lst, resized with PIL bicubic to png; '
        'with the images of the pairs alone the FID is 6.94',
        'fid.real_count': 'PIDM issue 37',
        'lpips': 'utils/metrics.py, LPIPS: package lpips after the same cv2.resize',
        'ssim': 'utils/metrics.py, "ssim_256"',
        'ssim.window': 'utils/metrics.py: sigma 1.2, where its origin has 1.5',
        'ssim_win51': 'utils/metrics.py, "ssim"',
        'psnr': 'utils/metrics.py: data_range 1, mean over images',
        'l1': 'utils/metrics.py, compare_l1 on [0, 1]',
        'mae_ratio': 'utils/metrics.py, compare_mae',
    },
    unknown={'stored.quantise': 'the code that writes results was not read'},
)

_CFLD_FAKE = (
    Resize((256, 176), 'bicubic', 'torch', antialias=True, output='truncate'),
)
_CFLD_REAL = (Resize((256, 176), 'bicubic', 'pil', antialias=True, output='round'),)
CFLD = Protocol(
    name='cfld',
    description="CFLD (MCLD is a copy): GFLA's FID network, nothing dropped, images "
    'brought to 256x176 with an anti-aliased bicubic filter',
    code='CFLD models/metrics.py, pose_transfer_test.py, datasets/deepfashion.py',
    stored=Stored(format='any', quantise='truncate'),
    metrics=tuple(
        replace(metric, fake=_CFLD_FAKE, real=_CFLD_REAL)
        for metric in (
            replace(GFLA_FID, last_batch='keep'),
            replace(GFLA_LPIPS, last_batch='keep'),
            SSIM_GENERATED_RANGE,
            SSIM_WIN51,
            PSNR(name='psnr'),
        )
    ),
    sources={
        'stored': 'pose_transfer_test.py scores without a file in between',
        'stored.quantise': 'pose_transfer_test.py: cast to uint8 before scoring',
        **{
            f'{metric}.{side}': text
            for metric in ('fid', 'lpips', 'ssim', 'ssim_win51', 'psnr')
            for side, text in (
                (
                    'fake',
                    'pose_transfer_test.py: F.interpolate, then uint8; 512x352 '
                    'is the other published size',
                ),
                ('real', 'datasets/deepfashion.py: torchvision Resize of PIL images'),
            )
        },
        'fid': 'models/metrics.py: IMAGENET1K_V1',
        'fid.normalisation': 'models/metrics.py; its author admits the error '
        '(CFLD issue 43)',
        'fid.real_set': 'datasets/deepfashion.py, FidRealDeepFashion: train_highres',
        'fid.real_count': 'train.lst',
        'fid.last_batch': 'pose_transfer_test.py asserts that every image was counted',
        'lpips': 'models/metrics.py: package lpips, normalize=True on [0, 1]',
        'ssim': 'models/metrics.py, "ssim_256"',
        'ssim_win51': 'models/metrics.py, "ssim"',
        'psnr': 'models/metrics.py: data_range 1, mean over images',
    },
)

_PCDMS_STEPS = (Resize((256, 176), 'bicubic', 'cv2', antialias=False, output='float'),)
PCDMS = Protocol(
    name='pcdms',
    description="PCDMs (and IMAGPose): OpenCV's bicubic resize to 256x176, SSIM with "
    'sigma 1.2, LPIPS fed [0, 1], which halves the contrast',
    code='PCDMs metrics.py',
    stored=Stored(format='png', quantise=None),
    metrics=(
        with_steps(GFLA_FID, _PCDMS_STEPS, batch_size=128),
        with_steps(GFLA_LPIPS, _PCDMS_STEPS, input_range='[0,1]'),
        *gfla_reconstruction(_PCDMS_STEPS, ssim=_SSIM_1_2),
    ),
    sources={
        'stored': 'metrics.py, preprocess_path_for_deform_task: ground truth is png',
        'fid': "metrics.py, FID: GFLA's network and normalisation, cv2.INTER_CUBIC",
        'fid.batch_size': 'metrics.py: 128, remainder dropped',
        'fid.real_set': 'a folder of the call; the training set as for GFLA',
        'fid.real_count': 'train.lst, as for GFLA',
        'lpips': 'metrics.py, LPIPS: package lpips',
        'lpips.input_range': 'metrics.py divides by 255 and leaves normalize at False',
        'ssim': 'metrics.py, "ssim_256" with sigma 1.2',
        'ssim_win51': 'metrics.py, "ssim"',
        'psnr': 'metrics.py: data_range 1, mean over images',
        'l1': 'metrics.py, compare_l1 on [0, 1]',
        'mae_ratio': 'metrics.py, compare_mae',
    },
    unknown={'stored.quantise': 'the code that writes results was not read'},
)

POCOLD = Protocol(
    name='pocold',
    description="PoCoLD: GFLA's code on png files, incomplete last batch dropped",
    code='PoCoLD metrics.py',
    stored=Stored(format='png', quantise=None),
    metrics=(GFLA_FID, GFLA_LPIPS, *gfla_reconstruction()),
    sources={
        'stored': 'metrics.py looks for .png ground truth',
        'fid': "metrics.py, FID: as GFLA's, batch 64, rest dropped",
        'fid.real_set': 'a folder of the command line; the training set as for GFLA',
        'fid.real_count': 'train.lst, as for GFLA',
        'lpips': 'metrics.py, LPIPS: net-lin AlexNet on [-1, 1], rest dropped',
        'ssim': 'metrics.py, "ssim_256" on uint8',
        'ssim_win51': 'metrics.py, "ssim"',
        'psnr': 'metrics.py: data_range 1, mean over images',
        'l1': 'metrics.py, compare_l1 on [0, 1]',
        'mae_ratio': 'metrics.py, compare_mae',
    },
    unknown={'stored.quantise': 'the code that writes results was not read'},
)

_RECENT_TENSOR = (
    Resize((256, 176), 'bilinear', 'torch', antialias=False, output='float'),
)
_RECENT_FILE = (Resize((256, 176), 'bicubic', 'pil', antialias=True, output='round'),)
POCOLD_RECENT = Protocol(
    name='pocold-recent',
    description='"PoCoLD style" of a recent evaluator: matched pairs only, nothing '
    'dropped, files brought to 256x176 with PIL bicubic',
    code='gzzzzzz781 metrics.py, evaluate.py',
    stored=Stored(format='any', quantise=None),
    metrics=(
        with_steps(GFLA_FID, _RECENT_FILE, last_batch='keep'),
        with_steps(GFLA_LPIPS, _RECENT_TENSOR, last_batch='keep'),
        with_steps(SSIM_GENERATED_RANGE, _RECENT_FILE),
        with_steps(SSIM_WIN51, _RECENT_FILE),
        with_steps(PSNR(name='psnr'), _RECENT_FILE),
    ),
    sources={
        'stored': 'metrics.py, list_images takes png, jpg, bmp and webp',
        'fid': "metrics.py, compute_fid_pocold_style_from_real_paths: GFLA's "
        'normalisation, every image counted',
        'fid.real_set': 'evaluate.py, resolve_fid_real_paths: train_highres or what '
        'was made from it',
        'fid.real_count': 'train.lst, as for GFLA',
        'lpips': 'metrics.py, compute_lpips_pocold_style_from_pairs: normalize=True',
        'lpips.fake': 'metrics.py, _resize_tensor_image: bilinear, in float',
        'lpips.real': 'metrics.py, _resize_tensor_image: bilinear, in float',
        'ssim': 'metrics.py, compute_ssim_pocold_style_from_pairs',
        'ssim_win51': 'metrics.py, compute_ssim_pocold_style_from_pairs',
        'psnr': 'metrics.py, compute_psnr_pocold_style_from_pairs',
    },
    unknown={'stored.quantise': 'results are read from files of other code'},
)

UPGPT = Protocol(
    name='upgpt',
    description='UPGPT: pytorch-fid against the ground truth of the pairs, LPIPS-VGG '
    'fed [0, 1], SSIM and MS-SSIM of pytorch_msssim',
    code='UPGPT scripts/eval_metrics.py',
    stored=Stored(format='jpeg', quantise=None),
    metrics=(
        FID(
            weights='pytorch-fid',
            input_resize=TO_299,
            normalisation='half',
            real_set='targets',
            real_count=8570,
            batch_size=50,
            last_batch='keep',
        ),
        LPIPS(
            name='lpips_vgg',
            net='vgg',
            input_range='[0,1]',
            batch_size=100,
            last_batch='keep',
        ),
        SSIM(
            name='ssim', window=Gaussian(1.5), data_range=255, sample_covariance=False
        ),
        MSSSIM(name='ms_ssim', sigma=1.5, data_range=255),
    ),
    sources={
        'stored': 'scripts/eval_metrics.py globs jpg',
        'fid': 'scripts/eval_metrics.py runs pytorch_fid; resize and 2x - 1 are '
        'its own, and its batches of 50 drop nothing',
        'fid.real_set': 'scripts/eval_metrics.py: a ground truth file for each result',
        'fid.real_count': 'the test pairs',
        'lpips_vgg': 'scripts/eval_metrics.py: package lpips, net vgg',
        'lpips_vgg.input_range': 'scripts/eval_metrics.py: ToTensor, normalize False',
        'ssim': 'scripts/eval_metrics.py: pytorch_msssim with data_range 1 on [0, 1]; '
        'window of 11 taps and sigma 1.5 are its defaults',
        'ms_ssim': 'the same package with its defaults; printed in the paper, while '
        'the script as it is now computes SSIM only',
    },
    unknown={
        'stored.quantise': 'the code that writes results was not read',
        'psnr': 'UPGPT ships none',
    },
)

_VTON_STEPS = (
    Resize('height of the generated', 'lanczos', 'pil', antialias=True, output='round'),
)
VTONEVAL = Protocol(
    name='vtoneval',
    description='VtonEval (Leffa): pytorch-fid and clean-fid against the ground truth, '
    'KID times 1000, LPIPS-Squeeze, PSNR from the pooled error of batches of 16',
    code='VtonEval eval.py',
    stored=Stored(format='any', quantise=None),
    metrics=(
        FID(
            real=_VTON_STEPS,
            weights='pytorch-fid',
            input_resize=TO_299,
            normalisation='half',
            real_set='targets',
            real_count=None,
            batch_size=16,
            last_batch='keep',
        ),
        FID(
            name='clean_fid',
            real=_VTON_STEPS,
            weights='tf2015',
            input_resize=CLEAN_TO_299,
            normalisation='tf128',
            real_set='targets',
            real_count=None,
            batch_size=32,
            last_batch='keep',
        ),
        KID(
            name='kid',
            real=_VTON_STEPS,
            weights='tf2015',
            input_resize=CLEAN_TO_299,
            normalisation='tf128',
            real_set='targets',
            real_count=None,
            batch_size=32,
            last_batch='keep',
            subsets=100,
            subset_size=1000,
            factor=1000,
        ),
        LPIPS(
            name='lpips_squeeze',
            fake=_VTON_STEPS,
            real=_VTON_STEPS,
            net='squeeze',
            input_range='[-1,1]',
            batch_size=16,
            last_batch='keep',
        ),
        SSIM(
            name='ssim',
            fake=_VTON_STEPS,
            real=_VTON_STEPS,
            window=Gaussian(1.5),
            data_range=255,
            sample_covariance=False,
            border='reflect',
        ),
        PSNR(
            name='psnr',
            fake=_VTON_STEPS,
            real=_VTON_STEPS,
            mean='batch',
            batch_size=16,
        ),
    ),
    sources={
        'stored': 'eval.py: jpg and png',
        'fid': 'eval.py: package pytorch-fid',
        'fid.real': 'eval.py, copy_resize_gt: ground truth is brought to the height of '
        'the results and saved again',
        'clean_fid': 'eval.py: package clean-fid, its own 299 bicubic resize in PIL',
        'clean_fid.real': 'eval.py, copy_resize_gt',
        'kid': 'eval.py: package clean-fid times 1000; subsets are its defaults',
        'kid.real': 'eval.py, copy_resize_gt',
        'lpips_squeeze': 'eval.py: torchmetrics, images of [-1, 1]',
        'ssim': 'eval.py: torchmetrics, data_range 1 on [0, 1]',
        'ssim.border': 'eval.py leaves the version open: torchmetrics counts mirrored '
        'borders since its pull request 2721 (2024), and cut them before',
        'psnr': 'eval.py: torchmetrics',
        'psnr.mean': 'eval.py adds up batch values, and torchmetrics pools the squared '
        'error of a batch: the result depends on the batch size (default 16)',
    },
    unknown={
        'stored.quantise': 'results are read from files of other code',
        'fid.real_count': 'whatever folder it is given',
        'clean_fid.real_count': 'whatever folder it is given',
        'kid.real_count': 'whatever folder it is given',
    },
)

DIFFUSION_PROTOCOLS = (PIDM, CFLD, PCDMS, POCOLD, POCOLD_RECENT, UPGPT, VTONEVAL)
