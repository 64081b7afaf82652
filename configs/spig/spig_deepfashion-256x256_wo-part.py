"""Ablation "w/o Part": one flow of the whole body warps the global source features.

One network of each kind takes the place of three, so the generator is smaller as well:
9.62 M parameters, where that of the full model has 24.95 M.
"""

_base_ = ['../_base_/runtime.py', '../_base_/datasets/deepfashion-256x256.py']

model = dict(
    type='SPIG',
    data_preprocessor=dict(type='PosePairPreprocessor'),
    generator=dict(
        type='SPIGGenerator',
        # Joints in OpenPose order. Neck and hips belong to two parts each.
        parts=dict(body=(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17)),
        level=2,  # features of 1/4 of the resolution are warped
        heatmap_sigma=6.0,
        crop=False,
        crop_margin=0.1,  # without effect, as nothing is cropped
        flow=dict(  # eq. 1, one net a part
            type='PoseFlowNet',
            levels=(2,),
            base_channels=32,
            max_channels=256,
            num_downs=5,
        ),
        image_encoder=dict(type='FeatureEncoder', level=2, base_channels=64),
        pose_encoder=dict(type='FeatureEncoder', level=2, base_channels=64),
        global_pose_encoder=dict(type='FeatureEncoder', level=2, base_channels=64),
        warp=dict(type='BilinearWarp'),  # eq. 2
        selection=dict(type='VisibilitySelection'),  # eq. 3
        hdc=dict(type='HybridDilatedBlock', dilations=(1, 2)),  # eq. 5
        fusion=dict(type='ConcatFusion', num_blocks=2),  # eq. 6
        pnb=dict(type='PyramidNonLocalBlock', sizes=(4, 6)),  # eq. 7
        decoder=dict(type='ResidualDecoder', level=2, min_channels=64),  # eq. 8
    ),
    mask_radius=1 / 16,  # of the height: how far from the limbs L_sam sees the person
    discriminators=dict(
        image=dict(net=dict(type='ResDiscriminator', num_downs=4), condition=()),
    ),
    feature_net=dict(type='VGG19Features', weights='imagenet'),
    losses=dict(  # eq. 10
        sam=dict(  # eq. 9
            type='SamplingCorrectnessLoss',
            layers={2: ('relu3_1',)},
            weight=5.0,
            reduction='sample',  # small parts weigh as much as large ones
        ),
        rec=dict(type='L1Loss', weight=5.0),  # eq. 11
        adv=dict(type='GANLoss', mode='lsgan', weight=2.0),  # eq. 12
        per=dict(  # eq. 13
            type='PerceptualLoss',
            layers=('relu1_1', 'relu2_1', 'relu3_1', 'relu4_1', 'relu5_1'),
            weight=0.5,
        ),
        sty=dict(  # eq. 14
            type='StyleLoss',
            layers=('relu2_2', 'relu3_4', 'relu4_4', 'relu5_2'),
            weight=500.0,
        ),
    ),
)

# The paper's optimiser; it names no number of iterations.
stages = [
    dict(
        name='flow',  # the part flow nets alone, eq. 9 unweighted
        model=dict(train_stage='flow', losses=dict(sam=dict(weight=1.0))),
        train_cfg=dict(max_iters=200_000, val_interval=10_000),
        optim_wrapper=dict(
            constructor='MultiOptimWrapperConstructor',
            generator=dict(
                type='OptimWrapper',
                optimizer=dict(type='Adam', lr=1e-3, betas=(0.0, 0.99)),
            ),
        ),
    ),
    dict(
        name='full',  # everything, eq. 10
        model=dict(train_stage='full'),
        train_cfg=dict(max_iters=400_000, val_interval=10_000),
        optim_wrapper=dict(
            constructor='MultiOptimWrapperConstructor',
            generator=dict(
                type='OptimWrapper',
                optimizer=dict(type='Adam', lr=1e-3, betas=(0.0, 0.99)),
            ),
            discriminator=dict(
                type='OptimWrapper',
                optimizer=dict(type='Adam', lr=1e-3, betas=(0.0, 0.99)),
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
