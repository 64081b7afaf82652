"""Def-GAN on DeepFashion at 256x256, its published setting, batches of 2."""

_base_ = ['../_base_/runtime.py', '../_base_/datasets/deepfashion-256x256.py']

train_dataloader = dict(batch_size=6)

model = dict(
    type='DefGAN',
    data_preprocessor=dict(type='PosePairPreprocessor'),
    generator=dict(
        type='DefGANGenerator',
        base_channels=64,
        max_channels=512,
        num_levels=7,  # full resolution counted
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
            net=dict(type='DefGANDiscriminator', base_channels=64),
            condition=('source_image', 'source_pose', 'target_pose'),
        ),
    ),
    separate_batches=True,  # a loaded batch is three: real, generated, trained on
    feature_net=dict(type='VGG19Features', weights='imagenet', normalize=True),
    losses=dict(
        adv=dict(type='GANLoss', mode='log', weight=1.0),
        per=dict(  # published: 0.01 for Caffe's VGG19, with inputs 58 times as large
            type='NearestNeighbourLoss', layers=('relu1_2',), window=5, weight=0.58
        ),
    ),
)

stages = [
    dict(
        name='full',  # the only stage
        train_cfg=dict(max_iters=90_000, val_interval=5_000),
        optim_wrapper=dict(
            constructor='MultiOptimWrapperConstructor',
            generator=dict(
                type='OptimWrapper',
                optimizer=dict(type='Adam', lr=2e-4, betas=(0.5, 0.999)),
            ),
            discriminator=dict(
                type='OptimWrapper',
                optimizer=dict(type='Adam', lr=2e-4, betas=(0.5, 0.999)),
            ),
        ),
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
