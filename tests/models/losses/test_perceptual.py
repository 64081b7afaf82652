from __future__ import annotations

import pytest
import torch

from posegen.models.losses import (
    NearestNeighbourLoss,
    PerceptualLoss,
    StyleLoss,
    gram_matrix,
)

LOSSES = (PerceptualLoss, StyleLoss, NearestNeighbourLoss)


def random_feats(seed=0, grad=False):
    generator = torch.Generator().manual_seed(seed)
    return {
        'a': torch.randn(2, 3, 4, 4, generator=generator).requires_grad_(grad),
        'b': torch.randn(2, 5, 2, 2, generator=generator).requires_grad_(grad),
        'unused': torch.randn(2, 1, 1, 1, generator=generator).requires_grad_(grad),
    }


def test_gram_by_hand():
    feat = torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]])
    expected = torch.tensor([[[5.0, 11.0], [11.0, 25.0]]]) / 4
    torch.testing.assert_close(gram_matrix(feat), expected)


def test_gram_ignores_positions():
    feat = torch.randn(2, 3, 4, 5)
    torch.testing.assert_close(gram_matrix(feat), gram_matrix(feat.flip(2, 3)))


def test_gram_does_not_overflow_in_half_precision():
    assert gram_matrix(torch.full((1, 2, 64, 64), 100.0).half()).isfinite().all()


def test_perceptual_by_hand():
    fake, real = random_feats(0), random_feats(1)
    expected = 0.5 * sum((fake[n] - real[n]).abs().mean() for n in 'ab')
    loss = PerceptualLoss(layers=('a', 'b'))
    torch.testing.assert_close(loss(fake, real), expected)


def test_style_by_hand():
    fake, real = random_feats(0), random_feats(1)
    expected = 500 * sum(
        (gram_matrix(fake[n]) - gram_matrix(real[n])).abs().mean() for n in 'ab'
    )
    loss = StyleLoss(layers=('a', 'b'))
    torch.testing.assert_close(loss(fake, real), expected)


@pytest.mark.parametrize('kind', LOSSES)
class TestBoth:
    def test_zero_at_equality(self, kind):
        feats = random_feats()
        assert kind(layers=('a', 'b'))(feats, feats).item() == 0

    def test_weights(self, kind):
        fake, real = random_feats(0), random_feats(1)
        single = {n: kind(layers=[n], weight=1.0)(fake, real) for n in 'ab'}
        both = kind(layers=['a', 'b'], layer_weights=[2, 0.5], weight=3.0)
        expected = 3 * (2 * single['a'] + 0.5 * single['b'])
        torch.testing.assert_close(both(fake, real), expected)

    def test_gradient_reaches_the_fake_alone(self, kind):
        fake, real = random_feats(0, grad=True), random_feats(1, grad=True)
        kind(layers=('a', 'b'))(fake, real).backward()
        assert fake['a'].grad.any() and fake['b'].grad.any()
        assert fake['unused'].grad is None
        assert all(feat.grad is None for feat in real.values())

    def test_layers_needed(self, kind):
        assert kind(layers=('a', 'b')).layers_needed == {'a', 'b'}
        assert all(name.startswith('relu') for name in kind().layers_needed)

    def test_missing_layer(self, kind):
        feats = random_feats()
        with pytest.raises(ValueError, match="fake_feats lacks the layer 'c'"):
            kind(layers=('a', 'c'))(feats, feats)

    def test_shapes_must_be_equal(self, kind):
        fake, real = random_feats(), random_feats()
        real['a'] = real['a'][:1]
        with pytest.raises(ValueError, match="layer 'a' must have the same shape"):
            kind(layers=('a',))(fake, real)

    @pytest.mark.parametrize('layers', ['relu1_1', ()])
    def test_layers_must_be_a_list(self, kind, layers):
        with pytest.raises(ValueError, match='layers must be a list'):
            kind(layers=layers)

    def test_one_weight_a_layer(self, kind):
        with pytest.raises(ValueError, match=r'one number a layer \(2\), got 1'):
            kind(layers=('a', 'b'), layer_weights=[1.0])


def test_nearest_neighbour_sums_channels():
    # A window of one pixel leaves the plain distance, with channels summed.
    fake, real = random_feats(0), random_feats(1)
    loss = NearestNeighbourLoss(layers=('a',), weight=0.5, window=1)
    expected = 0.5 * (fake['a'] - real['a']).abs().sum(1).mean()
    torch.testing.assert_close(loss(fake, real), expected)


def test_nearest_neighbour_forgives_a_shift():
    real = {'a': torch.randn(2, 8, 6, 6)}
    fake = {'a': real['a'].roll(1, 3)}
    fake['a'][..., 0] = real['a'][..., 0]
    assert NearestNeighbourLoss(layers=('a',), window=3)(fake, real).item() == 0
    assert NearestNeighbourLoss(layers=('a',), window=1)(fake, real).item() > 0


def test_nearest_neighbour_gradient_is_that_of_the_minimum():
    generator = torch.Generator().manual_seed(0)
    shape = (1, 2, 4, 4)
    fake = torch.randn(shape, generator=generator, dtype=torch.float64)
    real = torch.randn(shape, generator=generator, dtype=torch.float64)
    loss = NearestNeighbourLoss(layers=('a',), weight=1.0, window=3)
    assert torch.autograd.gradcheck(
        lambda x: loss({'a': x}, {'a': real}), fake.requires_grad_()
    )


def test_nearest_neighbour_window_has_a_middle():
    with pytest.raises(ValueError, match='odd and at least 1, got 4'):
        NearestNeighbourLoss(window=4)
