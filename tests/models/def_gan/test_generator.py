"""Sizes, shapes and wiring of generator and discriminator."""

from __future__ import annotations

import pytest
import torch

from posegen.models.def_gan import DefGANDiscriminator, DefGANGenerator, PartAffineWarp
from posegen.models.def_gan.blocks import SampleNorm
from tests.models.def_gan.helpers import SIZE, build, keypoints


def count(net: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


@pytest.mark.parametrize(('levels', 'expected'), [(7, 82_080_611), (6, 61_109_085)])
def test_published_sizes(levels: int, expected: int) -> None:
    with torch.device('meta'):
        assert count(DefGANGenerator(num_levels=levels)) == expected


def test_published_size_of_the_discriminator() -> None:
    net = DefGANDiscriminator(42)
    assert count(net) == 2_803_782
    with torch.no_grad():
        assert net(torch.zeros(1, 42, 128, 64)).shape == (1, 1, 3, 1)
        assert net(torch.zeros(1, 42, 256, 256)).shape == (1, 1, 7, 7)


def test_forward_and_backward() -> None:
    generator = build().generator
    image = torch.rand(2, 3, *SIZE) * 2 - 1
    out = generator(image, keypoints(2), keypoints(2, seed=1))['image']
    assert out.shape == (2, 3, *SIZE)
    assert out.abs().max() <= 1
    out.square().mean().backward()
    lacking = [n for n, p in generator.named_parameters() if p.grad is None]
    assert not lacking


def test_state_dict_round_trip() -> None:
    one, other = build().generator.eval(), build().generator.eval()
    for parameter in other.parameters():
        torch.nn.init.zeros_(parameter)
    other.load_state_dict(one.state_dict(), strict=True)
    inputs = torch.rand(1, 3, *SIZE), keypoints(1), keypoints(1, seed=1)
    with torch.no_grad():
        assert torch.equal(one(*inputs)['image'], other(*inputs)['image'])


def test_the_first_levels_of_the_source_are_moved_and_nothing_else() -> None:
    generator = build(dict(warp_levels=2)).generator.eval()
    inputs = torch.rand(1, 3, *SIZE), keypoints(1), keypoints(1, seed=1)
    with torch.no_grad():
        moved = generator.skips(*inputs)
        generator.warp = None
        plain = generator.skips(*inputs)
    geometry = PartAffineWarp().geometry(*inputs[1:], SIZE)
    for level, (one, other) in enumerate(zip(moved, plain)):
        assert one.shape == (1, other.shape[1], SIZE[0] >> level, SIZE[1] >> level)
        source, pose = other.chunk(2, dim=1)
        if level < 2:
            source = PartAffineWarp()(source, geometry)
        assert torch.equal(one, torch.cat([source, pose], dim=1))
    assert not torch.equal(moved[1], plain[1])


def test_features_come_before_the_activation() -> None:
    generator = build(dict(warp=None)).generator
    inputs = torch.rand(1, 3, *SIZE), keypoints(1), keypoints(1, seed=1)
    assert all((skip < 0).any() for skip in generator.skips(*inputs))


def test_norm_is_over_the_sample_with_the_deviation_plus_eps() -> None:
    norm, x = SampleNorm().double(), torch.randn(2, 3, 4, 5).double() * 0.01 + 1
    with torch.no_grad():
        norm.weight.fill_(2), norm.bias.fill_(0.5)
    deviation = x.flatten(1).std(1, correction=0).view(2, 1, 1, 1)
    expected = 2 * (x - x.mean((1, 2, 3), keepdim=True)) / (deviation + 1e-3) + 0.5
    torch.testing.assert_close(norm(x), expected)
    assert len(list(norm.parameters())) == 2


def test_norm_of_an_even_map_has_a_gradient() -> None:
    x = torch.ones(1, 2, 3, 3, requires_grad=True)
    SampleNorm()(x).square().sum().backward()
    assert x.grad.isfinite().all()


def test_dropout_is_for_training_only() -> None:
    generator = build().generator
    inputs = torch.rand(1, 3, *SIZE), keypoints(1), keypoints(1, seed=1)
    with torch.no_grad():
        first, second = (generator.train()(*inputs)['image'] for _ in range(2))
        assert not torch.equal(first, second)
        first, second = (generator.eval()(*inputs)['image'] for _ in range(2))
        assert torch.equal(first, second)


def test_impossible_sizes_are_named() -> None:
    generator = build().generator
    with pytest.raises(ValueError, match='halves its input 4 times.*got 64x40'):
        generator(torch.zeros(1, 3, 64, 40), keypoints(1), keypoints(1))
    with pytest.raises(ValueError, match='warp_levels no more than that, got 3 and 4'):
        DefGANGenerator(num_levels=3)
    with pytest.raises(ValueError, match='num_levels must be at least 2.*got 1 and 0'):
        DefGANGenerator(num_levels=1, warp_levels=0)
