"""Gradient norms apart, steps refused, and mixed precision on a CPU."""

from __future__ import annotations

import math

import pytest
import torch
from mmengine.logging import MessageHub
from torch import nn

from posegen.engine import AmpOptimWrapper, MultiOptimWrapperConstructor, OptimWrapper
from posegen.utils.errors import ConfigError, NonFiniteError
from tests.helpers.toy_training import adam


@pytest.fixture
def hub() -> MessageHub:
    hub = MessageHub.get_instance('norms')
    hub.log_scalars.clear()
    return hub


def wrap(
    parameter: nn.Parameter, hub: MessageHub, kind: type = OptimWrapper, **kwargs
) -> OptimWrapper:
    wrapper = kind(torch.optim.SGD([parameter], lr=1.0), **kwargs)
    wrapper.message_hub = hub
    return wrapper


def test_the_norm_is_that_of_all_gradients_before_clipping(hub: MessageHub) -> None:
    weight = nn.Parameter(torch.zeros(2))
    wrapper = wrap(weight, hub, clip_grad=dict(max_norm=1.0))
    wrapper.name = 'generator'
    wrapper.update_params((weight * torch.tensor([3.0, 4.0])).sum())
    assert hub.get_scalar('train/grad_norm_generator').current() == 5
    torch.testing.assert_close(weight.data, torch.tensor([-0.6, -0.8]))


def test_clipping_by_value(hub: MessageHub) -> None:
    weight = nn.Parameter(torch.zeros(2))
    clip = dict(type='value', clip_value=1.0)
    wrap(weight, hub, clip_grad=clip).update_params((weight * 3).sum())
    assert weight.tolist() == [-1, -1]
    assert clip == dict(type='value', clip_value=1.0)  # the config stays as it is


@pytest.mark.parametrize('value', [math.nan, math.inf])
@pytest.mark.parametrize('kind', [OptimWrapper, AmpOptimWrapper])
def test_a_step_that_is_no_number_is_not_taken(
    value: float, kind: type, hub: MessageHub
) -> None:
    weight = nn.Parameter(torch.ones(2))
    wrapper = wrap(weight, hub, kind)
    with pytest.raises(NonFiniteError, match=r'^grad_norm is (nan|inf)$'):
        wrapper.update_params((weight * value).sum())
    assert weight.tolist() == [1, 1]


def test_generator_and_discriminator_are_logged_apart() -> None:
    model = nn.Module()
    model.generator, model.discriminators = nn.Linear(1, 1), nn.Linear(1, 1)
    build = MultiOptimWrapperConstructor(dict(generator=adam(), discriminator=adam()))
    names = {key: wrapper.name for key, wrapper in build(model).items()}
    assert names == dict(generator='generator', discriminator='discriminator')


def test_a_cpu_computes_in_bfloat16_and_keeps_weights_in_float32(
    hub: MessageHub,
) -> None:
    net = nn.Linear(4, 4)
    wrapper = wrap(net.weight, hub, AmpOptimWrapper)
    with wrapper.optim_context(net):
        out = net(torch.randn(2, 4))
    assert out.dtype == torch.bfloat16
    before = net.weight.clone()
    wrapper.update_params(out.float().square().mean())
    assert net.weight.dtype == torch.float32
    assert not torch.equal(net.weight, before)


def test_the_state_of_mixed_precision_comes_back(hub: MessageHub) -> None:
    weight = nn.Parameter(torch.ones(2))
    wrapper = wrap(weight, hub, AmpOptimWrapper)
    state = wrapper.state_dict()
    assert state['loss_scaler'] == {}  # bfloat16 is not scaled
    wrap(weight, hub, AmpOptimWrapper).load_state_dict(state)
    wrap(weight, hub).load_state_dict({k: state[k] for k in ('state', 'param_groups')})
    assert 'loss_scaler' in state


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(dtype='float16'), "'float16' needs a GPU"),
        (dict(dtype='int8'), "dtype must be one of .*got 'int8'"),
        (dict(loss_scale='static'), "loss_scale must be 'dynamic'"),
    ],
)
def test_what_cannot_be_is_an_error(
    arguments: dict, message: str, hub: MessageHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('posegen.engine.optim_wrappers.get_device', lambda: 'cpu')
    with pytest.raises(ConfigError, match=message):
        wrap(nn.Parameter(torch.ones(1)), hub, AmpOptimWrapper, **arguments)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
def test_an_overflow_in_float16_skips_the_step_and_lowers_the_scale(
    hub: MessageHub,
) -> None:
    weight = nn.Parameter(torch.ones(2, device='cuda'))
    wrapper = wrap(weight, hub, AmpOptimWrapper, dtype='float16', loss_scale=2.0**60)
    wrapper.update_params((weight * 1e30).sum())
    assert weight.tolist() == [1, 1]
    assert hub.get_scalar('train/amp_scale').current() == 2.0**59
    assert 'train/grad_norm' not in hub.log_scalars


class Scaler:
    """What a GPU's scaler does, as far as a step sees it."""

    def __init__(self, scale: float) -> None:
        self.value, self.steps = scale, 0

    def is_enabled(self) -> bool:
        return True

    def scale(self, loss: torch.Tensor) -> torch.Tensor:
        return loss

    def unscale_(self, optimizer: torch.optim.Optimizer) -> None:
        pass

    def step(self, optimizer: torch.optim.Optimizer) -> None:
        self.steps += 1

    def update(self) -> None:
        self.value /= 2

    def get_scale(self) -> float:
        return self.value


def test_gradients_that_no_scale_explains_stop_training(hub: MessageHub) -> None:
    weight = nn.Parameter(torch.ones(2))
    wrapper = wrap(weight, hub, AmpOptimWrapper)
    wrapper.scaler = Scaler(2.0)
    wrapper.update_params((weight * math.nan).sum())  # left out, the scale is lowered
    assert wrapper.scaler.steps == 1
    with pytest.raises(NonFiniteError, match='grad_norm is nan'):
        wrapper.update_params((weight * math.nan).sum())
