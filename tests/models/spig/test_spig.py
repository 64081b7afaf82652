"""The paper's model: equations 1 to 10 put together, its stages and ablations."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import nn

from posegen.models.layers import BilinearWarp, VisibilitySelection
from posegen.models.ops import limb_flow
from posegen.models.spig import SPIG, ConcatFusion
from posegen.registry import MODELS

SIZE = (64, 32)
ENCODER = dict(type='FeatureEncoder', base_channels=4)
GENERATOR = dict(
    type='SPIGGenerator',
    parts=dict(
        head=(0, 1, 14, 15, 16, 17),
        torso=(1, 2, 3, 4, 5, 6, 7, 8, 11),
        leg=(8, 9, 10, 11, 12, 13),
    ),
    flow=dict(type='PoseFlowNet', base_channels=4, max_channels=8, num_downs=4),
    image_encoder=ENCODER,
    pose_encoder=ENCODER,
    global_pose_encoder=ENCODER,
    warp=dict(type='BilinearWarp'),
    selection=dict(type='VisibilitySelection'),
    hdc=dict(type='HybridDilatedBlock'),
    fusion=dict(type='ConcatFusion', num_blocks=1),
    pnb=dict(type='PyramidNonLocalBlock'),
    decoder=dict(type='ResidualDecoder', min_channels=4),
)
TWO_LEVELS = dict(
    level=3,
    fine_levels=(2,),
    flow=GENERATOR['flow'] | dict(levels=(2, 3)),
    image_encoder=ENCODER | dict(level=3),
    pose_encoder=ENCODER | dict(level=3),
    global_pose_encoder=ENCODER | dict(level=3),
    decoder=GENERATOR['decoder'] | dict(level=3),
)
MODEL = dict(
    type='SPIG',
    generator=GENERATOR,
    discriminators=dict(
        image=dict(net=dict(type='ResDiscriminator', base_channels=4, num_downs=2))
    ),
    feature_net=dict(type='EfficientNetLite0Features', weights='random'),
    losses=dict(
        sam=dict(type='SamplingCorrectnessLoss', layers={2: ('block2',)}),
        rec=dict(type='L1Loss'),
        adv=dict(type='GANLoss'),
        per=dict(type='PerceptualLoss', layers=('expand1', 'expand3')),
        sty=dict(type='StyleLoss', layers=('expand3',)),
    ),
)


def build(generator: dict | None = None, **changes) -> SPIG:
    torch.manual_seed(0)
    cfg = deepcopy(MODEL)
    cfg['generator'].update(generator or {})
    cfg.update(changes)
    return MODELS.build(cfg)


def keypoints(batch: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    scale = torch.tensor([SIZE[1] - 1, SIZE[0] - 1], dtype=torch.float32)
    points = torch.rand(batch, 18, 2, generator=generator) * scale
    return torch.cat([points, torch.ones(batch, 18, 1)], dim=-1)


def batch(count: int = 2) -> dict:
    generator = torch.Generator().manual_seed(1)
    image = torch.randint(0, 256, (2, count, 3, *SIZE), generator=generator)
    return dict(
        source_image=image[0].byte(),
        target_image=image[1].byte(),
        source_keypoints=keypoints(count, 2),
        target_keypoints=keypoints(count, 3),
        source_name=[f's{i}.jpg' for i in range(count)],
        target_name=[f't{i}.jpg' for i in range(count)],
    )


def wrappers(model: SPIG) -> OptimWrapperDict:
    groups = dict(generator=model.generator)
    if model.trains_discriminators:
        groups['discriminator'] = model.discriminators
    return OptimWrapperDict(
        **{
            name: OptimWrapper(
                torch.optim.Adam(
                    [p for p in net.parameters() if p.requires_grad], lr=1e-3
                )
            )
            for name, net in groups.items()
        }
    )


def changed(model: nn.Module, before: dict) -> set[str]:
    return {k for k, v in model.state_dict().items() if not torch.equal(v, before[k])}


def test_stage_flow_trains_the_flow_nets_alone() -> None:
    model = build(train_stage='flow')
    before = deepcopy(model.state_dict())
    logs = model.train_step(batch(), wrappers(model))
    assert set(logs) == {'loss_sam', 'sam_head', 'sam_torso', 'sam_leg'}
    moved = changed(model, before)
    assert moved
    assert all(key.startswith('generator.flow_nets.') for key in moved)
    assert not any('visibility_heads' in key for key in moved)


def test_stage_full_trains_everything_with_eq_10() -> None:
    model = build()
    optimisers = wrappers(model)
    before = deepcopy(model.state_dict())
    logs = [model.train_step(batch(), optimisers) for _ in range(2)][-1]
    terms = {'loss_sam', 'loss_rec', 'loss_adv', 'loss_per', 'loss_sty'}
    assert {key for key in logs if 'loss' in key} == terms | {'loss_d_image'}
    frozen = set(before) - changed(model, before)
    # A bias in front of an instance norm has no effect and moves by noise at most.
    assert not [key for key in frozen if key.endswith('weight') and 'norm' not in key]
    assert any(key.startswith('discriminators.') for key in changed(model, before))


def test_feature_net_is_not_part_of_the_weights() -> None:
    assert not [key for key in build().state_dict() if key.startswith('feature_net')]


def test_weights_pass_from_stage_to_stage_strictly() -> None:
    flow, full = build(train_stage='flow'), build()
    full.load_state_dict(flow.state_dict(), strict=True)
    assert not changed(full, flow.state_dict())


@pytest.mark.parametrize(
    'generator',
    [
        dict(hdc=None),
        dict(pnb=None),
        dict(parts=dict(body=tuple(range(18))), crop=False),
    ],
    ids=['wo-hdcb', 'wo-pnb', 'wo-part'],
)
def test_ablations_step(generator: dict) -> None:
    ablated = build(generator)
    logs = ablated.train_step(batch(), wrappers(ablated))
    assert all(torch.as_tensor(value).isfinite().all() for value in logs.values())
    assert len(ablated.state_dict()) < len(build().state_dict())


def test_masks_are_shifted_to_where_the_feature_net_looks() -> None:
    model, without = build(), build(mask_radius=None)
    data = model.data_preprocessor(batch(), training=True)
    out = model.run_generator(data)
    feats = model.target_features(data)
    found, _ = model.correctness(data, out, feats)
    assert without.loss_masks(data) is None
    model.feature_net.offsets = {}
    unshifted, _ = model.correctness(data, out, feats)
    assert found.isfinite() and not torch.allclose(found, unshifted)


def test_predict_gives_one_plain_dict_a_sample() -> None:
    model = build().eval()
    samples = model.val_step(batch())
    assert len(samples) == 2
    sample = samples[1]
    assert sample['image'].dtype == torch.uint8
    assert sample['image'].shape == (3, *SIZE)
    assert sample['source_name'] == 's1.jpg'
    assert torch.equal(sample['target_image'], batch()['target_image'][1])
    assert {k: tuple(v.shape) for k, v in sample['flow'].items()} == dict.fromkeys(
        GENERATOR['parts'], (2, 16, 8)
    )
    assert sample['visibility']['head'].shape == (1, 16, 8)


def test_truth_is_renamed_so_that_it_does_not_hide_the_prediction() -> None:
    data = batch() | dict(
        flow=torch.zeros(2, 2, *SIZE),
        visibility=torch.ones(2, *SIZE, dtype=torch.bool),
        part_labels=torch.zeros(2, *SIZE, dtype=torch.uint8),
    )
    sample = build().eval().val_step(data)[0]
    assert sample['flow_truth'].shape == (2, *SIZE)
    assert sample['visibility_truth'].dtype == torch.bool
    assert isinstance(sample['flow'], dict)


def test_stage_flow_predicts_the_warped_source() -> None:
    model = build(train_stage='flow').eval()
    data = batch() | dict(target_keypoints=batch()['source_keypoints'])
    sample = model.val_step(data)[0]
    # The untrained flow is the identity: inside the parts the source shows.
    regions = model.part_regions(data['target_keypoints'][:1], SIZE)
    inside = torch.stack(list(regions.values())).amax(0)[0, 0].bool()
    difference = sample['image'].int() - sample['source_image'].int()
    assert inside.any()
    assert difference[:, inside].abs().max() <= 3
    assert (sample['image'][:, ~inside] == 255).all()


def test_part_without_source_joints_takes_nothing_from_the_source() -> None:
    model = build().eval().requires_grad_(False)
    data = model.data_preprocessor(batch(), training=False)
    legs = list(GENERATOR['parts']['leg'])
    data['source_keypoints'][:, legs, 2] = 0
    feats = []
    for shift in (0.0, 0.5):
        image = data['source_image'] + shift
        pose = model.generator.heatmaps(data['target_keypoints'], SIZE)
        inputs = (image, data['source_keypoints'], pose)
        flows = model.generator.part_flows(*inputs)['leg']
        encoded = model.generator.part_features('leg', *inputs)
        feats.append(model.generator.warped_part('leg', encoded, flows))
    torch.testing.assert_close(*feats)


def test_relation_maps() -> None:
    model = build().eval()
    data = model.data_preprocessor(batch(), training=False)
    inputs = [data[k] for k in ('source_image', 'source_keypoints', 'target_keypoints')]
    maps = model.generator.relation_maps(*inputs)
    assert {size: tuple(m.shape) for size, m in maps.items()} == {
        4: (2, 16, 16),
        6: (2, 36, 36),
    }
    with pytest.raises(ValueError, match='pnb is None'):
        build(dict(pnb=None)).generator.relation_maps(*inputs)


def test_eval_is_deterministic_and_batch_independent() -> None:
    model = build().eval()
    data = batch(2)
    both = model.val_step(data)
    alone = model.val_step({key: value[1:] for key, value in data.items()})
    assert torch.equal(both[1]['image'], model.val_step(data)[1]['image'])
    difference = both[1]['image'].int() - alone[0]['image'].int()
    assert difference.abs().max() <= 1
    torch.testing.assert_close(both[1]['flow'], alone[0]['flow'])


def test_selection_is_eq_3() -> None:
    warped, pose = torch.randn(2, 1, 3, 4, 4).unbind(0)
    select = VisibilitySelection()
    assert torch.equal(select(warped, pose, torch.ones(1, 1, 4, 4)), warped)
    assert torch.equal(select(warped, pose, torch.zeros(1, 1, 4, 4)), pose)


def test_bilinear_warp_moves_a_pixel() -> None:
    source = torch.zeros(1, 1, 4, 4)
    source[0, 0, 1, 2] = 1
    flow = torch.zeros(1, 2, 4, 4)
    flow[:, 0] = 1  # every target pixel reads one pixel to its right
    assert BilinearWarp(1)(source, source, flow)[0, 0, 1, 1] == 1


def test_fusion_sees_every_part_and_the_pose() -> None:
    fusion = ConcatFusion(part_channels=2, num_parts=2, pose_channels=3)
    feats = [torch.randn(1, 2, 4, 4, requires_grad=True) for _ in range(2)]
    pose = torch.randn(1, 3, 4, 4, requires_grad=True)
    fusion(feats, pose).square().sum().backward()
    assert all(x.grad.abs().sum() > 0 for x in [*feats, pose])


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(train_stage='both'), "train_stage must be one of .* got 'both'"),
        (dict(discriminators=None), 'losses.adv and discriminators belong together'),
        (dict(feature_net=None), 'need a feature_net'),
        (
            dict(
                train_stage='flow',
                discriminators=None,
                losses=dict(rec=dict(type='L1Loss')),
            ),
            "train_stage='flow' trains with losses.sam",
        ),
        (
            dict(losses=MODEL['losses'] | dict(tv=dict(type='L1Loss'))),
            r"losses \['tv'\] are not computed by SPIG; its terms are .*'sty'",
        ),
        (dict(mask_radius=0), 'mask_radius must be above 0 or None, got 0'),
    ],
)
def test_contradictions_are_named(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build(**changes)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(level=3), r'flow must predict at level=3.* its levels are \(2,\)'),
        (dict(parts=dict(head=(0, 99))), r'parts.head must name joints 0\.\.17'),
        (dict(parts=dict(head=())), r'parts.head must name joints .* got \(\)'),
        (dict(fine_levels=(2,)), r'fine_levels must lie in 1\.\.1, .* got \(2,\)'),
        (dict(fine_levels=(1,)), r'flow must predict at level=1.* are \(2,\)'),
        (
            TWO_LEVELS | dict(fusion=GENERATOR['fusion'] | dict(out_channels=6)),
            'the fusion must give as many channels as the decoder has there, 4; got 6',
        ),
    ],
)
def test_impossible_generators_are_named(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build(changes)


def test_every_trainable_parameter_gets_a_gradient_with_two_levels() -> None:
    flow = GENERATOR['flow'] | dict(levels=(2, 3))
    sam = dict(type='SamplingCorrectnessLoss', layers={2: ('block2',), 3: ('block4',)})
    for stage in ('flow', 'full'):
        model = build(
            dict(flow=flow), train_stage=stage, losses=MODEL['losses'] | dict(sam=sam)
        )
        data = model.data_preprocessor(batch(), training=True)
        losses, _ = model.generator_losses(data, model.run_generator(data))
        sum(losses.values()).backward()
        lacking = [
            name
            for name, parameter in model.generator.named_parameters()
            if parameter.requires_grad and parameter.grad is None
        ]
        assert not lacking, stage


def test_two_levels_train_all_that_they_have() -> None:
    # Without the non-local block, whose first gradients round to nothing here.
    model = build(TWO_LEVELS | dict(pnb=None))
    optimisers = wrappers(model)
    before = deepcopy(model.state_dict())
    for _ in range(2):
        model.train_step(batch(), optimisers)
    still = set(before) - changed(model, before)
    assert not [key for key in still if key.endswith('weight') and 'norm' not in key]
    assert any(key.startswith('generator.fine.2.') for key in before)
    sample = model.eval().val_step(batch())[0]
    assert sample['flow']['leg'].shape == (2, 16, 8)  # of the finest level


def test_the_fine_level_takes_what_its_flow_points_at() -> None:
    generator = build(TWO_LEVELS).eval().generator.requires_grad_(False)
    for module in generator.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
    data = build().data_preprocessor(batch(), training=False)
    pose = generator.heatmaps(data['target_keypoints'], SIZE)
    inputs = (data['source_image'], data['source_keypoints'], pose)
    feats, flows = generator.encode(*inputs)
    fused = generator.fuse(feats, pose, flows)
    image = generator.paint(fused, feats, flows)
    for visibility, same in ((0.0, True), (1.0, False)):
        results = []
        for shift in (0.0, 2.0):
            moved = deepcopy(flows)
            for levels in moved.values():
                flow, _ = levels[2]
                seen = torch.full_like(flow[:, :1], visibility)
                levels[2] = flow + shift, seen
            results.append(generator.paint(fused, feats, moved))
        assert torch.equal(*results) == same
    assert image.shape == (2, 3, *SIZE)


def test_no_new_weights_without_fine_levels() -> None:
    assert not [key for key in build().state_dict() if 'fine' in key]


def test_flow_nets_may_look_at_the_source_image() -> None:
    model = build(dict(flow=GENERATOR['flow'] | dict(use_image=True)))
    logs = model.train_step(batch(), wrappers(model))
    assert torch.as_tensor(logs['loss_sam']).isfinite()


def test_every_part_starts_from_the_flow_of_the_limbs_with_a_prior() -> None:
    flow = GENERATOR['flow'] | dict(prior='limbs')
    model = build(dict(flow=flow), train_stage='flow')
    for name, parameter in model.generator.named_parameters():
        if 'flow_heads' in name:
            nn.init.zeros_(parameter)
    source, target = keypoints(2), keypoints(2, seed=1)
    flows = model.generate(torch.zeros(2, 3, *SIZE), source, target)['flow']
    scale = torch.tensor([0.25, 0.25, 1.0])
    shift = torch.tensor([-0.375, -0.375, 0.0])
    expected, _ = limb_flow(source * scale + shift, target * scale + shift, (16, 8))
    assert flows.keys() == GENERATOR['parts'].keys()
    for flow in flows.values():
        torch.testing.assert_close(flow, expected)


def test_a_users_flow_net_gets_the_maps_of_its_part_and_all_joints() -> None:
    seen = {}

    @MODELS.register_module(force=True)
    class Constant(nn.Module):
        levels = (2,)

        def __init__(self, num_joints: int) -> None:
            super().__init__()
            self.num_joints = num_joints
            self.value = nn.Parameter(torch.zeros(()))

        def forward(
            self,
            source_pose,
            target_pose,
            source_image=None,
            source_keypoints=None,
            target_keypoints=None,
        ):
            assert source_pose.shape[1] == target_pose.shape[1] == self.num_joints
            seen[self.num_joints] = source_keypoints, target_keypoints
            flow = self.value.expand(len(source_pose), 2, SIZE[0] // 4, SIZE[1] // 4)
            return {2: (flow, flow[:, :1].sigmoid())}

        def visibility_parameters(self, level):
            return iter(())

    model = build(dict(flow=dict(type='Constant')))
    model.train_step(batch(), wrappers(model))
    assert seen.keys() == {len(joints) for joints in GENERATOR['parts'].values()}
    for joints in seen.values():
        expected = (batch()[f'{side}_keypoints'] for side in ('source', 'target'))
        assert all(torch.equal(*pair) for pair in zip(joints, expected))


def test_nothing_is_visible_of_a_part_that_the_source_lacks() -> None:
    model = build().eval()
    data = batch()
    data['source_keypoints'][0, list(GENERATOR['parts']['head']), 2] = 0
    without, whole = (sample['visibility']['head'] for sample in model.val_step(data))
    assert (without == 0).all()
    assert (whole > 0).all()


def test_encoders_must_agree() -> None:
    wider = dict(type='FeatureEncoder', base_channels=8)
    with pytest.raises(ValueError, match='same number of channels.*8 and 16'):
        build(dict(pose_encoder=wider))


def test_inference_needs_neither_losses_nor_discriminators() -> None:
    model = MODELS.build(dict(type='SPIG', generator=deepcopy(GENERATOR))).eval()
    assert model.val_step(batch())[0]['image'].shape == (3, *SIZE)


def test_a_users_block_takes_the_place_of_the_hybrid_dilated_block() -> None:
    @MODELS.register_module(force=True)
    class PlainConv(nn.Module):
        def __init__(self, channels: int, kernel_size: int = 3) -> None:
            super().__init__()
            self.conv = nn.Conv2d(channels, channels, kernel_size, padding='same')

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.conv(x)

    model = build(dict(hdc=dict(type='PlainConv', kernel_size=5)))
    assert isinstance(model.generator.hdcs['torso'], PlainConv)
    logs = model.train_step(batch(), wrappers(model))
    assert torch.as_tensor(logs['loss_rec']).isfinite()


def test_the_order_in_which_a_config_names_the_parts_does_not_matter() -> None:
    """A config that was dumped to a file comes back with sorted keys."""
    sorted_parts = dict(sorted(GENERATOR['parts'].items()))
    assert [*sorted_parts] != [*GENERATOR['parts']]
    model, again = build(), build(dict(parts=sorted_parts))
    again.load_state_dict(model.state_dict())
    inputs = (torch.rand(1, 3, *SIZE), keypoints(1), keypoints(1, seed=1))
    with torch.no_grad():
        images = [net.eval().generate(*inputs)['image'] for net in (model, again)]
    assert torch.equal(*images)
    assert [*again.parts] == ['head', 'torso', 'leg']
