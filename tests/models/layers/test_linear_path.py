"""The linear path of encoder and decoder, and the dilated block's two orders."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from posegen.models.layers import FeatureEncoder, HybridDilatedBlock, ResidualDecoder


def silent(module: nn.Module) -> None:
    """Let a module give zeros, whatever it reads."""
    for parameter in module.parameters():
        nn.init.zeros_(parameter)


def image(size: tuple[int, int] = (16, 8)) -> Tensor:
    return torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(1)) * 2 - 1


def encoder(**changes) -> FeatureEncoder:
    torch.manual_seed(0)
    return FeatureEncoder(3, **(dict(level=2, base_channels=24) | changes))


def decoder(in_channels: int = 48, **changes) -> ResidualDecoder:
    torch.manual_seed(0)
    return ResidualDecoder(in_channels, **(dict(level=2, min_channels=4) | changes))


def test_a_picture_passes_unchanged_through_the_linear_path_alone() -> None:
    encode, decode = encoder(linear_levels=(2,)), decoder(linear_levels=(2,))
    silent(encode.blocks)
    silent(decode.body)
    silent(decode.head)
    # 48 channels hold 4 x 4 pixels of 3 colors; the inverse of an orthogonal matrix.
    weight = encode.linear['2'].weight.detach()
    decode.linear['2'].weight.data = weight.transpose(0, 1).clone()
    torch.testing.assert_close(decode(encode(image())), image().tanh())


def test_features_start_with_the_strength_of_the_image() -> None:
    encode = encoder(linear_levels=(2,))
    silent(encode.blocks)
    feats = encode(image())
    torch.testing.assert_close(feats.square().mean(), image().square().mean())


def test_the_decoder_starts_with_a_tenth_of_it() -> None:
    decode = decoder(linear_levels=(2,))
    silent(decode.body)
    silent(decode.head)
    feats = torch.randn(2, 48, 4, 2)
    painted = decode(feats).atanh()
    torch.testing.assert_close(
        painted.square().mean(), 0.01 * feats.square().mean(), rtol=1e-4, atol=0
    )


def test_the_linear_path_is_added_at_its_levels_and_the_blocks_do_not_see_it() -> None:
    plain, linear = encoder(), encoder(linear_levels=(1, 2))
    linear.load_state_dict(plain.state_dict(), strict=False)
    before, after = plain.pyramid(image()), linear.pyramid(image())
    for level in (1, 2):
        pixels = F.pixel_unshuffle(image(), 2**level)
        expected = before[level] + linear.linear[str(level)](pixels)
        torch.testing.assert_close(after[level], expected)


def test_the_decoder_reads_what_was_refined_at_each_level() -> None:
    decode = decoder(8, linear_levels=(1, 2))
    silent(decode.body)
    silent(decode.head)
    given = {2: torch.randn(1, 8, 2, 2), 1: torch.randn(1, 4, 4, 4)}
    painted = decode(torch.zeros(1, 8, 2, 2), lambda level, feat: given[level])
    expected = sum(
        F.pixel_shuffle(decode.linear[str(level)](feat), 2**level)
        for level, feat in given.items()
    )
    torch.testing.assert_close(painted, expected.tanh())


@pytest.mark.parametrize('build', [encoder, decoder])
def test_without_it_nothing_changes(build) -> None:
    plain, linear = build(), build(linear_levels=(2,))
    more = linear.state_dict().keys() - plain.state_dict().keys()
    assert more == {'linear.2.weight', 'linear.2.bias'}
    # Drawn last, so that the rest starts from the same weights.
    for name, value in plain.state_dict().items():
        assert torch.equal(value, linear.state_dict()[name]), name


def test_gradients_reach_both_ends_at_the_first_step() -> None:
    encode, decode = encoder(linear_levels=(2,)), decoder(linear_levels=(2,))
    decode(encode(image())).square().sum().backward()
    for layer in (encode.linear['2'], decode.linear['2']):
        assert layer.weight.grad.abs().sum() > 0


def test_parameters_beyond_a_level_are_those_of_its_linear_path_too() -> None:
    encode = encoder(linear_levels=(1, 2))
    encode.pyramid(image(), depth=1)[1].sum().backward()
    unused = {id(p) for p in encode.parameters() if p.grad is None}
    assert {id(p) for p in encode.parameters_beyond(1)} == unused


@pytest.mark.parametrize('build', [encoder, decoder])
@pytest.mark.parametrize('levels', [(0,), (3,)])
def test_a_level_that_is_not_there_is_refused(build, levels) -> None:
    with pytest.raises(ValueError, match=r'linear_levels must lie in 1\.\.2, got'):
        build(linear_levels=levels)


def test_a_dilated_block_before_its_norms_is_the_formula() -> None:
    torch.manual_seed(0)
    block = HybridDilatedBlock(4, norm='layer', init_gain=1.0, pre_activation=True)
    x = torch.randn(2, 4, 8, 6)
    out = x
    convs = [m for m in block.modules() if isinstance(m, nn.Conv2d)]
    for rate, conv in zip((1, 2), convs):
        out = F.leaky_relu(F.group_norm(out, 1), 0.1)
        out = F.conv2d(out, conv.weight, conv.bias, padding=rate, dilation=rate)
    torch.testing.assert_close(block(x), x + out)


def test_a_dilated_block_before_its_norms_can_darken() -> None:
    """After an activation, what is added to the skip is hardly ever below zero."""
    torch.manual_seed(0)
    x = torch.randn(1, 8, 8, 8)
    before, after = (
        HybridDilatedBlock(8, norm=None, init_gain=1.0, pre_activation=pre)(x) - x
        for pre in (True, False)
    )
    assert before.min() < -0.5 * before.max()
    assert after.min() > -0.5 * after.max()
