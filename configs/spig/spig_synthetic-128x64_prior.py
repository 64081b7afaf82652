"""SPIG at small width on synthetic people: of all options the prior of the flow alone.

Dilated block, fusion and decoder have their instance norms, the dilated block its order
of the paper's settings; there is no linear path, and losses weigh about as there.
Whether the prior helps the paper's method is one line to ask:
``--cfg-options model.generator.flow.prior=None`` trains without it.
"""

_base_ = ['../_base_/runtime.py', '../_base_/datasets/synthetic-128x64.py']

model = dict(
    type='SPIG',
    data_preprocessor=dict(type='PosePairPreprocessor'),
    generator=dict(
        type='SPIGGenerator',
        # Joints in OpenPose order. Neck and hips belong to two parts each.
        parts=dict(
            head=(0, 1, 14, 15, 16, 17),
            torso=(1, 2, 3, 4, 5, 6, 7, 8, 11),
            leg=(8, 9, 10, 11, 12, 13),
        ),
        level=2,  # features of 1/4 of the resolution are warped
        heatmap_sigma=6.0,
        crop=True,
        crop_margin=0.1,  # of the height, around the joints of a part
        flow=dict(  # eq. 1, one net a part
            type='PoseFlowNet',
            levels=(2, 3),
            base_channels=16,
            max_channels=128,
            num_downs=5,
            prior='limbs',  # the net predicts what the flow of the limbs lacks
        ),
        # A part has gray around it: instance norm would take its colors' strength.
        # Weights start larger than GFLA's gain of 0.02 has them, to save first steps.
        image_encoder=dict(
            type='FeatureEncoder',
            level=2,
            base_channels=24,
            norm='layer',
            init_gain=0.2,
        ),
        pose_encoder=dict(
            type='FeatureEncoder', level=2, base_channels=24, init_gain=0.2
        ),
        global_pose_encoder=dict(
            type='FeatureEncoder', level=2, base_channels=24, init_gain=0.2
        ),
        warp=dict(type='BilinearWarp'),  # eq. 2
        selection=dict(type='VisibilitySelection'),  # eq. 3
        hdc=dict(  # eq. 5
            type='HybridDilatedBlock', dilations=(1, 2), init_gain=0.2
        ),
        fusion=dict(type='ConcatFusion', num_blocks=2, init_gain=0.2),  # eq. 6
        pnb=dict(type='PyramidNonLocalBlock', sizes=(4, 6)),  # eq. 7
        decoder=dict(  # eq. 8
            type='ResidualDecoder', level=2, min_channels=24, init_gain=0.2
        ),
    ),
    mask_radius=1 / 16,  # of the height: how far from its limbs L_sam sees a part
    discriminators=dict(
        image=dict(
            net=dict(type='ResDiscriminator', base_channels=16, num_downs=3),
            condition=(),
        ),
    ),
    feature_net=dict(type='EfficientNetLite0Features', weights='package'),
    losses=dict(  # eq. 10
        sam=dict(  # eq. 9; the coarse level leads the fine one over long ways
            type='SamplingCorrectnessLoss',
            layers={2: ('block2', 'block4'), 3: ('block4', 'block10')},
            weight=5.0,
            reduction='sample',  # small parts weigh as much as large ones
            regularization_weight=0.015,
        ),
        rec=dict(type='L1Loss', weight=5.0),  # eq. 11
        adv=dict(type='GANLoss', mode='lsgan', weight=0.2),  # eq. 12
        per=dict(  # eq. 13
            type='PerceptualLoss',
            layers=('expand1', 'expand3', 'expand5', 'expand11'),
            weight=2.0,
        ),
        sty=dict(  # eq. 14
            type='StyleLoss', layers=('expand1', 'expand3', 'expand5'), weight=500.0
        ),
    ),
)

stages = [
    dict(
        name='flow',  # the part flow nets alone, eq. 9 unweighted
        model=dict(
            train_stage='flow',
            losses=dict(sam=dict(weight=1.0, regularization_weight=0.003)),
        ),
        train_cfg=dict(max_iters=1000, val_interval=500),
        train_dataloader=dict(batch_size=16),
        optim_wrapper=dict(
            constructor='MultiOptimWrapperConstructor',
            # Momentum brings the flow in a third of the steps that the paper's beta1
            # of 0 needs; no adversary is there yet that could mind it.
            generator=dict(
                type='OptimWrapper',
                optimizer=dict(type='Adam', lr=1e-3, betas=(0.9, 0.99)),
            ),
        ),
    ),
    dict(
        name='full',  # everything, eq. 10
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
