"""Components of different methods fit each other: mixed configs train a step.

A row of the table is a shipped config and what a user would change in it.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from posegen.engine.config import check_config, load_config, merge_stage, stage_entries
from posegen.engine.optim import MultiOptimWrapperConstructor
from posegen.registry import MODELS
from posegen.utils.paths import configs_root
from tests.configs.test_configs import batch_of_one

SIZE = (128, 64)
SPIG = 'spig/spig_synthetic-128x64_tiny'
GFLA = 'gfla/gfla_synthetic-128x64_tiny'
PATN = 'patn/patn_synthetic-128x64_tiny'
DEF_GAN = 'def_gan/def_gan_synthetic-128x64_tiny'
VUNET = 'vunet/vunet_synthetic-128x64_tiny'


@dataclass(frozen=True)
class Mix:
    """A mixed config.

    Attributes:
        name: What is mixed.
        base: Shipped config, below ``configs/``.
        model: Changes to its model, merged deeply.
        optimizers: Name of an optimizer -> the one of the last stage that it is like;
            None keeps those of the config.
        parts: Dotted place in the model -> class that must be found there.
    """

    name: str
    base: str
    model: dict
    parts: dict[str, str]
    optimizers: dict[str, str] | None = field(default=None)


def res_discriminator(**changes) -> dict:
    net = dict(type='ResDiscriminator', base_channels=4, num_downs=3)
    return dict(dict(net=net), **changes)


def patn_discriminator(*condition: str) -> dict:
    net = dict(type='PATNDiscriminator', base_channels=4, num_blocks=1)
    return dict(net=net, condition=condition)


LOCAL_ATTENTION = dict(type='LocalAttentionWarp', kernel_size=3, hidden_channels=8)


def model_of(base: str) -> dict:
    return load_config(configs_root() / f'{base}.py').model.to_dict()


MIXES = [
    Mix(
        'SPIG with the local attention of GFLA',
        SPIG,
        dict(generator=dict(warp=dict(LOCAL_ATTENTION, _delete_=True))),
        {'generator.warps.leg': 'LocalAttentionWarp'},
    ),
    Mix(
        'SPIG at two levels with the flow net and the local attention of GFLA',
        SPIG,
        dict(
            generator=dict(
                level=3,
                fine_levels=(2,),
                flow=dict(use_image=True),
                image_encoder=dict(level=3),
                pose_encoder=dict(level=3),
                global_pose_encoder=dict(level=3),
                warp=dict(LOCAL_ATTENTION, _delete_=True),
                decoder=dict(level=3),
            )
        ),
        {
            'generator.warps.leg': 'LocalAttentionWarp',
            'generator.fine.2.warps.leg': 'LocalAttentionWarp',
            'generator.flow_nets.leg': 'PoseFlowNet',
        },
    ),
    Mix(
        'SPIG with non-local blocks in the place of dilated ones',
        SPIG,
        dict(
            generator=dict(
                hdc=dict(_delete_=True, type='PyramidNonLocalBlock', sizes=(3,)),
                pnb=dict(_delete_=True, type='HybridDilatedBlock'),
            )
        ),
        {
            'generator.hdcs.head': 'PyramidNonLocalBlock',
            'generator.pnb': 'HybridDilatedBlock',
        },
    ),
    Mix(
        'GFLA with the hybrid dilated block of SPIG',
        GFLA,
        dict(generator=dict(hdc=dict(type='HybridDilatedBlock', dilations=(1, 2)))),
        {
            'generator.hdcs.2': 'HybridDilatedBlock',
            'generator.hdcs.3': 'HybridDilatedBlock',
        },
    ),
    Mix(
        'GFLA with bilinear warps at one level and a pyramid non-local block',
        GFLA,
        dict(
            generator=dict(
                warp={'_delete_': True, 2: dict(type='BilinearWarp')},
                hdc=dict(type='PyramidNonLocalBlock'),
            )
        ),
        {
            'generator.warps.2': 'BilinearWarp',
            'generator.hdcs.2': 'PyramidNonLocalBlock',
        },
    ),
    Mix(
        'GFLA against the two discriminators of PATN',
        GFLA,
        dict(
            discriminators=dict(
                _delete_=True,
                pp=patn_discriminator('source_image'),
                pb=patn_discriminator('target_pose'),
            )
        ),
        {'discriminators.nets.pp': 'PATNDiscriminator'},
    ),
    Mix(
        'the generator of SPIG in the training step of GFLA',
        GFLA,
        dict(generator=dict(model_of(SPIG)['generator'], _delete_=True)),
        {'': 'GFLA', 'generator': 'SPIGGenerator'},
    ),
    Mix(
        'the generator of GFLA in the training step of PATN',
        PATN,
        dict(generator=dict(model_of(GFLA)['generator'], _delete_=True)),
        {'': 'PATN', 'generator': 'GFLAGenerator'},
    ),
    Mix(
        'PATN against the discriminator of SPIG',
        PATN,
        dict(discriminators=dict(_delete_=True, image=res_discriminator())),
        {'discriminators.nets.image': 'ResDiscriminator'},
        dict(generator='generator', discriminator='discriminator_pp'),
    ),
    Mix(
        'PATN against two discriminators of SPIG with conditions',
        PATN,
        dict(
            discriminators=dict(
                pp=res_discriminator(_delete_=True, condition=('source_image',)),
                pb=res_discriminator(_delete_=True, condition=('target_pose',)),
            )
        ),
        {
            'discriminators.nets.pp': 'ResDiscriminator',
            'discriminators.nets.pb': 'ResDiscriminator',
        },
    ),
    Mix(
        'PATN with five blocks and instance norm',
        PATN,
        dict(generator=dict(num_blocks=5, norm='instance')),
        {'generator.blocks.4': 'PoseAttentionalBlock'},
    ),
    Mix(
        'PATN with features of VGG19 and a style loss',
        PATN,
        dict(
            feature_net=dict(_delete_=True, type='VGG19Features', weights='random'),
            losses=dict(
                per=dict(layers=('relu1_2',)),
                sty=dict(type='StyleLoss', layers=('relu1_2',), weight=1.0),
            ),
        ),
        {'feature_net': 'VGG19Features', 'losses.sty': 'StyleLoss'},
    ),
    Mix(
        'the generator of SPIG in the training step of PATN',
        PATN,
        dict(generator=dict(model_of(SPIG)['generator'], _delete_=True)),
        {'generator': 'SPIGGenerator', 'discriminators.nets.pb': 'PATNDiscriminator'},
    ),
    Mix(
        'SPIG against the two discriminators of PATN',
        SPIG,
        dict(
            discriminators=dict(
                _delete_=True,
                pp=patn_discriminator('source_image'),
                pb=patn_discriminator('target_pose'),
            )
        ),
        {'discriminators.nets.pb': 'PATNDiscriminator'},
    ),
    Mix(
        'Def-GAN against the discriminator of SPIG',
        DEF_GAN,
        dict(discriminators=dict(_delete_=True, image=res_discriminator())),
        {'discriminators.nets.image': 'ResDiscriminator'},
    ),
    Mix(
        'Def-GAN with bilinear warps by least squares and the losses of SPIG',
        DEF_GAN,
        dict(
            generator=dict(warp=dict(interpolation='bilinear', fit='least_squares')),
            losses=dict(
                _delete_=True,
                adv=dict(type='GANLoss', mode='lsgan', weight=0.2),
                rec=dict(type='L1Loss', weight=5.0),
                per=dict(type='PerceptualLoss', layers=('expand1',), weight=2.0),
                sty=dict(type='StyleLoss', layers=('expand1',), weight=500.0),
            ),
        ),
        {'generator.warp': 'PartAffineWarp', 'losses.sty': 'StyleLoss'},
    ),
    Mix(
        'the generator of Def-GAN in the training step of PATN',
        PATN,
        dict(generator=dict(model_of(DEF_GAN)['generator'], _delete_=True)),
        {'generator': 'DefGANGenerator', 'discriminators.nets.pb': 'PATNDiscriminator'},
    ),
    Mix(
        'PATN with the nearest-neighbour loss of Def-GAN',
        PATN,
        dict(
            losses=dict(per=dict(_delete_=True, **model_of(DEF_GAN)['losses']['per']))
        ),
        {'losses.per': 'NearestNeighbourLoss'},
    ),
    Mix(
        'VU-Net against the discriminator of SPIG',
        VUNET,
        dict(
            discriminators=dict(image=res_discriminator()),
            losses=dict(adv=dict(type='GANLoss', weight=0.2)),
        ),
        {
            'generator': 'VUNetGenerator',
            'discriminators.nets.image': 'ResDiscriminator',
        },
        dict(generator='generator', discriminator='generator'),
    ),
    Mix(
        'VU-Net against a discriminator of PATN, with VGG19 and a style loss',
        VUNET,
        dict(
            discriminators=dict(pb=patn_discriminator('target_pose')),
            feature_net=dict(_delete_=True, type='VGG19Features', weights='random'),
            losses=dict(
                adv=dict(type='GANLoss', weight=0.2),
                per=dict(layers=('relu1_2', 'relu2_2')),
                sty=dict(type='StyleLoss', layers=('relu1_2',), weight=1.0),
            ),
        ),
        {
            'discriminators.nets.pb': 'PATNDiscriminator',
            'feature_net': 'VGG19Features',
            'losses.kl': 'LatentKLLoss',
        },
        dict(generator='generator', discriminator='generator'),
    ),
]


def mixed_config(mix: Mix) -> Config:
    """The last stage of the mixed config, checked as ``posegen train`` does."""
    cfg = load_config(configs_root() / f'{mix.base}.py')
    cfg.merge_from_dict(dict(model=deepcopy(mix.model)))
    if mix.optimizers is not None:
        wrapper = cfg.stages[-1].optim_wrapper
        new = {name: deepcopy(wrapper[like]) for name, like in mix.optimizers.items()}
        cfg.stages[-1].optim_wrapper = dict(constructor=wrapper.constructor, **new)
    check_config(cfg)
    return merge_stage(cfg, stage_entries(cfg)[-1])


@pytest.mark.parametrize('mix', MIXES, ids=lambda mix: mix.name.replace(' ', '-'))
def test_trains_a_step_and_generates(mix: Mix) -> None:
    DefaultScope.overwrite_default_scope('posegen').__enter__()
    cfg = mixed_config(mix)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    found = {place: type(model.get_submodule(place)).__name__ for place in mix.parts}
    assert found == mix.parts
    wrappers = dict(cfg.optim_wrapper)
    wrappers.pop('constructor')
    before = {k: v.clone() for k, v in model.state_dict().items()}
    logs = model.train_step(
        batch_of_one(SIZE), MultiOptimWrapperConstructor(wrappers)(model)
    )
    losses = {key: value for key, value in logs.items() if key.startswith('loss')}
    assert all(torch.as_tensor(value).isfinite().all() for value in losses.values())
    after = model.state_dict()
    moved = {key.split('.')[0] for key in before if not before[key].equal(after[key])}
    assert moved >= {'generator', 'discriminators'}
    sample = model.eval().val_step(batch_of_one(SIZE))[0]
    assert sample['image'].shape == (3, *SIZE)


def test_no_mix_is_there_twice() -> None:
    assert len({mix.name for mix in MIXES}) == len(MIXES) >= 6
