"""VU-Net at small width on synthetic people, for two CPU cores.

Images keep their shape: maps and crops are twice as high as wide. The feature net is
EfficientNet-Lite0, whose weights come inside a package, so nothing is downloaded; the
weights of the losses are set for it, and for pixels in [-1, 1].
"""

_base_ = ['../_base_/runtime.py', '../_base_/datasets/synthetic-128x64.py']

train_dataloader = dict(batch_size=8)

model = dict(
    type='VUNet',
    data_preprocessor=dict(type='PosePairPreprocessor'),
    generator=dict(
        type='VUNetGenerator',
        base_channels=16,
        max_channels=64,
        num_levels=6,  # 128x64 to 4x2
        crop_level=1,  # crops of 64x32
        num_latents=2,  # 4x2 and 8x4
        parts=(
            'torso',
            'head',
            'left_upper_arm',
            'left_forearm',
            'right_upper_arm',
            'right_forearm',
            'left_thigh',
            'left_shin',
            'right_thigh',
            'right_shin',
        ),
        dropout=0.1,
        latents='mean',
    ),
    feature_net=dict(type='EfficientNetLite0Features', weights='package'),
    losses=dict(
        rec=dict(type='L1Loss', weight=5.0),
        per=dict(
            type='PerceptualLoss',
            layers=('expand1', 'expand3', 'expand5', 'expand11'),
            weight=2.0,
        ),
        kl=dict(  # published: 1.0 beside a weight of 5 on pixels in [0, 255]
            type='LatentKLLoss',
            start_weight=1e-8,
            end_weight=1 / 127.5,
            begin=1500,
            end=2250,
        ),
    ),
)

stages = [
    dict(
        name='full',  # the only stage
        train_cfg=dict(max_iters=3000, val_interval=1000),
        optim_wrapper=dict(
            constructor='MultiOptimWrapperConstructor',
            generator=dict(
                type='OptimWrapper',
                optimizer=dict(type='Adam', lr=1e-3, betas=(0.5, 0.9)),
            ),
        ),
        param_scheduler=dict(
            generator=[
                dict(
                    type='LinearLR',
                    start_factor=1.0,
                    end_factor=0.0,
                    begin=30,
                    end=3001,
                    by_epoch=False,
                ),
            ],
        ),
    ),
]

val_evaluator = [
    dict(type='SSIM'),
    dict(type='PSNR'),
    dict(type='L1'),
    dict(type='STLPIPS'),
    dict(type='HueCorrelation'),
    dict(type='FrechetEfficientNetLite0'),
]
test_evaluator = val_evaluator
