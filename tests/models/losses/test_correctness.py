from __future__ import annotations

from unittest import mock

import pytest
import torch
import torch.nn.functional as F

from posegen.models.losses import SamplingCorrectnessLoss, correctness, join_features
from posegen.models.ops import affine_regularization, sampling_correctness

PARTS = ('head', 'leg')


def random_feats(seed, grad=False):
    generator = torch.Generator().manual_seed(seed)
    return {
        name: torch.rand(shape, generator=generator).requires_grad_(grad)
        for name, shape in {
            'fine': (2, 4, 8, 6),
            'coarse': (2, 5, 4, 3),
            'deep': (2, 3, 4, 3),
        }.items()
    }


def random_flows(seed=2):
    generator = torch.Generator().manual_seed(seed)
    sizes = {2: (8, 6), 3: (4, 3)}
    return {
        part: {
            level: torch.randn(2, 2, *size, generator=generator).requires_grad_()
            for level, size in sizes.items()
        }
        for part in PARTS
    }


@pytest.fixture
def target():
    return random_feats(0)


@pytest.fixture
def source():
    return random_feats(1)


class TestJoinFeatures:
    def test_one_layer_stays_as_it_is(self, target):
        assert torch.equal(join_features(target, ['fine'], (8, 6)), target['fine'])

    def test_one_layer_is_resized(self, target):
        out = join_features(target, ['fine'], (4, 3))
        torch.testing.assert_close(out, F.avg_pool2d(target['fine'], 2))

    def test_several_have_unit_length_each(self, target):
        out = join_features(target, ['coarse', 'deep'], (4, 3))
        torch.testing.assert_close(out[:, :5].norm(dim=1), torch.ones(2, 4, 3))
        torch.testing.assert_close(out[:, 5:], F.normalize(target['deep'], dim=1))

    def test_layers_weigh_the_same(self, target):
        loud = target | {'coarse': target['coarse'] * 1000}
        layers = ['fine', 'coarse']
        out = join_features(loud, layers, (8, 6))
        assert out.shape == (2, 9, 8, 6)
        torch.testing.assert_close(out, join_features(target, layers, (8, 6)))


class TestSamplingCorrectnessLoss:
    def test_is_the_operator_per_part_summed(self, target, source):
        flows = random_flows()
        masks = {part: (torch.rand(2, 1, 32, 24) > 0.5).float() for part in PARTS}
        loss = SamplingCorrectnessLoss(layers={2: ('fine',)}, weight=3.0)
        out = loss(target, source, flows, masks)
        for part in PARTS:
            expected = sampling_correctness(
                target['fine'],
                source['fine'],
                flows[part][2],
                masks[part],
                reduction='sample',
            )
            torch.testing.assert_close(out['parts'][part], expected.detach())
        torch.testing.assert_close(
            out['total'].detach(), 3 * sum(out['parts'].values())
        )

    @pytest.mark.parametrize('reduction', ['batch', 'sample'])
    def test_levels_are_summed(self, target, source, reduction):
        flows = random_flows()

        def parts(layers):
            loss = SamplingCorrectnessLoss(layers=layers, reduction=reduction)
            return loss(target, source, flows)['parts']

        both = parts({2: ('fine', 'coarse'), 3: ('deep',)})
        second, third = parts({2: ('fine', 'coarse')}), parts({3: ('deep',)})
        for part in PARTS:
            torch.testing.assert_close(both[part], second[part] + third[part])

    def test_identical_images_need_no_flow(self, source):
        flat = {'fine': source['fine'][..., :1, :1].expand(2, 4, 8, 6)}
        flows = {'all': {2: torch.zeros(2, 2, 8, 6)}}
        loss = SamplingCorrectnessLoss(layers={2: ('fine',)})
        assert loss(flat, flat, flows)['total'].abs() < 1e-5

    def test_gradient_reaches_the_judged_flows_alone(self):
        target, source = random_feats(0, grad=True), random_feats(1, grad=True)
        flows = random_flows()
        loss = SamplingCorrectnessLoss(layers={2: ('fine', 'coarse')})
        loss(target, source, flows)['total'].backward()
        for part in PARTS:
            assert flows[part][2].grad.any()
            assert flows[part][3].grad is None
        assert all(f.grad is None for f in (*target.values(), *source.values()))

    def test_best_match_is_found_once_a_level(self, target, source):
        with mock.patch.object(
            correctness, 'max_similarity', wraps=correctness.max_similarity
        ) as spy:
            loss = SamplingCorrectnessLoss(layers={2: ('fine',), 3: ('deep',)})
            loss(target, source, random_flows())
        assert spy.call_count == 2

    def test_regulariser(self, target, source):
        flows = random_flows()
        layers = {2: ('fine',), 3: ('deep',)}
        plain = SamplingCorrectnessLoss(layers=layers)(target, source, flows)
        smooth = SamplingCorrectnessLoss(
            layers=layers,
            regularization_weight=0.1,
            regularization_kernel={2: 3, 3: 2},
        )(target, source, flows)
        extra = sum(
            affine_regularization(flows[part][2], 3)
            + affine_regularization(flows[part][3], 2)
            for part in PARTS
        )
        torch.testing.assert_close(smooth['total'], plain['total'] + 0.1 * extra)
        assert smooth['parts'] == plain['parts']

    def test_a_mask_is_read_where_the_centers_lie(self, target, source):
        """A column's weight is the share of the mask in its shifted area."""
        flows = random_flows()
        mask = torch.zeros(2, 1, 32, 24)
        mask[..., 9:] = 1  # columns of 4 pixels: the third one has 3 of them

        def loss(mask, offsets=None, layers=('fine', 'deep')):
            terms = SamplingCorrectnessLoss(layers={2: layers}, reduction='batch')
            masks = dict.fromkeys(PARTS, mask)
            return terms(target, source, flows, masks, offsets)['total']

        for offset, third in ((0.0, 3 / 4), (1.5, 1.0), (-1.5, 3 / 8)):
            weight = torch.zeros(2, 1, 8, 6)
            weight[..., 2], weight[..., 3:] = third, 1
            weight[..., 1] = max(0.0, offset - 1) / 4
            # The mean of the layers that are joined, in pixels of the image.
            offsets = {'fine': 2 * offset}
            torch.testing.assert_close(loss(mask, offsets), loss(weight))
            same = {'fine': offset}
            torch.testing.assert_close(
                loss(mask, same, ('fine',)), loss(weight, None, ('fine',))
            )

    def test_an_offset_changes_nothing_where_a_mask_is_of_one_value(
        self, target, source
    ):
        flows = random_flows()
        loss = SamplingCorrectnessLoss(layers={2: ('fine',)})
        masks = dict.fromkeys(PARTS, torch.ones(2, 1, 32, 24, dtype=torch.bool))
        torch.testing.assert_close(
            loss(target, source, flows, masks, {'fine': 1.5})['total'],
            loss(target, source, flows)['total'],
        )

    def test_levels_may_be_text(self):
        loss = SamplingCorrectnessLoss(
            layers={'2': ['fine']}, regularization_kernel={'2': 3}
        )
        assert loss.layers == {2: ['fine']} and loss.kernels == {2: 3}

    def test_mixed_precision(self, target, source):
        loss = SamplingCorrectnessLoss(layers={2: ('fine', 'coarse')})
        flows = random_flows()
        full = loss(target, source, flows)['total']
        half = [{k: v.bfloat16() for k, v in f.items()} for f in (target, source)]
        with torch.autocast('cpu', torch.bfloat16):
            mixed = loss(*half, flows)['total']
        torch.testing.assert_close(mixed.float(), full, rtol=0.02, atol=0)

    def test_layers_needed(self):
        loss = SamplingCorrectnessLoss(layers={2: ('fine', 'coarse'), 3: ('coarse',)})
        assert loss.layers_needed == {'fine', 'coarse'}

    @pytest.mark.parametrize(
        'arguments, match',
        [
            ({'layers': {}}, 'at least one level'),
            ({'layers': {2: 'relu3_1'}}, r"layers\[2\] must be a list.*'relu3_1'"),
            ({'layers': {2: ()}}, r'layers\[2\] must be a list'),
            ({'reduction': 'mean'}, "reduction must be 'batch' or 'sample'"),
            (
                {'layers': {1: ('a',)}, 'regularization_weight': 0.1},
                r'regularization_kernel must name the levels \[1\]',
            ),
        ],
    )
    def test_wrong_arguments(self, arguments, match):
        with pytest.raises(ValueError, match=match):
            SamplingCorrectnessLoss(**arguments)

    def test_wrong_inputs(self, target, source):
        loss = SamplingCorrectnessLoss(layers={2: ('fine',)})
        flows = random_flows()
        with pytest.raises(ValueError, match='at least one part'):
            loss(target, source, {})
        with pytest.raises(ValueError, match=r"flows\['leg'\] lacks the levels \[2\]"):
            loss(target, source, flows | {'leg': {3: flows['leg'][3]}})
        with pytest.raises(ValueError, match="masks lacks the part 'leg'"):
            loss(target, source, flows, {'head': torch.ones(2, 1, 8, 6)})
        with pytest.raises(ValueError, match="source_feats lacks the layer 'fine'"):
            loss(target, {'deep': source['deep']}, flows)
        with pytest.raises(ValueError, match='level 2 must be of one size'):
            loss(target, source, flows | {'leg': {2: torch.zeros(2, 2, 4, 3)}})
