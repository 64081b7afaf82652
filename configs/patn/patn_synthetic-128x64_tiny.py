"""PATN at the smallest width, for tests: builds and steps in a second.

The feature net has random weights, so what it trains means nothing.
"""

_base_ = ['../_base_/runtime.py', '../_base_/datasets/synthetic-128x64.py']

model = dict(
    type='PATN',
    data_preprocessor=dict(type='PosePairPreprocessor'),
    generator=dict(
        type='PATNGenerator',
        base_channels=4,
        num_blocks=2,
        norm='batch',
        dropout=0.5,
        heatmap='gaussian',
        heatmap_sigma=6.0,
    ),
    discriminators=dict(  # trained in this order, after the generator
        pp=dict(
            net=dict(type='PATNDiscriminator', base_channels=4, norm='batch'),
            condition=('source_image',),
        ),
        pb=dict(
            net=dict(type='PATNDiscriminator', base_channels=4, norm='batch'),
            condition=('target_pose',),
        ),
    ),
    pool_size=4,  # inputs kept for each discriminator
    feature_net=dict(type='EfficientNetLite0Features', weights='random'),
    losses=dict(
        rec=dict(type='L1Loss', weight=10.0),
        adv=dict(
            type='GANLoss',
            mode='log',
            weight=2.5,  # (5 * PB + 5 * PP) / 2
            discriminator_weight=2.5,  # 5 * (real + fake) / 2
        ),
        per=dict(  # an early layer that comes with its weights, in place of VGG19
            type='PerceptualLoss', layers=('expand1',), weight=2.0
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
                optimizer=dict(type='Adam', lr=1e-3, betas=(0.5, 0.999)),
            ),
            discriminator_pp=dict(
                type='OptimWrapper',
                optimizer=dict(type='Adam', lr=1e-3, betas=(0.5, 0.999)),
            ),
            discriminator_pb=dict(
                type='OptimWrapper',
                optimizer=dict(type='Adam', lr=1e-3, betas=(0.5, 0.999)),
            ),
        ),
    ),
]

val_evaluator = [dict(type='SSIM'), dict(type='L1')]
test_evaluator = val_evaluator
