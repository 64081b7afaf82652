"""Training stops at the first loss that is not a number, with its state saved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from posegen.engine.hooks import FiniteLossHook
from posegen.utils.errors import NonFiniteError
from tests.engine.conftest import weights_of
from tests.helpers.toy_training import toy_config

BATCH = dict(source_name=['a.png', 'b.png'], target_name=['c.png', 'd.png'])


class Runner(SimpleNamespace):
    """Notes what it was to save."""

    def save_checkpoint(self, folder: str, name: str, **kwargs) -> None:
        self.saved = (folder, name, kwargs['meta'])


def look_at(data: object = BATCH, **outputs) -> Runner:
    runner = Runner(iter=6, epoch=0, work_dir='run', saved=None)
    try:
        FiniteLossHook().after_train_iter(runner, 6, data, outputs)
    except NonFiniteError as error:
        runner.error = error
    return runner


@pytest.mark.parametrize('value', ['nan', 'inf', '-inf'])
def test_iteration_loss_and_samples_are_named_and_the_state_is_saved(
    value: str,
) -> None:
    bad = torch.tensor(float(value))
    runner = look_at(loss_g=torch.tensor(1.0), loss_d=bad, lr=0.1)
    message = str(runner.error)
    assert message.startswith(
        f'loss_d is {value} at iteration 7 (samples a.png -> c.png, b.png -> d.png)'
    )
    assert 'run/nonfinite_iter_7.pth' in message
    assert runner.saved == ('run', 'nonfinite_iter_7.pth', dict(epoch=0, iter=7))
    assert list(runner.error.found) == ['loss_d']


def test_all_accumulated_batches_are_named() -> None:
    runner = look_at([BATCH, BATCH], loss=float('nan'))
    assert str(runner.error).count('a.png -> c.png') == 2


def test_finite_losses_pass() -> None:
    runner = look_at(loss_g=torch.tensor(1.0, requires_grad=True), loss_d=1e30)
    assert runner.saved is None


def test_weights_are_as_before_the_bad_step_and_training_can_go_on_from_them(
    train: Callable, tmp_path: Path
) -> None:
    model = toy_config()['model'] | dict(poison_at=3)
    message = r'^loss_rec is nan at iteration 3 \(samples people/\d_a.png -> '
    with pytest.raises(NonFiniteError, match=message):
        train(model=model, stage='flow')
    saved = tmp_path / 'run' / 'flow' / 'nonfinite_iter_2.pth'
    good = weights_of(tmp_path / 'run' / 'flow' / 'iter_2.pth')
    assert all(
        torch.equal(value, good[key]) for key, value in weights_of(saved).items()
    )
    train(stage='flow', resume=saved)
    assert (tmp_path / 'run' / 'flow' / 'iter_6.pth').is_file()
