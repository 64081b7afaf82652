"""Optimizers for named parts of a model."""

from __future__ import annotations

import pytest
from mmengine.model import MMDistributedDataParallel
from torch import nn

from posegen.engine import MultiOptimWrapperConstructor
from tests.helpers.toy_training import adam


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.generator = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
        self.discriminators = nn.Linear(4, 1)
        self.feature_net = nn.Linear(1, 1).requires_grad_(False)


def parameters_of(wrapper) -> list[int]:
    groups = wrapper.optimizer.param_groups
    return sorted(p.numel() for group in groups for p in group['params'])


def test_each_part_has_its_own_optimizer() -> None:
    cfg = dict(generator=adam(1e-3), discriminator=adam(1e-5))
    wrappers = MultiOptimWrapperConstructor(cfg)(Model())
    assert parameters_of(wrappers['generator']) == [1, 3, 3, 6]
    assert parameters_of(wrappers['discriminator']) == [1, 4]
    assert wrappers.get_lr() == {'generator.lr': [1e-3], 'discriminator.lr': [1e-5]}


def test_frozen_parameters_are_left_out() -> None:
    model = Model()
    model.generator[0].requires_grad_(False)
    wrappers = MultiOptimWrapperConstructor(dict(generator=adam()))(model)
    assert parameters_of(wrappers['generator']) == [1, 3]


def test_a_wrapped_model_is_unwrapped(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Model()
    wrapped = MMDistributedDataParallel.__new__(MMDistributedDataParallel)
    nn.Module.__init__(wrapped)
    wrapped.module = model
    wrappers = MultiOptimWrapperConstructor(dict(generator=adam()))(wrapped)
    assert parameters_of(wrappers['generator']) == [1, 3, 3, 6]


def test_paramwise_settings_are_of_one_optimizer() -> None:
    keys = {'generator.1': dict(lr_mult=0.1)}
    cfg = adam(1e-2) | dict(paramwise_cfg=dict(custom_keys={'1': dict(lr_mult=0.1)}))
    wrapper = MultiOptimWrapperConstructor(dict(generator=cfg))(Model())['generator']
    rates = {group['lr'] for group in wrapper.optimizer.param_groups}
    assert rates == {1e-2, 1e-3}
    with pytest.raises(ValueError, match='belongs to one optimizer'):
        MultiOptimWrapperConstructor(dict(generator=adam()), dict(custom_keys=keys))


@pytest.mark.parametrize(
    ('cfg', 'error', 'message'),
    [
        (dict(critic=adam()), ValueError, "Model has no module 'critic'"),
        (dict(feature_net=adam()), ValueError, "no parameter of 'feature_net'"),
        (dict(generator=3), TypeError, 'generator must be a dict with an optimizer'),
    ],
)
def test_what_cannot_be_trained(cfg: dict, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        MultiOptimWrapperConstructor(cfg)(Model())
