"""GFLA: its size, its stages, and what may stand in it."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn

from posegen.engine.optim import MultiOptimWrapperConstructor
from posegen.models.gfla import GFLA
from posegen.models.ops import affine_regularization, limb_flow
from posegen.registry import MODELS
from tests.models.gfla.fixtures import discriminator_config, generator_config

SIZE = (64, 32)
LOSSES = dict(
    sam=dict(type='SamplingCorrectnessLoss', layers={2: ('block2',), 3: ('block4',)}),
    rec=dict(type='L1Loss'),
    adv=dict(type='GANLoss'),
    per=dict(type='PerceptualLoss', layers=('expand1', 'expand3')),
    sty=dict(type='StyleLoss', layers=('expand3',)),
)


def small(**changes) -> dict:
    return generator_config('fashion', base=4, flow=(4, 8)) | changes


def build(generator: dict | None = None, **changes) -> GFLA:
    torch.manual_seed(0)
    cfg = dict(
        type='GFLA',
        generator=generator or small(),
        discriminators=dict(image=dict(net=discriminator_config('market', 4, 8))),
        feature_net=dict(type='EfficientNetLite0Features', weights='random'),
        losses=deepcopy(LOSSES),
    )
    return MODELS.build(cfg | changes)


def batch(count: int = 2) -> dict:
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (2, count, 3, *SIZE), generator=generator).byte()
    points = torch.rand(2, count, 18, 3, generator=generator) * torch.tensor(
        [SIZE[1] - 1, SIZE[0] - 1, 1.0]
    )
    points[..., 2] = 1
    return dict(
        source_image=images[0],
        target_image=images[1],
        source_keypoints=points[0],
        target_keypoints=points[1],
        source_name=[f's{i}.jpg' for i in range(count)],
        target_name=[f't{i}.jpg' for i in range(count)],
    )


def optimisers(model: GFLA, *names: str) -> dict:
    wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-3))
    return MultiOptimWrapperConstructor(dict.fromkeys(names, wrapper))(model)


def size_of(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def changed(model: nn.Module, before: dict) -> set[str]:
    return {k for k, v in model.state_dict().items() if not torch.equal(v, before[k])}


@pytest.mark.parametrize(
    ('data', 'parts', 'total', 'critic'),
    [
        ('fashion', (1_434_758, 6_004_425, 6_608_212), 14_047_395, 664_577),
        ('market', (1_434_758, 4_886_960, 6_604_753), 12_926_471, 238_209),
    ],
)
def test_has_as_many_parameters_as_published(
    data: str, parts: tuple[int, int, int], total: int, critic: int
) -> None:
    net = MODELS.build(generator_config(data))
    source, flow = size_of(net.image_encoder), size_of(net.flow_net)
    target = size_of(net.pose_encoder) + size_of(net.decoder) + size_of(net.warps)
    assert (source, target, flow) == parts
    assert size_of(net) == total
    assert size_of(MODELS.build(discriminator_config(data))) == critic


def test_stage_flow_trains_the_flow_net_alone() -> None:
    model = build(train_stage='flow')
    before = deepcopy(model.state_dict())
    logs = model.train_step(batch(), optimisers(model, 'generator'))
    assert set(logs) == {'loss_sam', 'sam_body'}
    moved = changed(model, before)
    assert moved
    assert all(key.startswith('generator.flow_net.') for key in moved)
    assert not any('visibility_heads' in key for key in moved)


def test_stage_full_trains_everything() -> None:
    model = build()
    wrappers = optimisers(model, 'generator', 'discriminator')
    before = deepcopy(model.state_dict())
    logs = [model.train_step(batch(), wrappers) for _ in range(2)][-1]
    terms = {'loss_sam', 'loss_rec', 'loss_adv', 'loss_per', 'loss_sty'}
    assert {key for key in logs if 'loss' in key} == terms | {'loss_d_image'}
    still = set(before) - changed(model, before)
    # A bias in front of an instance norm has no effect and moves by noise at most.
    assert not [key for key in still if key.endswith('weight')]


def test_the_regulariser_is_that_of_all_levels() -> None:
    with_it = deepcopy(LOSSES)
    with_it['sam'] |= dict(
        regularization_weight=2.0, regularization_kernel={2: 5, 3: 3}
    )
    sam = []
    for losses in (LOSSES, with_it):
        model = build(losses=losses, train_stage='flow')
        for head in model.generator.flow_net.flow_heads.values():
            nn.init.normal_(head.weight, generator=torch.Generator().manual_seed(0))
        data = model.data_preprocessor(batch(), training=True)
        out = model.run_generator(data)
        sam.append(model.generator_losses(data, out)[0]['loss_sam'])
    flows = {level: flow for level, (flow, _) in out['flows']['body'].items()}
    expected = 2.0 * (
        affine_regularization(flows[2], 5) + affine_regularization(flows[3], 3)
    )
    assert expected > 0.01
    torch.testing.assert_close(sam[1] - sam[0], expected, rtol=1e-3, atol=1e-4)


def test_starts_from_the_source_at_half_visibility() -> None:
    model = build(train_stage='flow').eval()
    sample = model.val_step(batch())[0]
    assert sample['flow']['body'].shape == (2, 16, 8)
    assert sample['flow']['body'].abs().max() < 0.1
    torch.testing.assert_close(
        sample['visibility']['body'], torch.full((1, 16, 8), 0.5), rtol=0, atol=0.01
    )
    difference = sample['image'].int() - sample['source_image'].int()
    assert difference.abs().float().mean() < 5


def test_starts_from_the_flow_of_the_limbs_with_a_prior() -> None:
    model = build(small(flow=small()['flow'] | dict(prior='limbs'))).eval()
    for head in model.generator.flow_net.flow_heads.values():
        nn.init.zeros_(head.weight)
    data = model.data_preprocessor(batch(), training=False)
    source, target = data['source_keypoints'], data['target_keypoints']
    flow = model.generate(data['source_image'], source, target)['flow']['body']
    scale = torch.tensor([0.25, 0.25, 1.0])
    shift = torch.tensor([-0.375, -0.375, 0.0])
    size = tuple(flow.shape[-2:])
    expected, _ = limb_flow(source * scale + shift, target * scale + shift, size)
    torch.testing.assert_close(flow, expected)


def test_predict_of_stage_full() -> None:
    sample = build().eval().val_step(batch())[1]
    assert sample['image'].dtype == torch.uint8
    assert sample['image'].shape == (3, *SIZE)
    assert sample['source_name'] == 's1.jpg'


@torch.no_grad()
def painted(net: nn.Module, visibility: float, image: Tensor, seed: int = 0) -> Tensor:
    """The image with flows and visibility of our choice."""
    generator = torch.Generator().manual_seed(seed)
    flows = {
        level: (
            torch.randn(1, 2, SIZE[0] >> level, SIZE[1] >> level, generator=generator),
            torch.full((1, 1, SIZE[0] >> level, SIZE[1] >> level), visibility),
        )
        for level in (3, 2)
    }
    pose = torch.rand(1, 18, *SIZE, generator=torch.Generator().manual_seed(5))
    return net.paint(image, pose, flows)


def test_visibility_lets_the_source_in() -> None:
    torch.manual_seed(0)
    net = MODELS.build(small()).eval()
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
    one, other = torch.rand(2, 1, 3, *SIZE) * 2 - 1
    torch.testing.assert_close(painted(net, 0.0, one), painted(net, 0.0, other))
    assert not torch.allclose(painted(net, 1.0, one), painted(net, 1.0, other))
    # Nor does the flow matter where nothing is visible.
    torch.testing.assert_close(painted(net, 0.0, one), painted(net, 0.0, one, seed=1))
    assert not torch.allclose(painted(net, 1.0, one), painted(net, 1.0, one, seed=1))


def test_every_trainable_parameter_gets_a_gradient() -> None:
    """As distributed training demands; the coarse level is judged, but not warped."""
    cfg = small(warp={2: dict(type='LocalAttentionWarp', kernel_size=3)})
    model = build(cfg)
    trained = {
        name: parameter.requires_grad
        for name, parameter in model.generator.flow_net.named_parameters()
        if 'heads' in name
    }
    assert not trained['visibility_heads.3.weight']
    assert trained['visibility_heads.2.weight'] and trained['flow_heads.3.weight']
    encoder = model.generator.image_encoder
    assert not any(p.requires_grad for p in encoder.blocks[2].parameters())
    assert all(p.requires_grad for p in encoder.blocks[:2].parameters())
    data = model.data_preprocessor(batch(), training=True)
    losses, _ = model.generator_losses(data, model.run_generator(data))
    sum(losses.values()).backward()
    assert not [
        name
        for name, parameter in model.generator.named_parameters()
        if parameter.requires_grad and parameter.grad is None
    ]


def test_levels_may_be_text_as_from_the_command_line() -> None:
    cfg = small()
    cfg['warp'] = {str(level): entry for level, entry in cfg['warp'].items()}
    assert MODELS.build(cfg).state_dict().keys() == (
        MODELS.build(small()).state_dict().keys()
    )


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(warp={}), 'warp must name at least one level, got none'),
        (
            dict(warp={1: dict(type='BilinearWarp')}),
            r'flow must predict at level=1.* its levels are \(3, 2\)',
        ),
        (
            dict(image_encoder=dict(type='FeatureEncoder', level=3, base_channels=6)),
            'same number of channels at level .* got 12 and 8',
        ),
        (
            dict(image_encoder=dict(type='FeatureEncoder', level=2, base_channels=4)),
            'same number of channels at level 3, .* got None and 16',
        ),
    ],
)
def test_impossible_generators_are_named(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MODELS.build(small(**changes))
