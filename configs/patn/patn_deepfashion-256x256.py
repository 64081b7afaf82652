"""PATN on DeepFashion at 256x256, the canvas of the other methods, batch 7."""

_base_ = ['../_base_/runtime.py', '../_base_/datasets/deepfashion-256x256.py']

train_dataloader = dict(batch_size=7)

model = dict(
    type='PATN',
    data_preprocessor=dict(type='PosePairPreprocessor'),
    generator=dict(
        type='PATNGenerator',
        base_channels=64,
        num_blocks=9,
        norm='instance',
        dropout=0.5,
        heatmap='gaussian',
        heatmap_sigma=6.0,
    ),
    discriminators=dict(  # trained in this order, after the generator
        pp=dict(
            net=dict(type='PATNDiscriminator', norm='instance'),
            condition=('source_image',),
        ),
        pb=dict(
            net=dict(type='PATNDiscriminator', norm='instance'),
            condition=('target_pose',),
        ),
    ),
    pool_size=0,  # no pool, as published
    feature_net=dict(type='VGG19Features', weights='imagenet', normalize=True),
    losses=dict(
        rec=dict(type='L1Loss', weight=1.0),
        adv=dict(
            type='GANLoss',
            mode='lsgan',
            weight=2.5,  # (5 * PB + 5 * PP) / 2
            discriminator_weight=5.0,  # as published; the loss halves it
        ),
        per=dict(  # the published perceptual term: VGG19 behind conv1_2
            type='PerceptualLoss', layers=('relu1_2',), weight=1.0
        ),
    ),
)

# The published epoch is 4,000 pairs drawn at random, 572 iterations; 500 of them are
# trained at 2e-4, and over 200 more the rate falls to 0. Published are steps at the
# epochs; this straight line meets them at the beginning of each.
_ramp = dict(
    type='LinearLR',
    start_factor=1.0,
    end_factor=0.0,
    begin=284_856,
    end=399_829,
    by_epoch=False,
)

stages = [
    dict(
        name='full',  # the only stage
        train_cfg=dict(max_iters=400_400, val_interval=10_010),
        optim_wrapper=dict(
            constructor='MultiOptimWrapperConstructor',
            generator=dict(
                type='OptimWrapper',
                optimizer=dict(type='Adam', lr=2e-4, betas=(0.5, 0.999)),
            ),
            discriminator_pp=dict(
                type='OptimWrapper',
                optimizer=dict(type='Adam', lr=2e-4, betas=(0.5, 0.999)),
            ),
            discriminator_pb=dict(
                type='OptimWrapper',
                optimizer=dict(type='Adam', lr=2e-4, betas=(0.5, 0.999)),
            ),
        ),
        param_scheduler=dict(
            generator=[dict(_ramp)],
            discriminator_pp=[dict(_ramp)],
            discriminator_pb=[dict(_ramp)],
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
