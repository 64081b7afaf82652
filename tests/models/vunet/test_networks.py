"""The prior's order of dependence, and what the networks give."""

from __future__ import annotations

import pytest
import torch

from posegen.models.vunet.blocks import space_to_depth
from posegen.models.vunet.networks import (
    NUM_GROUPS,
    AppearancePosterior,
    AutoregressivePrior,
    ResidualEncoder,
    ShapeDecoder,
)

CHANNELS = (4, 8, 8)


@pytest.fixture
def prior() -> AutoregressivePrior:
    torch.manual_seed(0)
    return AutoregressivePrior(3, dropout=0.0)


@pytest.mark.parametrize('group', range(NUM_GROUPS))
def test_a_group_depends_on_those_before_it_alone(
    prior: AutoregressivePrior, group: int
) -> None:
    latent = torch.randn(1, 3, 4, 4, requires_grad=True)
    mean, _ = prior(torch.randn(1, 3, 4, 4), latent)
    # Groups are the pixels of 2x2 cells: (0, 0), (0, 1), (1, 0), (1, 1).
    row, column = divmod(group, 2)
    mean[:, :, row::2, column::2].sum().backward()
    reached = [
        bool(latent.grad[:, :, r::2, c::2].any()) for r in range(2) for c in range(2)
    ]
    assert reached == [k < group for k in range(NUM_GROUPS)]


def test_every_group_depends_on_the_pose(prior: AutoregressivePrior) -> None:
    x = torch.randn(1, 3, 4, 4, requires_grad=True)
    mean, _ = prior(x, torch.zeros(1, 3, 4, 4))
    for part in space_to_depth(mean).chunk(NUM_GROUPS, 1):
        (gradient,) = torch.autograd.grad(part.sum(), x, retain_graph=True)
        assert gradient.any()


def test_the_prior_conditions_on_its_own_draws(prior: AutoregressivePrior) -> None:
    x = torch.randn(2, 3, 4, 4)
    mean, latent = prior(x, sample=False)
    torch.testing.assert_close(latent, mean)
    drawn_mean, drawn = prior(x, sample=True)
    assert not torch.equal(drawn, drawn_mean)
    # Given the latent that it drew, it says the same about each group again.
    torch.testing.assert_close(prior(x, drawn)[0], drawn_mean)
    noise = drawn - drawn_mean
    assert 0.5 < noise.std() < 1.5


def test_encoder_keeps_two_maps_a_level() -> None:
    feats = ResidualEncoder(3, CHANNELS, 0.0)(torch.randn(2, 3, 16, 8))
    assert [tuple(f.shape) for f in feats] == [
        *[(2, 4, 16, 8)] * 2,
        *[(2, 8, 8, 4)] * 2,
        *[(2, 8, 4, 2)] * 2,
    ]


def test_posterior_draws_around_its_means() -> None:
    torch.manual_seed(0)
    feats = ResidualEncoder(3, CHANNELS, 0.0)(torch.randn(2, 3, 16, 8))
    posterior = AppearancePosterior(CHANNELS, 2, 0.0)
    means, latents = posterior(feats, sample=False)
    assert [tuple(m.shape) for m in means] == [(2, 8, 4, 2), (2, 8, 8, 4)]
    assert all(map(torch.equal, means, latents))
    again, drawn = posterior(feats, sample=True)
    torch.testing.assert_close(again[0], means[0])
    assert not torch.equal(drawn[0], means[0])
    # The finer scale sees what was drawn at the coarser one.
    assert not torch.allclose(again[1], means[1])


def test_decoder_takes_latents_or_those_of_its_prior() -> None:
    torch.manual_seed(0)
    feats = ResidualEncoder(3, CHANNELS, 0.0)(torch.randn(1, 3, 16, 8))
    decoder = ShapeDecoder(CHANNELS, 2, 0.0)
    x, means = decoder(feats, sample=False)
    assert x.shape == (1, 4, 16, 8)
    # A prior that is given its own means changes nothing.
    torch.testing.assert_close(decoder(feats, means)[0], x)
    other, _ = decoder(feats, [m + 1 for m in means])
    assert not torch.allclose(other, x)


def test_inputs_are_left_as_they_are() -> None:
    feats = ResidualEncoder(3, CHANNELS, 0.0)(torch.randn(1, 3, 16, 8))
    count = len(feats)
    AppearancePosterior(CHANNELS, 2, 0.0)(feats, sample=False)
    ShapeDecoder(CHANNELS, 2, 0.0)(feats)
    assert len(feats) == count
