"""GFLA at the published width on synthetic people.

Levels and blocks of attention are those of DeepFashion. The feature net is
EfficientNet-Lite0, whose weights come inside a package, so nothing is downloaded; the
weights of the losses are set for it.
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
            base_channels=32,
            max_channels=256,
            num_downs=5,
            use_image=True,
        ),
        image_encoder=dict(type='FeatureEncoder', level=3, base_channels=64),
        pose_encoder=dict(type='FeatureEncoder', level=3, base_channels=64),
        warp={  # local attention at levels 2 and 3
            2: dict(type='LocalAttentionWarp', kernel_size=5),
            3: dict(type='LocalAttentionWarp', kernel_size=3),
        },
        selection=dict(type='VisibilitySelection'),
        # hdc=dict(type='HybridDilatedBlock') would put the paper's block behind each.
        decoder=dict(type='ResidualDecoder', level=3, num_blocks=1, min_channels=64),
    ),
    discriminators=dict(
        image=dict(
            net=dict(type='ResDiscriminator', base_channels=32, num_downs=3),
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
            regularization_weight=0.015,  # affine regulariser of the flow
            regularization_kernel={2: 5, 3: 3},
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
        train_cfg=dict(max_iters=20_000, val_interval=2000),
        train_dataloader=dict(batch_size=16),
        optim_wrapper=dict(
            constructor='MultiOptimWrapperConstructor',
            generator=dict(
                type='OptimWrapper',
                optimizer=dict(type='Adam', lr=1e-4, betas=(0.0, 0.999)),
            ),
        ),
    ),
    dict(
        name='full',  # everything
        model=dict(train_stage='full'),
        train_cfg=dict(max_iters=60_000, val_interval=5000),
        optim_wrapper=dict(
            constructor='MultiOptimWrapperConstructor',
            generator=dict(
                type='OptimWrapper',
                optimizer=dict(type='Adam', lr=1e-4, betas=(0.0, 0.999)),
            ),
            discriminator=dict(
                type='OptimWrapper',
                optimizer=dict(type='Adam', lr=1e-5, betas=(0.0, 0.999)),
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
