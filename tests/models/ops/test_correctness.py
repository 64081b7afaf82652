from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck

from posegen.models.def_gan.benchmark import peak_memory
from posegen.models.ops import max_similarity, sampling_correctness

FEATURES = ('relu_features', 'signed_features')


@pytest.fixture(params=FEATURES)
def gold(request, shared):
    file = shared('fixtures/ops/sampling_correctness.pt')
    return torch.load(file, weights_only=True)[request.param]


def random_features(shape=(2, 6, 5, 4), seed=0):
    generator = torch.Generator().manual_seed(seed)
    return (
        torch.rand(shape, dtype=torch.float64, generator=generator),
        torch.rand(shape, dtype=torch.float64, generator=generator),
    )


def all_at_once(target, source):
    """The same from the similarities of all positions with all others."""
    size = target.shape[2:]
    target, source = (
        (feat / (feat.norm(dim=1, keepdim=True) + 1e-8)).flatten(2)
        for feat in (target, source)
    )
    return torch.bmm(target.mT, source).amax(2).unflatten(1, size)[:, None]


class TestMaxSimilarity:
    @pytest.mark.parametrize('chunk_size', [1, 7, 256, None])
    def test_golden(self, gold, chunk_size):
        out = max_similarity(gold['target'], gold['source'], chunk_size)
        expected = gold['cosine_max'][:, None]
        torch.testing.assert_close(out, expected, rtol=0, atol=1e-10)

    def test_equal_features_match_fully(self):
        feat, _ = random_features()
        out = max_similarity(feat, feat)
        torch.testing.assert_close(out, torch.ones(2, 1, 5, 4).double())

    def test_source_of_another_size(self):
        target, source = random_features()
        whole = max_similarity(target, source)
        half = torch.maximum(
            max_similarity(target, source[..., :2]),
            max_similarity(target, source[..., 2:]),
        )
        torch.testing.assert_close(whole, half)

    def test_no_gradient(self):
        target, source = (f.requires_grad_() for f in random_features())
        assert not max_similarity(target, source).requires_grad

    def test_zero_features_stay_finite(self):
        zero = torch.zeros(1, 3, 2, 2)
        assert torch.equal(max_similarity(zero, zero), torch.zeros(1, 1, 2, 2))

    def test_largest_block_is_the_chunk(self, monkeypatch):
        sizes = []
        mm = torch.mm

        def spy(a, b, **kwargs):
            sizes.append(len(a))
            return mm(a, b, **kwargs)

        monkeypatch.setattr(torch, 'mm', spy)
        target, source = random_features((2, 2, 32, 32))
        max_similarity(target, source, chunk_size=100)
        assert max(sizes) == 100 and sum(sizes) == 2 * 1024

    @pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
    def test_value_and_gradients_are_those_of_the_whole_product(self, layout):
        target, source = (
            f.float().contiguous(memory_format=layout)
            for f in random_features((2, 64, 20, 24))
        )
        streamed, whole = max_similarity(target, source), all_at_once(target, source)
        torch.testing.assert_close(streamed, whole, rtol=0, atol=1e-6)
        gradients = []
        for best in (None, whole):
            flow = torch.randn(2, 2, 20, 24, generator=torch.Generator().manual_seed(1))
            flow.requires_grad_()
            sampling_correctness(target, source, flow, max_similarity=best).backward()
            gradients.append(flow.grad)
        largest = gradients[1].abs().max()
        assert largest > 0
        torch.testing.assert_close(*(g / largest for g in gradients), rtol=0, atol=1e-5)

    @pytest.mark.parametrize('count', [1, 3])
    def test_takes_an_eighth_of_the_memory_of_the_whole_product(self, count):
        """Counted allocation by allocation: nothing else that runs has a part in it."""
        target, source = torch.rand(2, count, 256, 64, 64)
        whole = peak_memory(lambda: all_at_once(target, source))
        assert whole > count * 4096**2 * 4 / 1e6
        assert peak_memory(lambda: max_similarity(target, source)) <= whole / 8

    def test_no_samples(self):
        nothing = torch.rand(0, 2, 5, 4)
        assert max_similarity(nothing, nothing).shape == (0, 1, 5, 4)

    def test_memory_has_a_limit_on_large_maps(self):
        target, source = torch.rand(2, 1, 2, 160, 160)
        assert peak_memory(lambda: max_similarity(target, source)) < 1.1 * 2**23 * 4e-6

    def test_half_precision_is_compared_in_float32(self):
        target, source = (f.bfloat16() for f in random_features())
        out = max_similarity(target, source)
        assert out.dtype == torch.float32
        torch.testing.assert_close(out, max_similarity(target.float(), source.float()))

    def test_wrong_arguments(self):
        target, source = random_features()
        with pytest.raises(ValueError, match='same B and C'):
            max_similarity(target, source[:, :3])
        with pytest.raises(ValueError, match='chunk_size must be >= 1'):
            max_similarity(target, source, chunk_size=0)


class TestSamplingCorrectness:
    @pytest.mark.parametrize('mask', [None, 'mask', 'mask_64x48', 'mask_soft'])
    def test_golden(self, gold, mask):
        loss = sampling_correctness(
            gold['target'], gold['source'], gold['flow'], gold[mask] if mask else None
        )
        expected = gold[f'loss_{mask}' if mask else 'loss']
        torch.testing.assert_close(loss, expected, rtol=0, atol=1e-10)

    def test_golden_zero_flow_and_empty_mask(self, gold):
        features = gold['target'], gold['source']
        zero = sampling_correctness(*features, torch.zeros_like(gold['flow']))
        empty = sampling_correctness(*features, gold['flow'], gold['mask_empty'])
        torch.testing.assert_close(zero, gold['loss_zero_flow'], rtol=0, atol=1e-10)
        torch.testing.assert_close(empty, gold['loss_mask_empty'], rtol=0, atol=1e-10)

    @pytest.mark.parametrize('mask', [None, 'mask'])
    def test_golden_gradient(self, gold, mask):
        flow = gold['flow'].clone().requires_grad_()
        sampling_correctness(
            gold['target'], gold['source'], flow, gold[mask] if mask else None
        ).backward()
        expected = gold[f'grad_flow_{mask}' if mask else 'grad_flow']
        torch.testing.assert_close(flow.grad, expected, rtol=0, atol=1e-10)

    def test_best_match_everywhere_is_zero(self):
        feat = torch.rand(1, 4, 1, 1).double().expand(2, 4, 5, 4)
        loss = sampling_correctness(feat, feat, torch.zeros(2, 2, 5, 4).double())
        assert abs(float(loss)) < 1e-7

    def test_orthogonal_match_by_hand(self):
        target = torch.zeros(1, 2, 1, 2).double()
        target[:, 0] = 1
        source = torch.zeros(1, 2, 1, 2).double()
        source[:, 1] = 1
        best = torch.ones(1, 1, 1, 2).double()
        flow = torch.zeros(1, 2, 1, 2).double()
        loss = sampling_correctness(target, source, flow, max_similarity=best)
        assert float(loss) == pytest.approx(1 - math.exp(-1))

    def test_given_max_similarity_is_the_computed_one(self):
        target, source = random_features()
        flow = torch.randn(2, 2, 5, 4).double()
        best = max_similarity(target, source)
        assert torch.equal(
            sampling_correctness(target, source, flow),
            sampling_correctness(target, source, flow, max_similarity=best),
        )

    def test_reductions(self):
        target, source = random_features()
        flow = torch.randn(2, 2, 5, 4).double()
        mask = torch.zeros(2, 1, 5, 4).double()
        mask[0], mask[1, :, :1] = 1, 1

        def loss(reduction, index=slice(None)):
            return sampling_correctness(
                target[index], source[index], flow[index], mask[index], None, reduction
            )

        first, second = loss('batch', slice(0, 1)), loss('batch', slice(1, 2))
        torch.testing.assert_close(loss('sample'), (first + second) / 2)
        torch.testing.assert_close(loss('batch'), (first * 20 + second * 4) / 24)

    def test_empty_sample_adds_nothing(self):
        target, source = random_features()
        flow = torch.randn(2, 2, 5, 4).double().requires_grad_()
        mask = torch.ones(2, 1, 5, 4).double()
        mask[1] = 0
        loss = sampling_correctness(target, source, flow, mask, reduction='sample')
        alone = sampling_correctness(target[:1], source[:1], flow[:1])
        torch.testing.assert_close(loss, alone / 2)
        loss.backward()
        assert flow.grad[0].abs().sum() > 0 and not flow.grad[1].any()

    def test_bool_mask(self):
        target, source = random_features()
        flow = torch.randn(2, 2, 5, 4).double()
        mask = torch.rand(2, 1, 20, 16) > 0.5
        assert torch.equal(
            sampling_correctness(target, source, flow, mask),
            sampling_correctness(target, source, flow, mask.double()),
        )

    def test_a_mask_is_resized_by_area(self):
        target, source = random_features((1, 6, 2, 2))
        flow = torch.randn(1, 2, 2, 2).double()
        mask = torch.zeros(1, 1, 8, 8).double()
        mask[..., 1:4, 1:4] = 1  # 9 of the 16 pixels of the first position
        mask[..., 3, 4:] = 1  # 4 of those of the second
        weights = torch.tensor([[[[9 / 16, 4 / 16], [0, 0]]]]).double()
        torch.testing.assert_close(
            sampling_correctness(target, source, flow, mask),
            sampling_correctness(target, source, flow, weights),
        )

    @pytest.mark.parametrize('reduction', ['batch', 'sample'])
    def test_gradcheck(self, reduction):
        target, source = random_features((2, 3, 3, 4))
        flow = (0.2 + 0.6 * torch.rand(2, 2, 3, 4).double()).requires_grad_()
        mask = torch.rand(2, 1, 3, 4).double()
        best = max_similarity(target, source)
        source.requires_grad_()

        def loss(f, s):
            return sampling_correctness(target, s, f, mask, best, reduction)

        assert gradcheck(loss, (flow, source))

    def test_mixed_precision_is_close_to_float32(self):
        target, source = (f.bfloat16() for f in random_features())
        flow = torch.randn(2, 2, 5, 4)
        with torch.autocast('cpu', torch.bfloat16):
            mixed = sampling_correctness(target, source, flow)
        full = sampling_correctness(target.float(), source.float(), flow)
        assert mixed.dtype == torch.float32
        torch.testing.assert_close(mixed, full)

    def test_gradient_descent_finds_a_shift(self):
        # Smooth textures: the source is the target two columns further right.
        noise = torch.rand(1, 8, 16, 20, generator=torch.Generator().manual_seed(1))
        smooth = F.avg_pool2d(noise, 3, 1)
        target, source = smooth[..., 2:], smooth[..., :-2]
        flow = torch.zeros(1, 2, *target.shape[2:], requires_grad=True)
        optimizer = torch.optim.Adam([flow], lr=0.1)
        before = sampling_correctness(target, source, flow).item()
        for _ in range(60):
            optimizer.zero_grad()
            loss = sampling_correctness(target, source, flow)
            loss.backward()
            optimizer.step()
        assert loss.item() < 0.5 * before
        assert flow[0, 0, 3:-3, 3:-3].median().item() == pytest.approx(2, abs=0.5)

    @pytest.mark.parametrize(
        'change, match',
        [
            ({'reduction': 'mean'}, "reduction must be one of .*'mean'"),
            ({'source_feat': torch.zeros(2, 6, 4, 4)}, 'same shape'),
            ({'flow': torch.zeros(2, 2, 4, 4)}, 'flow must be'),
            ({'mask': torch.zeros(1, 1, 5, 4)}, r'mask must be .* B = 2'),
            ({'mask': torch.zeros(2, 5, 4)}, 'mask must be'),
            ({'max_similarity': torch.zeros(2, 5, 4)}, 'max_similarity must be'),
        ],
    )
    def test_wrong_arguments(self, change, match):
        target, source = random_features()
        arguments = {
            'target_feat': target,
            'source_feat': source,
            'flow': torch.zeros(2, 2, 5, 4),
        }
        with pytest.raises(ValueError, match=match):
            sampling_correctness(**(arguments | change))
