"""The divergence against torch.distributions, and the rise of its weight."""

from __future__ import annotations

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from posegen.models.vunet.losses import LatentKLLoss, latent_kl

SHAPES = [(3, 2, 2, 2), (3, 2, 4, 4)]


def test_is_the_divergence_of_unit_normals() -> None:
    torch.manual_seed(0)
    posteriors, priors = ([torch.randn(s) for s in SHAPES] for _ in range(2))
    expected = sum(
        kl_divergence(Normal(q, 1.0), Normal(p, 1.0)).sum() / 3
        for q, p in zip(posteriors, priors)
    )
    torch.testing.assert_close(latent_kl(posteriors, priors), expected)
    assert latent_kl(priors, priors) == 0


def test_scales_belong_together() -> None:
    maps = [torch.zeros(s) for s in SHAPES]
    with pytest.raises(ValueError, match='zip'):
        latent_kl(maps, maps[:1])


@pytest.mark.parametrize(
    ('iteration', 'weight'),
    [
        (0, 1e-6),
        (50_000, 1e-6),
        (62_500, (1 + 1e-6) / 2),
        (75_000, 1.0),
        (10**6, 1.0),
    ],
)
def test_weight_rises_as_published(iteration: int, weight: float) -> None:
    loss = LatentKLLoss()
    assert loss.weight_at(iteration) == pytest.approx(weight, rel=1e-9)
    q, p = [torch.ones(1, 1, 1, 2)], [torch.zeros(1, 1, 1, 2)]
    assert loss(q, p, iteration).item() == pytest.approx(weight, rel=1e-6)


def test_both_distributions_get_a_gradient() -> None:
    q, p = (torch.randn(1, 1, 2, 2, requires_grad=True) for _ in range(2))
    LatentKLLoss(begin=0, end=1)([q], [p], 5).backward()
    torch.testing.assert_close(q.grad, q.detach() - p.detach())
    torch.testing.assert_close(p.grad, -q.grad)


@pytest.mark.parametrize(('begin', 'end'), [(5, 5), (6, 5), (-1, 5)])
def test_an_impossible_ramp_is_named(begin: int, end: int) -> None:
    with pytest.raises(ValueError, match=f'end must be behind begin.* {begin}, {end}'):
        LatentKLLoss(begin=begin, end=end)
