"""GFLA at small width on synthetic people, its flow on the prior of the limbs.

Otherwise gfla_synthetic-128x64: whether the prior helps is one line to ask.
"""

_base_ = ['../_base_/runtime.py', '../_base_/datasets/synthetic-128x64.py']

model = dict(
    type='GFLA',
    data_preprocessor=dict(type='PosePairPreprocessor'),
    generator=dict(
        type='GFLAGenerator',
        heatmap_sigma=6.0,
        flow=dict(  # of the whole body, from the source image and both poses
            type='PoseFlowNet',
            levels=(2, 3),
            base_channels=16,
            max_channels=128,
            num_downs=5,
            use_image=True,
            prior='limbs',  # the net predicts what the flow of the limbs lacks
        ),
        # Weights start larger than GFLA's gain of 0.02 has them, to save first steps.
        # A layer norm leaves the image the strength of its colors.
        image_encoder=dict(
            type='FeatureEncoder',
            level=3,
            base_channels=24,
            norm='layer',
            init_gain=0.2,
        ),
        pose_encoder=dict(
            type='FeatureEncoder', level=3, base_channels=24, init_gain=0.2
        ),
        warp={  # local attention at levels 2 and 3
            2: dict(type='LocalAttentionWarp', kernel_size=3, hidden_channels=32),
            3: dict(type='LocalAttentionWarp', kernel_size=3, hidden_channels=32),
        },
        selection=dict(type='VisibilitySelection'),
        # hdc=dict(type='HybridDilatedBlock') would put the paper's block behind each.
        decoder=dict(
            type='ResidualDecoder',
            level=3,
            num_blocks=1,
            min_channels=24,
            init_gain=0.2,
        ),
    ),
    discriminators=dict(
        image=dict(
            net=dict(type='ResDiscriminator', base_channels=16, num_downs=3),
            condition=(),
        ),
    ),
    feature_net=dict(type='EfficientNetLite0Features', weights='package'),
    losses=dict(
        sam=dict(  # the coarse level leads the fine one over long ways
            type='SamplingCorrectnessLoss',
            layers={2: ('block2', 'block4'), 3: ('block4', 'block10')},
            weight=5.0,
            reduction='batch',
            regularization_weight=0.015,  # affine regularizer of the flow
            regularization_kernel={2: 3, 3: 3},
        ),
        rec=dict(type='L1Loss', weight=5.0),
        adv=dict(type='GANLoss', mode='lsgan', weight=0.2),
        per=dict(
            type='PerceptualLoss',
            layers=('expand1', 'expand3', 'expand5', 'expand11'),
            weight=2.0,
        ),
        sty=dict(
            type='StyleLoss', layers=('expand1', 'expand3', 'expand5'), weight=500.0
        ),
    ),
)

stages = [
    dict(
        name='flow',  # the flow net alone
        model=dict(
            train_stage='flow',
            losses=dict(sam=dict(weight=1.0, regularization_weight=0.003)),
        ),
        train_cfg=dict(max_iters=1000, val_interval=500),
        train_dataloader=dict(batch_size=16),
        optim_wrapper=dict(
            constructor='MultiOptimWrapperConstructor',
            generator=dict(
                type='OptimWrapper',
                optimizer=dict(type='Adam', lr=1e-3, betas=(0.9, 0.99)),
            ),
        ),
    ),
    dict(
        name='full',  # everything
        model=dict(train_stage='full'),
        train_cfg=dict(max_iters=3000, val_interval=1000),
        train_dataloader=dict(batch_size=4),
        optim_wrapper=dict(
            constructor='MultiOptimWrapperConstructor',
            generator=dict(
                type='OptimWrapper',
                optimizer=dict(type='Adam', lr=5e-4, betas=(0.5, 0.99)),
            ),
            discriminator=dict(
                type='OptimWrapper',
                optimizer=dict(type='Adam', lr=5e-4, betas=(0.5, 0.99)),
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
    dict(type='FlowEndPointError'),
]
test_evaluator = val_evaluator
