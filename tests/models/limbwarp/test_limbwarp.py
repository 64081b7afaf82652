"""Limb flow, its correction, warped features and the composition of candidates."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict

from posegen.models.limbwarp import (
    CandidateComposer,
    LimbFlowNet,
    LimbWarpGenerator,
    SourceEncoder,
)
from posegen.models.ops import compose, limb_flow, resize_keypoints
from posegen.registry import MODELS
from posegen.utils.errors import DataError

SIZE = (32, 16)
PARTS = dict(
    head=(0, 1, 14, 15, 16, 17),
    torso=(1, 2, 3, 4, 5, 6, 7, 8, 11),
    leg=(8, 9, 10, 11, 12, 13),
)
GENERATOR = dict(
    type='LimbWarpGenerator',
    parts=PARTS,
    flow=dict(type='LimbFlowNet', channels=(4, 8)),
    image_encoder=dict(type='SourceEncoder', channels=(4, 8)),
    warp=dict(type='BilinearWarp'),
    selection=dict(type='VisibilityConcat'),
    hdc=dict(type='HybridDilatedBlock', norm=None),
    fusion=dict(type='ConcatFusion', num_blocks=1, norm='group'),
    pnb=dict(type='PyramidNonLocalBlock'),
    composer=dict(type='CandidateComposer', channels=8, full_channels=4, num_blocks=1),
)
LOSSES = dict(
    rec=dict(type='L1Loss'),
    per=dict(type='PerceptualLoss', layers=('expand1',)),
    paint=dict(type='L1Loss', weight=1.0),
    flow=dict(type='FlowTruthLoss'),
    visibility=dict(type='VisibilityTruthLoss'),
    choice=dict(type='ChoiceTruthLoss'),
)
MODEL = dict(
    type='LimbWarp',
    generator=GENERATOR,
    feature_net=dict(type='EfficientNetLite0Features', weights='random'),
    losses=LOSSES,
)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def joints(count: int = 2, size: tuple[int, int] = SIZE) -> torch.Tensor:
    points = torch.rand(count, 18, 2) * torch.tensor([size[1] - 1.0, size[0] - 1.0])
    return torch.cat([points, torch.ones(count, 18, 1)], 2)


def make_batch(size: tuple[int, int] = SIZE) -> dict:
    return dict(
        source_image=torch.randint(256, (2, 3, *size), dtype=torch.uint8),
        target_image=torch.randint(256, (2, 3, *size), dtype=torch.uint8),
        source_keypoints=joints(size=size),
        target_keypoints=joints(size=size),
        source_name=['a', 'b'],
        target_name=['c', 'd'],
        flow=torch.randn(2, 2, *size),
        visibility=torch.rand(2, *size) > 0.5,
        part_labels=torch.randint(4, (2, *size), dtype=torch.uint8),
    )


def build(**changes: object):
    return MODELS.build(deepcopy(MODEL) | changes)


def generate_inputs(size: tuple[int, int] = SIZE) -> tuple:
    return torch.rand(2, 3, *size) * 2 - 1, joints(size=size), joints(size=size)


class TestFlowNet:
    def inputs(self) -> dict:
        image, source, target = generate_inputs()
        return dict(
            source_pose=torch.rand(2, 18, *SIZE),
            target_pose=torch.rand(2, 18, *SIZE),
            source_image=image,
            source_keypoints=source,
            target_keypoints=target,
        )

    def test_starts_at_the_limb_flow_with_even_visibility(self):
        inputs = self.inputs()
        flow, visibility = LimbFlowNet(['body'], channels=(4, 8))(**inputs)['body'][1]
        expected, _ = limb_flow(
            resize_keypoints(inputs['source_keypoints'], 0.5),
            resize_keypoints(inputs['target_keypoints'], 0.5),
            (16, 8),
        )
        torch.testing.assert_close(flow, expected)
        assert (visibility == 0.5).all()

    def test_gives_each_part_its_own(self):
        net = LimbFlowNet(parts=('a', 'b'), channels=(4, 8))
        torch.nn.init.normal_(net.flow_head.weight)
        flows = net(**self.inputs())
        assert [*flows] == ['a', 'b']
        assert not flows['a'][1][0].equal(flows['b'][1][0])
        assert flows['a'][1][0].shape == (2, 2, 16, 8)
        assert flows['a'][1][1].shape == (2, 1, 16, 8)

    @pytest.mark.parametrize(
        'missing', ['source_image', 'source_keypoints', 'target_keypoints']
    )
    def test_says_what_it_needs(self, missing):
        inputs = self.inputs() | {missing: None}
        with pytest.raises(ValueError, match='needs source_image, source_keypoints'):
            LimbFlowNet(['body'], channels=(4, 8))(**inputs)

    def test_every_parameter_learns(self):
        net = LimbFlowNet(['body'], channels=(4, 8))
        for head in (net.flow_head, net.visibility_head, net.parsing_head):
            torch.nn.init.normal_(head.weight)
        feats, prior = net.features(*self.inputs().values())
        flow, visibility = net.predict(feats, prior)['body'][1]
        (flow.sum() + visibility.sum() + net.parse(feats)[:, 0].sum()).backward()
        assert all(p.grad is not None and p.grad.any() for p in net.parameters())

    def test_parsing_is_of_shares(self):
        net = LimbFlowNet(['head', 'leg'], channels=(4, 8))
        torch.nn.init.normal_(net.parsing_head.weight)
        parsing = net.parse(net.features(*self.inputs().values())[0])
        assert parsing.shape == (2, 3, SIZE[0] // 2, SIZE[1] // 2)
        torch.testing.assert_close(parsing.exp().sum(1), torch.ones(2, 16, 8))


class TestComposer:
    def test_starts_from_parsing_and_visibility(self):
        """Shown background and head, a hidden leg, and a leg that is half shown."""
        net = CandidateComposer(6, 5, num_parts=2, channels=8, full_channels=4)
        images = torch.rand(2, 9, 16, 8) * 2 - 1
        parsing = torch.zeros(2, 3, 8, 4)
        parsing[:, 0, :2] = parsing[:, 1, 2:4] = parsing[:, 2, 4:] = 1
        shown = torch.ones(2, 3, 8, 4)
        shown[:, 2, 4:6], shown[:, 2, 6:] = 0, 0.5
        masks, painted, regions = net(
            *self.features(), images, (parsing + 1e-9).log(), shown
        )
        assert masks.shape == (2, 4, 16, 8) and painted.shape == (2, 3, 16, 8)
        torch.testing.assert_close(masks.sum(1), torch.ones(2, 16, 8))
        assert regions[:, :, [0, 5, 15]].argmax(1)[0, :, 0].tolist() == [0, 1, 2]
        rows = masks[:, :, [1, 6, 10, 15]].mean((0, 3)).T
        expected = [[1, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0.5, 0, 0.5]]
        torch.testing.assert_close(rows, torch.tensor(expected), atol=0.1, rtol=0)

    def features(self) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.rand(2, 6, 4, 2), torch.rand(2, 5, 8, 4)

    def test_the_painter_gives_a_garment_its_color_where_it_is_hidden(self):
        net = CandidateComposer(6, 5, num_parts=1, channels=8, full_channels=4)
        images = torch.zeros(2, 6, 16, 8)
        images[:, :3] = 0.4
        images[:, 3:, :2, :2] = 0.8
        parsing = torch.tensor([0.0, 1.0]).view(1, 2, 1, 1).expand(2, 2, 8, 4)
        shown = torch.ones(2, 2, 8, 4)
        shown[:, 1, 1:] = shown[:, 1, :, 1:] = 0
        _, painted, _ = net(*self.features(), images, (parsing + 1e-9).log(), shown)
        found = painted[:, :, 4:, 4:]
        torch.testing.assert_close(
            found, torch.full_like(found, 0.8), atol=0.05, rtol=0
        )


def test_source_encoder_has_a_linear_way_for_colors():
    net = SourceEncoder((4, 8))
    feats = net(torch.zeros(1, 3, *SIZE))
    assert {n: f.shape[1:] for n, f in feats.items()} == {1: (4, 16, 8), 2: (8, 8, 4)}
    for layer in (*net.block.modules(), *net.down.modules()):
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.zeros_(layer.weight)
            torch.nn.init.zeros_(layer.bias)
    zero, image = torch.zeros(1, 3, *SIZE), torch.rand(1, 3, *SIZE)
    once, twice, none = (net(x) for x in (image, 2 * image, zero))
    for level in (1, 2):
        torch.testing.assert_close(
            twice[level] - none[level], 2 * (once[level] - none[level])
        )


class TestGenerator:
    def test_outputs(self):
        net = MODELS.build(deepcopy(GENERATOR))
        inputs = generate_inputs()
        out = net(*inputs)
        assert out['image'].shape == (2, 3, *SIZE)
        assert out['masks'].shape == (2, 5, *SIZE)
        torch.testing.assert_close(out['masks'].sum(1), torch.ones(2, *SIZE))
        flow = {part: levels[1][0] for part, levels in out['flows'].items()}
        again = compose(inputs[0], out['painted'], flow, out['masks'])
        torch.testing.assert_close(again, out['image'])
        assert [*net(*inputs, flow_only=True)] == ['flows', 'parsing']

    def test_networks_may_work_at_half_size(self):
        """The same pose at twice the size: the same flow, counted one level up."""
        small = MODELS.build(deepcopy(GENERATOR))
        large = MODELS.build(deepcopy(GENERATOR) | dict(network_level=1))
        large.load_state_dict(small.state_dict())
        image, *poses = generate_inputs()
        doubled = torch.nn.functional.interpolate(image, scale_factor=2)
        wide = large(doubled, *(resize_keypoints(k, 2) for k in poses))
        out = small(image, *poses)
        assert wide['image'].shape == (2, 3, 64, 32) and large.finest_level == 2
        torch.testing.assert_close(wide['masks'], out['masks'])
        for part in PARTS:
            torch.testing.assert_close(wide['flows'][part][2], out['flows'][part][1])

    @pytest.mark.parametrize(
        'change',
        [
            dict(hdc=None),
            dict(pnb=None),
            dict(parts=dict(body=tuple(range(18)))),
            dict(selection=dict(type='VisibilitySelection')),
            dict(warp=dict(type='LocalAttentionWarp', hidden_channels=4)),
            dict(pnb=dict(type='NonLocalBlock')),
        ],
        ids=lambda change: '-'.join(change),
    )
    def test_components_are_swapped_by_config(self, change):
        net = MODELS.build(deepcopy(GENERATOR) | change)
        out = net(*generate_inputs())
        assert out['image'].isfinite().all()

    def test_state_dict_round_trip(self):
        inputs = generate_inputs()
        first, second = (MODELS.build(deepcopy(GENERATOR)) for _ in range(2))
        torch.nn.init.normal_(first.composer.head.weight)
        second.load_state_dict(first.state_dict())
        torch.testing.assert_close(first(*inputs)['image'], second(*inputs)['image'])

    def test_refuses_encoders_that_disagree(self):
        with pytest.raises(ValueError, match='channels at level 2, got 16 and 8'):
            encoder = dict(type='SourceEncoder', channels=(4, 16))
            MODELS.build(deepcopy(GENERATOR) | dict(image_encoder=encoder))

    def test_parts_stand_in_one_order_whatever_the_config_says(self):
        swapped = dict(reversed(PARTS.items()))
        net = MODELS.build(deepcopy(GENERATOR) | dict(parts=swapped))
        other = MODELS.build(deepcopy(GENERATOR))
        assert [*net.parts] == [*other.parts] == ['head', 'torso', 'leg']
        net.load_state_dict(other.state_dict())
        inputs = generate_inputs()
        torch.testing.assert_close(net(*inputs)['masks'], other(*inputs)['masks'])

    @pytest.mark.parametrize('parts', [{}, dict(head=(0, 99)), dict(head=())])
    def test_refuses_parts_of_no_or_unknown_joints(self, parts):
        with pytest.raises(ValueError, match='must name'):
            MODELS.build(deepcopy(GENERATOR) | dict(parts=parts))

    def test_refuses_a_negative_level(self):
        with pytest.raises(ValueError, match='network_level must be 0 or more'):
            MODELS.build(deepcopy(GENERATOR) | dict(network_level=-1))

    def test_is_registered(self):
        assert MODELS.get('LimbWarpGenerator') is LimbWarpGenerator


def optimizers(model) -> OptimWrapperDict:
    trained = [p for p in model.generator.parameters() if p.requires_grad]
    return OptimWrapperDict(generator=OptimWrapper(torch.optim.Adam(trained, lr=1e-3)))


class TestModel:
    def test_stage_flow_trains_flow_and_visibility_alone(self):
        model = build(train_stage='flow')
        trained = {n for n, p in model.named_parameters() if p.requires_grad}
        assert trained and all(n.startswith('generator.flow_net.') for n in trained)
        logs = model.train_step(make_batch(), optimizers(model))
        assert {k for k in logs if k.startswith('loss')} == {
            'loss_flow',
            'loss_visibility',
        }

    def test_stage_full_has_every_term(self):
        model = build()
        logs = model.train_step(make_batch(), optimizers(model))
        assert {k for k in logs if k.startswith('loss_')} == {
            f'loss_{term}' for term in LOSSES
        }
        assert all(torch.as_tensor(v).isfinite().all() for v in logs.values())

    def test_every_parameter_of_stage_full_learns(self):
        model = build()
        for head in (model.generator.composer.head, model.generator.flow_net.flow_head):
            torch.nn.init.normal_(head.weight, std=0.1)
        batch = model.training_batch(make_batch())
        losses, _ = model.generator_losses(batch, model.run_generator(batch))
        sum(losses.values()).backward()
        idle = [n for n, p in model.generator.named_parameters() if p.grad is None]
        assert not idle

    @pytest.mark.parametrize('term', ['flow', 'visibility', 'choice'])
    def test_a_batch_without_truth_is_an_error(self, term):
        losses = {term: LOSSES[term]}
        batch = make_batch()
        del batch['flow']
        model = build(losses=losses)
        with pytest.raises(DataError, match=f'losses.{term} needs the truth'):
            model.train_step(batch, optimizers(model))

    def test_a_mixed_batch_learns_from_the_samples_with_truth(self):
        batch = make_batch() | dict(has_truth=torch.tensor([True, False]))
        other = deepcopy(batch)
        other['flow'][1] += 100
        model = build(train_stage='flow')
        data = [model.training_batch(b) for b in (batch, other)]
        first, second = (
            model.generator_losses(b, model.run_generator(b))[0]['loss_flow']
            for b in data
        )
        torch.testing.assert_close(first, second)

    def test_without_truth_correctness_takes_its_place(self):
        sam = dict(type='SamplingCorrectnessLoss', layers={1: ('expand1',)})
        batch = {
            k: v for k, v in make_batch().items() if k not in ('flow', 'visibility')
        }
        for stage in ('flow', 'full'):
            model = build(losses=dict(sam=sam, rec=LOSSES['rec']), train_stage=stage)
            logs = model.train_step(batch, optimizers(model))
            assert logs['loss_sam'] > 0

    def test_correctness_steps_aside_where_there_is_truth(self):
        sam = dict(type='SamplingCorrectnessLoss', layers={1: ('expand1',)})
        model = build(losses=LOSSES | dict(sam=sam))
        logs = model.train_step(make_batch(), optimizers(model))
        assert 'loss_flow' in logs and 'loss_sam' not in logs
        batch = {k: v for k, v in make_batch().items() if k != 'flow'}
        logs = model.train_step(batch, optimizers(model))
        assert {k for k in logs if k.startswith('loss_')} == {
            *('loss_rec', 'loss_per', 'loss_paint', 'loss_sam')
        }

    @pytest.mark.parametrize('stage', ['flow', 'full'])
    def test_all_that_is_trained_learns_without_truth(self, stage):
        """As the shipped configs have it: all losses, of which sam remains."""
        sam = dict(type='SamplingCorrectnessLoss', layers={1: ('expand1',)})
        model = build(losses=LOSSES | dict(sam=sam), train_stage=stage)
        empty = dict(
            flow=torch.zeros(2, 2, *SIZE),
            visibility=torch.zeros(2, *SIZE, dtype=torch.bool),
            part_labels=torch.zeros(2, *SIZE, dtype=torch.uint8),
            has_truth=torch.tensor([False, False]),
            same_place=torch.tensor([False, False]),
        )
        batch = model.training_batch(make_batch() | empty)
        losses, _ = model.generator_losses(batch, model.run_generator(batch))
        assert 'loss_sam' in losses and 'loss_flow' not in losses
        assert all(loss > 0 for loss in losses.values())
        sum(losses.values()).backward()
        trained = [n for n, p in model.named_parameters() if p.requires_grad]
        gradients = dict(model.named_parameters())
        assert not [name for name in trained if gradients[name].grad is None]

    def test_predicts_what_a_result_is_composed_of(self):
        model = build().eval()
        sample = model.val_step(make_batch())[0]
        assert sample['image'].dtype == torch.uint8
        assert sample['masks'].shape == (5, *SIZE)
        assert sample['painted'].shape == (3, *SIZE)
        assert sample['flow']['head'].shape == (2, 16, 8)

    def test_stage_flow_shows_the_warped_source(self):
        model = build(train_stage='flow').eval()
        sample = model.val_step(make_batch())[0]
        assert sample['image'].shape == (3, *SIZE) and 'masks' not in sample

    def test_refuses_stage_flow_without_a_flow_loss(self):
        with pytest.raises(ValueError, match='losses.sam or losses.flow'):
            build(train_stage='flow', losses=dict(rec=LOSSES['rec']))
