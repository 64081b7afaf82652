"""Def-GAN at small width on synthetic people, for two CPU cores.

The feature net is EfficientNet-Lite0, whose weights come inside a package, so nothing
is downloaded. One batch serves the discriminator and the generator.
"""

_base_ = ['../_base_/runtime.py', '../_base_/datasets/synthetic-128x64.py']

train_dataloader = dict(batch_size=4)

model = dict(
    type='DefGAN',
    data_preprocessor=dict(type='PosePairPreprocessor'),
    generator=dict(
        type='DefGANGenerator',
        base_channels=16,
        max_channels=128,
        num_levels=6,  # full resolution counted
        warp=dict(
            type='PartAffineWarp',
            interpolation='nearest',  # or 'bilinear'
            fit='homogeneous',  # or 'least_squares'
        ),
        warp_levels=4,  # the finest four are moved, the others are plain skips
        dropout=0.5,
        heatmap_sigma=6.0,
    ),
    discriminators=dict(
        pair=dict(
            net=dict(type='DefGANDiscriminator', base_channels=16),
            condition=('source_image', 'source_pose', 'target_pose'),
        ),
    ),
    separate_batches=False,  # published are three batches a step
    feature_net=dict(type='EfficientNetLite0Features', weights='package'),
    losses=dict(
        adv=dict(type='GANLoss', mode='log', weight=1.0),
        per=dict(  # an early layer that comes with its weights, in place of VGG19
            type='NearestNeighbourLoss', layers=('expand1',), window=3, weight=0.02
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
                optimizer=dict(type='Adam', lr=5e-4, betas=(0.5, 0.999)),
            ),
            discriminator=dict(
                type='OptimWrapper',
                optimizer=dict(type='Adam', lr=5e-4, betas=(0.5, 0.999)),
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
