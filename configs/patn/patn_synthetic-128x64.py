"""PATN at small width on synthetic people, for two CPU cores.

The feature net is EfficientNet-Lite0, whose weights come inside a package, so nothing
is downloaded. The learning rate is larger than the published one and does not fall.
"""

_base_ = ['../_base_/runtime.py', '../_base_/datasets/synthetic-128x64.py']

train_dataloader = dict(batch_size=8)

model = dict(
    type='PATN',
    data_preprocessor=dict(type='PosePairPreprocessor'),
    generator=dict(
        type='PATNGenerator',
        base_channels=16,
        num_blocks=9,
        norm='batch',
        dropout=0.5,
        heatmap='gaussian',
        heatmap_sigma=6.0,
    ),
    discriminators=dict(  # trained in this order, after the generator
        pp=dict(
            net=dict(type='PATNDiscriminator', base_channels=16, norm='batch'),
            condition=('source_image',),
        ),
        pb=dict(
            net=dict(type='PATNDiscriminator', base_channels=16, norm='batch'),
            condition=('target_pose',),
        ),
    ),
    pool_size=50,  # inputs kept for each discriminator
    feature_net=dict(type='EfficientNetLite0Features', weights='package'),
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
        train_cfg=dict(max_iters=3000, val_interval=1000),
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

val_evaluator = [
    dict(type='SSIM'),
    dict(type='PSNR'),
    dict(type='L1'),
    dict(type='STLPIPS'),
    dict(type='HueCorrelation'),
    dict(type='FrechetEfficientNetLite0'),
]
test_evaluator = val_evaluator
