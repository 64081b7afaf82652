from __future__ import annotations

import math

import pytest
import torch

from posegen.models.losses import GANLoss

REAL = torch.tensor([2.0, 0.0])
FAKE = torch.tensor([-1.0, 1.0])
MODES = ('lsgan', 'log', 'hinge')


def minus_log_sigmoid(x):
    return math.log(1 + math.exp(-x))


@pytest.mark.parametrize(
    'mode, generator, discriminator',
    [
        ('lsgan', (4 + 0) / 2, 0.5 * ((1 + 1) / 2 + (1 + 1) / 2)),
        (
            'log',
            (minus_log_sigmoid(-1) + minus_log_sigmoid(1)) / 2,
            (minus_log_sigmoid(2) + minus_log_sigmoid(0)) / 2
            + (minus_log_sigmoid(1) + minus_log_sigmoid(-1)) / 2,
        ),
        ('hinge', 0.0, (0 + 1) / 2 + (0 + 2) / 2),
    ],
)
def test_by_hand(mode, generator, discriminator):
    loss = GANLoss(mode, weight=3.0)
    assert loss.generator(FAKE).item() == pytest.approx(3 * generator)
    assert loss.discriminator(REAL, FAKE).item() == pytest.approx(discriminator)


def test_log_form_is_minus_equation_12():
    real, fake = REAL.sigmoid(), FAKE.sigmoid()
    value = (1 - fake).log().mean() + real.log().mean()
    torch.testing.assert_close(GANLoss('log').discriminator(REAL, FAKE), -value)


@pytest.mark.parametrize('mode', MODES)
def test_directions(mode):
    loss = GANLoss(mode)
    real = torch.full((2, 1, 3, 3), 0.5, requires_grad=True)
    fake = torch.full((2, 1, 3, 3), 0.5, requires_grad=True)
    loss.discriminator(real, fake).backward()
    assert (real.grad < 0).all() and (fake.grad > 0).all()
    fake.grad = None
    loss.generator(fake).backward()
    assert (fake.grad < 0).all()


def test_generator_learns_where_the_discriminator_wins():
    # The literal form of eq. 12 has a gradient of sigmoid(-20) = 2e-9 here.
    fake = torch.tensor([-20.0], requires_grad=True)
    GANLoss('log', weight=1.0).generator(fake).backward()
    assert fake.grad.item() == pytest.approx(-1)


@pytest.mark.parametrize('mode', MODES)
def test_extreme_logits_stay_finite(mode):
    loss = GANLoss(mode)
    extreme = torch.tensor([-1e4, 1e4])
    assert loss.discriminator(extreme, extreme).isfinite()
    assert loss.generator(extreme).isfinite()


def test_unknown_mode():
    with pytest.raises(ValueError, match="mode must be one of .*'wgan'"):
        GANLoss('wgan')
