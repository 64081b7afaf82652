"""``limbwarp_synthetic-256x192.py``, shortened to five minutes on two CPU cores.

So few iterations leave nothing to average: the weights are those of the last one.
"""

_base_ = ['./limbwarp_synthetic-256x192.py']

_half = dict(dataset=dict(image_size=(128, 96)))
_level1 = dict(sam=dict(layers=dict(_delete_=True, **{'1': ('block2', 'block4')})))
_wrapper = dict(
    constructor='MultiOptimWrapperConstructor',
    generator=dict(
        type='AmpOptimWrapper',
        dtype='bfloat16',
        optimizer=dict(type='Adam', lr=8e-4, betas=(0.5, 0.99), fused=True),
        clip_grad=dict(max_norm=5.0),
    ),
)

stages = [
    dict(
        name='flow',
        model=dict(
            train_stage='flow',
            generator=dict(network_level=0),
            losses=dict(flow=dict(weight=1.0), parsing=dict(weight=5.0), **_level1),
        ),
        train_cfg=dict(max_iters=150, val_interval=150),
        param_scheduler=dict(
            generator=[
                dict(type='CosineAnnealingLR', eta_min=5e-5, by_epoch=False, T_max=150)
            ]
        ),
        train_dataloader=dict(batch_size=16, **_half),
        val_dataloader=_half,
        optim_wrapper=_wrapper,
    ),
    dict(
        name='full',
        model=dict(train_stage='full', generator=dict(network_level=0), losses=_level1),
        train_cfg=dict(max_iters=250, val_interval=250),
        param_scheduler=dict(
            generator=[
                dict(type='CosineAnnealingLR', eta_min=5e-5, by_epoch=False, T_max=250)
            ]
        ),
        train_dataloader=dict(batch_size=8, **_half),
        val_dataloader=_half,
        optim_wrapper=_wrapper,
    ),
    dict(
        name='fine',
        model=dict(train_stage='full'),
        train_cfg=dict(max_iters=20, val_interval=20),
        param_scheduler=dict(
            generator=[
                dict(type='CosineAnnealingLR', eta_min=5e-5, by_epoch=False, T_max=20)
            ]
        ),
        train_dataloader=dict(batch_size=4),
        optim_wrapper=_wrapper,
    ),
]
