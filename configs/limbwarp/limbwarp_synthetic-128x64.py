"""limbwarp on synthetic people, small enough for one CPU core.

Planned for an hour on one core (``OMP_NUM_THREADS=1``), on 1,500 people
(``make_synthetic.py --train-people 1500``); it trains on the 500 of the standard set as
well, whose test people are the same. The feature net is EfficientNet-Lite0, whose
weights come inside a package, so nothing is downloaded. There are no discriminators:
the pixels come from the photo.
"""

_base_ = ['../_base_/runtime.py', '../_base_/datasets/synthetic-128x64.py']

model = dict(
    type='LimbWarp',
    data_preprocessor=dict(type='PosePairPreprocessor'),
    generator=dict(
        type='LimbWarpGenerator',
        # Joints in OpenPose order. Neck and hips belong to two parts each.
        parts=dict(
            head=(0, 1, 14, 15, 16, 17),
            torso=(1, 2, 3, 4, 5, 6, 7, 8, 11),
            leg=(8, 9, 10, 11, 12, 13),
        ),
        network_level=0,
        heatmap_sigma=4.0,
        flow=dict(type='LimbFlowNet', channels=(32, 64, 96, 128, 128), norm='group'),
        image_encoder=dict(type='SourceEncoder', channels=(32, 64)),
        warp=dict(type='BilinearWarp'),  # eq. 2
        # In place of eq. 3: the painter sees the garment where it is hidden, too.
        selection=dict(type='VisibilityConcat'),
        hdc=dict(  # eq. 5
            type='HybridDilatedBlock', dilations=(1, 2), norm=None, init_gain=1.0
        ),
        fusion=dict(  # eq. 6
            type='ConcatFusion',
            out_channels=96,
            num_blocks=2,
            norm='group',
            init_gain=1.0,
        ),
        pnb=dict(type='PyramidNonLocalBlock', sizes=(4, 6)),  # eq. 7
        composer=dict(  # in place of eq. 8
            type='CandidateComposer',
            channels=48,
            full_channels=24,
            num_blocks=2,
            norm='group',
        ),
    ),
    feature_net=dict(type='EfficientNetLite0Features', weights='package'),
    losses=dict(
        rec=dict(type='L1Loss', weight=10.0),  # eq. 11
        per=dict(  # eq. 13
            type='PerceptualLoss',
            layers=('expand1', 'expand3', 'expand5', 'expand11'),
            weight=2.0,
        ),
        ssim=dict(type='SSIMLoss', weight=2.0),
        paint=dict(type='L1Loss', weight=4.0),
        flow=dict(type='FlowTruthLoss', weight=2.0),
        visibility=dict(type='VisibilityTruthLoss', weight=0.5),
        parsing=dict(type='ParsingTruthLoss', weight=1.0),
        choice=dict(type='ChoiceTruthLoss', weight=0.5),
        # eq. 9, in place of the four above where a set has no truth
        sam=dict(
            type='SamplingCorrectnessLoss',
            layers={1: ('block2', 'block4')},
            weight=5.0,
            reduction='sample',
        ),
    ),
)

_pipeline = [
    dict(type='LoadPairImages'),
    dict(type='LoadTruth'),
    dict(type='ResizePair'),
    dict(type='FlipPair'),
    dict(type='PackPair'),
]
train_dataloader = dict(
    dataset=dict(truth_dir='truth/train', pipeline=_pipeline), num_workers=1
)

_adam = dict(type='Adam', lr=8e-4, betas=(0.5, 0.99), fused=True)
_wrapper = dict(
    constructor='MultiOptimWrapperConstructor',
    generator=dict(
        type='AmpOptimWrapper',
        dtype='bfloat16',
        optimizer=_adam,
        clip_grad=dict(max_norm=5.0),
    ),
)

stages = [
    dict(
        name='flow',  # the flow net alone, from the truth
        model=dict(
            train_stage='flow',
            losses=dict(flow=dict(weight=1.0), parsing=dict(weight=5.0)),
        ),
        train_cfg=dict(max_iters=1400, val_interval=1400),
        train_dataloader=dict(batch_size=16),
        optim_wrapper=_wrapper,
        param_scheduler=dict(
            generator=[
                dict(type='CosineAnnealingLR', eta_min=5e-5, by_epoch=False, T_max=1400)
            ]
        ),
    ),
    dict(
        name='full',
        model=dict(train_stage='full'),
        train_cfg=dict(max_iters=3900, val_interval=1300),
        train_dataloader=dict(batch_size=8),
        optim_wrapper=_wrapper,
        param_scheduler=dict(
            generator=[
                dict(type='CosineAnnealingLR', eta_min=1e-5, by_epoch=False, T_max=3900)
            ]
        ),
        custom_hooks=[dict(type='GeneratorEMAHook', decay=0.998)],
    ),
]

val_evaluator = [
    dict(type='SSIM'),
    dict(type='PSNR'),
    dict(type='L1'),
    dict(type='STLPIPS'),
    dict(type='HueCorrelation'),
    dict(type='FlowEndPointError'),
]
test_evaluator = val_evaluator
