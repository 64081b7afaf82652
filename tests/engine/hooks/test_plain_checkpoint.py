"""Checkpoints hold plain types only, and enough to go on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine import registry as mm
from torch import nn

from posegen.engine.hooks.plain_checkpoint import to_plain


@pytest.fixture(scope='module')
def checkpoint(finished_run: Path) -> dict:
    return torch.load(finished_run / 'full' / 'iter_4.pth', weights_only=True)


def test_it_loads_without_running_code_and_is_complete(checkpoint: dict) -> None:
    assert checkpoint['meta']['iter'] == 4
    assert set(checkpoint['optimizer']) == {'generator', 'discriminator'}
    empty = dict(log_scalars={}, runtime_info={}, resumed_keys={})
    assert checkpoint['message_hub'] == empty
    own = checkpoint['posegen']
    assert own['stage'] == 'full'
    assert own['seconds'] > 0
    assert len(own['random_states']) == 1
    assert set(own['random_states'][0]) >= {'python', 'numpy', 'torch'}


def test_logged_values_are_kept_and_paths_are_relative(checkpoint: dict) -> None:
    values, counts = checkpoint['posegen']['scalars']['train/loss_rec']
    assert len(values) == len(counts) == 4
    info = checkpoint['posegen']['info']
    assert info == dict(last_ckpt='iter_4.pth')


def test_values_become_plain() -> None:
    value = dict(
        a=np.float32(0.5),
        b=(np.arange(2), torch.__version__),
        c=[Path('x'), None, True],
        d=lambda: 0,
    )
    plain = to_plain(value, 'meta')
    assert plain['a'] == 0.5 and type(plain['a']) is float
    assert torch.equal(plain['b'][0], torch.arange(2))
    assert type(plain['b'][1]) is str
    assert plain['c'] == ['x', None, True]
    assert 'd' not in plain


def test_other_objects_are_refused_with_their_place() -> None:
    with pytest.raises(
        TypeError, match=r'^meta\.a\[1\] of a checkpoint .* got complex'
    ):
        to_plain(dict(a=[0, 1j]), 'meta')


SCHEDULERS = dict(
    ConstantLR=dict(),
    CosineAnnealingLR=dict(T_max=3),
    CosineRestartLR=dict(periods=[3], restart_weights=[1], eta_min=0),
    ExponentialLR=dict(gamma=0.9),
    LinearLR=dict(),
    MultiStepLR=dict(milestones=[2]),
    OneCycleLR=dict(eta_max=0.1, total_steps=5),
    PolyLR=dict(),
    ReduceOnPlateauLR=dict(monitor='ssim'),
    StepLR=dict(step_size=2),
)


@pytest.mark.parametrize('name', SCHEDULERS)
def test_every_scheduler_of_mmengine_can_be_saved(name: str, tmp_path: Path) -> None:
    optimizer = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=0.1, momentum=0.9)
    settings = dict(type=name, optimizer=optimizer, **SCHEDULERS[name])
    scheduler = mm.PARAM_SCHEDULERS.build(settings)
    state = to_plain(scheduler.state_dict(), 'param_schedulers')
    torch.save(state, tmp_path / 'state.pth')
    loaded = torch.load(tmp_path / 'state.pth', weights_only=True)
    assert loaded == state
    scheduler.load_state_dict(loaded)
