"""GFLA ("DIST" in the paper's tables) on DeepFashion, as published."""

_base_ = ['../_base_/runtime.py', '../_base_/datasets/deepfashion-256x256.py']

train_dataloader = dict(batch_size=8)

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
            net=dict(type='ResDiscriminator', base_channels=32, num_downs=4),
            condition=(),
        ),
    ),
    feature_net=dict(type='VGG19Features', weights='imagenet'),
    losses=dict(
        sam=dict(
            type='SamplingCorrectnessLoss',
            layers={2: ('relu3_1',), 3: ('relu4_1',)},
            weight=5.0,
            reduction='batch',
            regularization_weight=0.0025,  # affine regulariser of the flow
            regularization_kernel={2: 5, 3: 3},
        ),
        rec=dict(type='L1Loss', weight=5.0),
        adv=dict(type='GANLoss', mode='lsgan', weight=2.0),
        per=dict(
            type='PerceptualLoss',
            layers=('relu1_1', 'relu2_1', 'relu3_1', 'relu4_1', 'relu5_1'),
            weight=0.5,
        ),
        sty=dict(
            type='StyleLoss',
            layers=('relu2_2', 'relu3_4', 'relu4_4', 'relu5_2'),
            weight=500.0,
        ),
    ),
)

# The published training was stopped by hand, when the flow had converged: at a
# correctness of about 2 (weighted, as logged) after millions of iterations.

stages = [
    dict(
        name='flow',  # the flow net alone
        model=dict(
            train_stage='flow',
            losses=dict(sam=dict(weight=20.0, regularization_weight=0.01)),
        ),
        train_cfg=dict(max_iters=1_000_000, val_interval=10_000),
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
        train_cfg=dict(max_iters=1_000_000, val_interval=10_000),
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
    dict(type='FrechetEfficientNetLite0'),
]
test_evaluator = val_evaluator
