"""VU-Net at the smallest width, for tests: builds and steps in a second.

The feature net has random weights, so what it trains means nothing.
"""

_base_ = ['../_base_/runtime.py', '../_base_/datasets/synthetic-128x64.py']

model = dict(
    type='VUNet',
    data_preprocessor=dict(type='PosePairPreprocessor'),
    generator=dict(
        type='VUNetGenerator',
        base_channels=4,
        max_channels=8,
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
    feature_net=dict(type='EfficientNetLite0Features', weights='random'),
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
            begin=1,
            end=3,
        ),
    ),
)

stages = [
    dict(
        name='full',  # the only stage
        train_cfg=dict(max_iters=4, val_interval=4),
        optim_wrapper=dict(
            constructor='MultiOptimWrapperConstructor',
            generator=dict(
                type='OptimWrapper',
                optimizer=dict(type='Adam', lr=1e-3, betas=(0.5, 0.9)),
            ),
        ),
    ),
]

val_evaluator = [dict(type='SSIM'), dict(type='L1')]
test_evaluator = val_evaluator
