"""Losses of half precision outputs are computed in float32, under autocast too."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from posegen.models.losses import (
    GANLoss,
    L1Loss,
    NearestNeighbourLoss,
    PerceptualLoss,
    SamplingCorrectnessLoss,
    StyleLoss,
)
from posegen.models.vunet.losses import latent_kl

HALF = [torch.bfloat16, torch.float16]
DEVICES = [
    'cpu',
    pytest.param(
        'cuda',
        marks=[
            pytest.mark.gpu,
            pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU'),
        ],
    ),
]


def feature_loss(kind: type) -> Callable[[Tensor, Tensor], Tensor]:
    loss = kind(layers=('a',))
    return lambda fake, real: loss(dict(a=fake), dict(a=real))


def correctness(fake: Tensor, real: Tensor) -> Tensor:
    """The generated map's first channels are the flow that is judged."""
    loss = SamplingCorrectnessLoss(layers={2: ('a',)}, regularization_weight=0.1)
    flows = dict(body={2: 4 * fake[:, :2]})
    feats = dict(a=real), dict(a=real.flip(-1))
    return loss(*feats, flows, dict(body=(real[:, :1] > 0.25)))['total']


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    'rec': L1Loss(),
    'per': feature_loss(PerceptualLoss),
    'sty': feature_loss(StyleLoss),
    'nearest': feature_loss(NearestNeighbourLoss),
    'kl': lambda fake, real: latent_kl([fake], [real]),
    'sam': correctness,
}
for mode in ('lsgan', 'log', 'hinge'):
    LOSSES[f'generator, {mode}'] = lambda fake, real, mode=mode: GANLoss(
        mode
    ).generator(fake)
    LOSSES[f'discriminator, {mode}'] = lambda fake, real, mode=mode: GANLoss(
        mode
    ).discriminator(real, fake)


def inputs(device: str) -> tuple[Tensor, Tensor]:
    """Numbers that both half types can hold, so that all get the same ones."""
    generator = torch.Generator().manual_seed(0)
    maps = torch.rand(2, 2, 8, 12, 12, generator=generator).bfloat16().float()
    return tuple(maps.to(device))


def value_and_gradient(name: str, fake: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
    fake = fake.clone().requires_grad_()
    loss = LOSSES[name](fake, real)
    with torch.autocast(fake.device.type, enabled=False):  # as in training
        loss.backward()
    return loss.detach(), fake.grad


@pytest.mark.parametrize('device', DEVICES)
@pytest.mark.parametrize('dtype', HALF)
@pytest.mark.parametrize('name', LOSSES)
def test_losses_ignore_autocast(name: str, dtype: torch.dtype, device: str) -> None:
    fake, real = inputs(device)
    expected = value_and_gradient(name, fake, real)
    with torch.autocast(device, dtype):
        found = value_and_gradient(name, fake, real)
        half = value_and_gradient(name, fake.to(dtype), real.to(dtype))
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
    assert half[0].dtype == torch.float32
    torch.testing.assert_close(half[0], expected[0], rtol=1e-5, atol=1e-6)
    assert half[1].dtype == dtype
