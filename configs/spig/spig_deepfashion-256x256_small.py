"""The paper's model at small width on DeepFashion, for a look on a CPU.

The feature net is EfficientNet-Lite0, whose weights come inside a package, so nothing
is downloaded. A few hundred iterations show the path through both stages; they do not
make good pictures.
"""

_base_ = ['../_base_/runtime.py', '../_base_/datasets/deepfashion-256x256.py']

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
        # A part has gray around it: instance norm would take its colors' strength. They
        # have a linear path to the decoder's tanh, where no norm is on their way.
        image_encoder=dict(
            type='FeatureEncoder',
            level=2,
            base_channels=24,
            norm='layer',
            init_gain=1.0,
            linear_levels=(2,),
        ),
        pose_encoder=dict(
            type='FeatureEncoder', level=2, base_channels=24, init_gain=1.0
        ),
        global_pose_encoder=dict(
            type='FeatureEncoder', level=2, base_channels=24, init_gain=1.0
        ),
        warp=dict(type='BilinearWarp'),  # eq. 2
        selection=dict(type='VisibilitySelection'),  # eq. 3
        hdc=dict(  # eq. 5
            type='HybridDilatedBlock',
            dilations=(1, 2),
            norm=None,
            pre_activation=True,
            init_gain=1.0,
        ),
        fusion=dict(  # eq. 6
            type='ConcatFusion', num_blocks=2, norm=None, init_gain=1.0
        ),
        pnb=dict(type='PyramidNonLocalBlock', sizes=(4, 6)),  # eq. 7
        decoder=dict(  # eq. 8
            type='ResidualDecoder',
            level=2,
            min_channels=24,
            norm=None,
            init_gain=1.0,
            linear_levels=(2,),
        ),
    ),
    mask_radius=1 / 16,  # of the height: how far from its limbs L_sam sees a part
    discriminators=dict(
        image=dict(
            net=dict(type='ResDiscriminator', base_channels=16, num_downs=4),
            condition=(),
        ),
    ),
    feature_net=dict(type='EfficientNetLite0Features', weights='package'),
    # Weighed by each term's share in the gradient at the image, which on synthetic
    # people, says tools/analysis/gradient_shares.py, is at the start: rec 36, adv 8,
    # per 38, sty 19 percent; after 100 steps 22, 6, 54 and 18. With 5, 0.2, 2 and 500
    # it was 1, 0, 51 and 48 at the start.
    losses=dict(  # eq. 10
        sam=dict(  # eq. 9; the coarse level leads the fine one over long ways
            type='SamplingCorrectnessLoss',
            layers={2: ('block2', 'block4'), 3: ('block4', 'block10')},
            weight=5.0,
            reduction='sample',  # small parts weigh as much as large ones
            regularization_weight=0.015,
        ),
        rec=dict(type='L1Loss', weight=25.0),  # eq. 11
        adv=dict(type='GANLoss', mode='lsgan', weight=5.0),  # eq. 12
        per=dict(  # eq. 13
            type='PerceptualLoss',
            layers=('expand1', 'expand3', 'expand5', 'expand11'),
            weight=0.8,
        ),
        sty=dict(  # eq. 14
            type='StyleLoss', layers=('expand1', 'expand3', 'expand5'), weight=60.0
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
        train_cfg=dict(max_iters=300, val_interval=300),
        train_dataloader=dict(batch_size=8),
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
        train_cfg=dict(max_iters=500, val_interval=250),
        train_dataloader=dict(batch_size=4),
        optim_wrapper=dict(
            constructor='MultiOptimWrapperConstructor',
            # Not the paper's Adam(0.0, 0.99), 1e-3, for batches of 8 or 6: of 4 samples
            # the gradient is noisier. Half the rate and a momentum over some two
            # batches stand in for the samples that are not there.
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
    dict(type='FrechetEfficientNetLite0'),
]
test_evaluator = val_evaluator
