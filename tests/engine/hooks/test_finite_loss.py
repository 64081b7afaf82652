"""Training stops at the first loss that is not a number."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from posegen.engine.hooks import FiniteLossHook, NonFiniteLossError

BATCH = dict(source_name=['a.png', 'b.png'], target_name=['c.png', 'd.png'])


def look_at(**outputs) -> None:
    FiniteLossHook().after_train_iter(SimpleNamespace(iter=6), 6, BATCH, outputs)


@pytest.mark.parametrize('value', ['nan', 'inf', '-inf'])
def test_iteration_loss_and_samples_are_named(value: str) -> None:
    message = rf'^loss_d is {value} at iteration 7 \(samples a.png -> c.png, b.png -> d'
    with pytest.raises(NonFiniteLossError, match=message):
        look_at(loss_g=torch.tensor(1.0), loss_d=torch.tensor(float(value)))


def test_finite_losses_pass() -> None:
    look_at(loss_g=torch.tensor(1.0, requires_grad=True), loss_d=1e30)
