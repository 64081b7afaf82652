"""VU-Net on DeepFashion at 256x256 in its published setting, batch 8."""

_base_ = ['../_base_/runtime.py', '../_base_/datasets/deepfashion-256x256.py']

train_dataloader = dict(batch_size=8)

# Published losses are taken on pixels in [0, 255], and on features of a VGG19 with
# Caffe's weights that reads such pixels. Pixels here lie in [-1, 1], and torchvision's
# VGG19 reads normalised ones, smaller by about 255 * 0.225. Factors bring both back.
_pixels = 127.5
_features = 57.4

model = dict(
    type='VUNet',
    data_preprocessor=dict(type='PosePairPreprocessor'),
    generator=dict(
        type='VUNetGenerator',
        base_channels=32,
        max_channels=128,
        num_levels=7,  # 256 to 4
        crop_level=2,  # crops of 64x64
        num_latents=2,  # 4x4 and 8x8
        parts=(  # in the order of the published weights
            'torso',
            'head',
            'left_upper_arm',
            'left_forearm',
            'right_upper_arm',
            'right_forearm',
            'left_thigh',
            'right_thigh',
        ),
        dropout=0.1,
        latents='mean',
    ),
    feature_net=dict(type='VGG19Features', weights='imagenet', normalize=True),
    losses=dict(
        rec=dict(type='L1Loss', weight=5.0 * _pixels),
        per=dict(
            type='PerceptualLoss',
            layers=('relu1_2', 'relu2_2', 'relu3_2', 'relu4_2', 'relu5_2'),
            weight=5.0 * _features,
        ),
        kl=dict(  # by the iterations of a stage
            type='LatentKLLoss',
            start_weight=1e-6,
            end_weight=1.0,
            begin=50_000,
            end=75_000,
        ),
    ),
)

_optim_wrapper = dict(
    constructor='MultiOptimWrapperConstructor',
    generator=dict(
        type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-3, betas=(0.5, 0.9))
    ),
)
_ramp = dict(
    type='LinearLR',
    start_factor=1.0,
    end_factor=0.0,
    begin=1_000,
    end=100_001,
    by_epoch=False,
)

stages = [
    dict(
        name='full',
        train_cfg=dict(max_iters=100_000, val_interval=10_000),
        optim_wrapper=_optim_wrapper,
        param_scheduler=dict(generator=[_ramp]),
    ),
    dict(
        name='style',  # the published second round; its two ramps start anew
        model=dict(
            losses=dict(
                sty=dict(  # published Gram matrices are divided by 4 h w, ours by C h w
                    type='StyleLoss',
                    layers=('relu1_2', 'relu2_2', 'relu3_2', 'relu4_2', 'relu5_2'),
                    layer_weights=(64 / 4, 128 / 4, 256 / 4, 512 / 4, 512 / 4),
                    weight=5.0 * 0.1 * _features**2,
                ),
            ),
        ),
        train_cfg=dict(max_iters=100_000, val_interval=10_000),
        optim_wrapper=_optim_wrapper,
        param_scheduler=dict(generator=[_ramp]),
    ),
]

val_evaluator = [
    dict(type='SSIM'),
    dict(type='PSNR'),
    dict(type='L1'),
    dict(type='STLPIPS'),
    dict(type='FrechetEfficientNetLite0'),
]
test_evaluator = val_evaluator
