"""Protocols of the GAN line: PATN, GFLA and what their evaluation code became."""

from __future__ import annotations

from dataclasses import replace

from posegen.evaluation.protocols._common import (
    CROP,
    GFLA_FID,
    GFLA_LPIPS,
    SSIM_GENERATED_RANGE,
    SSIM_WIN51,
    WHITE,
    gfla_reconstruction,
    with_steps,
)
from posegen.evaluation.protocols.records import (
    L1,
    LPIPS,
    PSNR,
    SSIM,
    InceptionScore,
    Protocol,
    Resize,
    Stored,
    Uniform,
)

_GFLA_REAL = (
    'README: the whole training set; 48,674 images of train.lst, not the 37,016 of the '
    'pairs (PIDM issue 37). No script makes the resized folders'
)
_GFLA_NORM = (
    'GFLA script/inception.py: meant for ImageNet-normalised input, gets [0, 1]; the '
    'author of CFLD admits the error (CFLD issue 43)'
)

GFLA = Protocol(
    name='gfla',
    description='GFLA (DIST): torchvision Inception with a misapplied normalisation, '
    'SSIM with the range of each generated image, incomplete last batch of 64 dropped '
    'for FID and LPIPS',
    code='GFLA script/metrics.py, script/inception.py',
    stored=Stored(format='jpeg', quantise='truncate'),
    metrics=(
        GFLA_FID,
        GFLA_LPIPS,
        *gfla_reconstruction(),
        replace(GFLA_LPIPS, name='mask_lpips', mask='pose-grey'),
    ),
    sources={
        'stored': 'GFLA base_model.save_results writes jpg; util.tensor2im casts',
        'fid': 'script/metrics.py, FID',
        'fid.real_set': _GFLA_REAL,
        'fid.real_count': _GFLA_REAL,
        'fid.weights': 'script/inception.py: torchvision inception_v3, pretrained',
        'fid.input_resize': 'script/inception.py: upsampled to 299, bilinear',
        'fid.normalisation': _GFLA_NORM,
        'fid.last_batch': 'script/metrics.py, get_activations: d0 // 64 batches',
        'lpips': 'script/metrics.py, LPIPS: net-lin AlexNet of a PerceptualSimilarity '
        'clone, version 0.1, which the package lpips equals',
        'lpips.last_batch': 'script/metrics.py: 8,512 of 8,570 and 11,968 of 12,000',
        'mask_lpips': 'script/metrics.py, calculate_mask_lpips: images of [-1, 1] '
        'times the mask, for Market-1501',
        'ssim': 'script/metrics.py, "ssim_256"',
        'ssim_win51': 'script/metrics.py, "ssim": win_size 51, data_range 1',
        'psnr': 'script/metrics.py: data_range 1, mean over images',
        'l1': 'script/metrics.py, compare_l1 on [0, 1]',
        'mae_ratio': 'script/metrics.py, compare_mae',
    },
)

DPTN = Protocol(
    name='dptn',
    description="DPTN: GFLA's code, but SSIM, PSNR and L1 on images that are padded "
    'from 176 to 256 columns with white first, which raises them',
    code='DPTN metrics/metrics.py',
    stored=Stored(format='jpeg', quantise=None),
    metrics=(
        with_steps(GFLA_FID, CROP),
        with_steps(GFLA_LPIPS, CROP, batch_size=1, last_batch='keep'),
        *gfla_reconstruction(WHITE),
        replace(GFLA_LPIPS, name='mask_lpips', mask='pose-grey'),
    ),
    sources={
        'stored': 'metrics.py looks for .jpg files',
        'fid': "metrics/metrics.py, FID: as GFLA's, on images 176 wide as they are "
        "(PATN's low-resolution crops, DPTN issue 11)",
        'lpips': 'metrics/metrics.py, LPIPS: batch 1, so that nothing is dropped; not '
        'padded',
        'mask_lpips': "metrics/metrics.py, calculate_mask_lpips: as GFLA's, batch 64",
        'ssim': 'metrics/metrics.py, "ssim_256" after pad_256; Market-1501 un-padded',
        'ssim_win51': 'metrics/metrics.py, "ssim" after pad_256',
        'psnr': 'metrics/metrics.py, after pad_256',
        'l1': 'metrics/metrics.py, compare_l1 after pad_256',
        'mae_ratio': 'metrics/metrics.py, compare_mae after pad_256',
    },
    unknown={'stored.quantise': 'the code that writes results was not read'},
)

PATN = Protocol(
    name='patn',
    description='PATN (and Def-GAN on Market-1501): SSIM with the range of each '
    'generated image, DeepFashion re-padded with white; no PSNR, LPIPS or FID',
    code='PATN tool/getMetrics_fashion.py, tool/getMetrics_market.py; Def-GAN test.py',
    stored=Stored(format='jpeg', quantise='truncate'),
    metrics=(
        with_steps(SSIM_GENERATED_RANGE, WHITE),
        L1(name='l1', fake=WHITE, real=WHITE, scale='[-1,1]'),
        InceptionScore(
            fake=WHITE,
            real=WHITE,
            weights='tf2015',
            input_resize=Resize((299, 299), 'bilinear', 'tf1', False, 'float'),
            normalisation='tf128',
            logits_bias=False,
            splits=10,
        ),
        replace(SSIM_GENERATED_RANGE, name='mask_ssim', mask='pose-black'),
    ),
    sources={
        'stored': 'PATN util.tensor2im casts',
        'stored.format': 'PATN util/visualizer.py: strips of five panels, _vis.jpg, '
        'whose target is compressed with the rest; the metrics read _vis.png as well, '
        'and Def-GAN writes png',
        'ssim': 'tool/getMetrics_fashion.py, ssim_score on images of addBounding '
        '(padding: GFLA issue 42)',
        'l1': 'tool/getMetrics_fashion.py, l1_score',
        'inception_score': 'tool/inception_score.py: graph of 2015, 0..255 at native '
        'size, softmax weights without bias, 10 splits in the order of the folder',
        'inception_score.input_resize': "the graph's own bilinear resize",
        'mask_ssim': 'tool/getMetrics_market.py: uint8 images times the mask',
    },
    unknown={
        'fid': 'PATN ships none',
        'lpips': 'PATN ships none',
        'psnr': 'PATN ships none',
    },
)

SPGNET = Protocol(
    name='spgnet',
    description="SPGNet: GFLA's FID and LPIPS on images cut to 176 columns; on "
    'Market-1501 also masked scores',
    code='SPGNet tools/metrics_deepfashion.py, tools/metrics_market.py',
    stored=Stored(format='any', quantise=None),
    metrics=(
        with_steps(GFLA_FID, CROP),
        with_steps(GFLA_LPIPS, CROP),
        replace(GFLA_LPIPS, name='mask_lpips', mask='pose-grey'),
        replace(SSIM_GENERATED_RANGE, name='mask_ssim', mask='pose-black'),
    ),
    sources={
        'stored': 'jpg and png are globbed together',
        'fid': "tools/metrics_deepfashion.py, FID: as GFLA's, generated images cut to "
        'columns 40..215 first',
        'fid.real_set': 'a folder of the command line; the training set as for GFLA',
        'fid.real_count': 'train.lst, as for GFLA',
        'lpips': 'tools/metrics_deepfashion.py, LPIPS: package lpips, after crop_img',
        'mask_lpips': 'tools/metrics_market.py, calculate_mask_lpips',
        'mask_ssim': 'tools/metrics_market.py, masked_ssim_score',
    },
    unknown={
        'stored.quantise': 'the code that writes results was not read',
        'ssim': 'unmasked SSIM is in neither file',
        'psnr': 'SPGNet ships none',
    },
)

PISE = Protocol(
    name='pise',
    description='PISE: PSNR whose difference and square wrap around in uint8, about '
    '31 dB whatever the model',
    code='PISE util/psnr.py',
    stored=Stored(format=None, quantise=None),
    metrics=(PSNR(name='psnr', fake=CROP, real=CROP, arithmetic='uint8-wrap'),),
    sources={
        'psnr': 'util/psnr.py: cv2 images are subtracted and squared as uint8',
        'psnr.fake': 'util/psnr.py cuts one of the two images where it is 256 wide; '
        'the other has to be 176 wide',
        'psnr.real': 'the same',
    },
    unknown={
        'stored.format': 'the paths are those of a home folder',
        'stored.quantise': 'the code that writes results was not read',
        'fid': 'the paper names the official scripts and ships none',
        'lpips': 'the paper names the official scripts and ships none',
        'ssim': 'PISE ships none',
    },
)

DIOR = Protocol(
    name='dior',
    description="Dressing in Order: GFLA's code with OpenCV's resize to 256x256 of the "
    'real set for FID, and LPIPS batches of 8',
    code='DiOr tools/metrics.py',
    stored=Stored(format='jpeg', quantise=None),
    metrics=(
        replace(
            GFLA_FID,
            real=(Resize((256, 256), 'bilinear', 'cv2', False, 'float'),),
        ),
        replace(GFLA_LPIPS, batch_size=8),
        *gfla_reconstruction(),
    ),
    sources={
        'stored': 'tools/metrics.py looks for .jpg files',
        'fid': "tools/metrics.py, FID: as GFLA's; matching the printed number took a "
        'set prepared in private (DiOr issue 47)',
        'fid.real': 'tools/metrics.py, compute_statistics_of_path: cv2.resize',
        'lpips': 'tools/metrics.py, LPIPS: package lpips, batch_size 8, rest dropped',
        'ssim': 'tools/metrics.py, "ssim_256"',
        'ssim_win51': 'tools/metrics.py, "ssim"',
        'psnr': 'tools/metrics.py: data_range 1, mean over images',
        'l1': 'tools/metrics.py, compare_l1 on [0, 1]',
        'mae_ratio': 'tools/metrics.py, compare_mae',
    },
    unknown={'stored.quantise': 'the code that writes results was not read'},
)

PWS = Protocol(
    name='pws',
    description='Pose with Style: SSIM and PSNR over the silhouette of the person, '
    'with silhouettes of its authors; FID and LPIPS as GFLA',
    code='pose-with-style issue 15',
    stored=Stored(format=None, quantise=None),
    metrics=(GFLA_FID, GFLA_LPIPS),
    sources={
        'fid': "issue 15: GFLA's script",
        'lpips': "issue 15: GFLA's script",
    },
    unknown={
        'stored.format': 'not said',
        'stored.quantise': 'not said',
        'ssim': 'taken over silhouettes that have to be fetched from the authors; '
        'window and background are not said',
        'psnr': 'taken over silhouettes that have to be fetched from the authors',
    },
)

_PRASUNROY_LPIPS = LPIPS(
    name='lpips', net='alex', input_range='[-1,1]', batch_size=1, last_batch='keep'
)

PRASUNROY = Protocol(
    name='prasunroy',
    description="Roy et al.: scikit-image's default SSIM (7x7 uniform), LPIPS with all "
    'three networks; no PSNR or FID',
    code='prasunroy/pose-transfer metrics/*.py',
    stored=Stored(format='jpeg', quantise=None),
    metrics=(
        _PRASUNROY_LPIPS,
        replace(_PRASUNROY_LPIPS, name='lpips_vgg', net='vgg'),
        replace(_PRASUNROY_LPIPS, name='lpips_squeeze', net='squeeze'),
        SSIM(name='ssim', window=Uniform(7), data_range=255, sample_covariance=True),
        InceptionScore(
            weights='torchvision',
            input_resize=Resize((299, 299), 'bilinear', 'torch', False, 'float'),
            normalisation='half',
            logits_bias=True,
            splits=1,
        ),
    ),
    sources={
        'stored': 'the evaluation reads jpg',
        'lpips': 'metrics/lpips_score.py: package lpips, im2tensor',
        'lpips_vgg': 'metrics/lpips_score.py',
        'lpips_squeeze': 'metrics/lpips_score.py',
        'ssim': 'metrics/ssim_score.py: structural_similarity of uint8, all defaults',
        'ssim.channels': 'BGR as OpenCV reads it; the mean of the planes is the same',
        'inception_score': 'metrics/inception_score.py: torchvision, one split',
    },
    unknown={
        'stored.quantise': 'the code that writes results was not read',
        'fid': 'it ships none',
        'psnr': 'it ships none',
    },
)

GAN_PROTOCOLS = (GFLA, DPTN, PATN, SPGNET, PISE, DIOR, PWS, PRASUNROY)

__all__ = ['GAN_PROTOCOLS', 'SSIM_WIN51']
