"""Optimizers with their gradient norms logged apart, in full or in mixed precision.

They take the place of MMEngine's ``OptimWrapper`` and ``AmpOptimWrapper``, which log
the norm of every optimizer under one key, take a step whatever the gradients are, and
know mixed precision on GPUs only.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.device import get_device
from mmengine.optim import OptimWrapper as MMOptimWrapper
from torch import Tensor, nn
from torch.optim import Optimizer

from posegen.registry import OPTIM_WRAPPERS
from posegen.utils.errors import ConfigError, NonFiniteError

#: Names of types that computation in half precision can use.
HALF_TYPES = dict(bfloat16=torch.bfloat16, float16=torch.float16)


def gradient_norm(parameters: list[Tensor]) -> Tensor:
    """Length of all gradients together, a scalar; 0 where there is none."""
    grads = [p.grad for p in parameters if p.grad is not None]
    return torch.nn.utils.get_total_norm(grads) if grads else torch.zeros(())


@OPTIM_WRAPPERS.register_module()
class OptimWrapper(MMOptimWrapper):
    """An optimizer that logs its gradient norm and refuses what is no number.

    The norm, before clipping, is logged as ``train/grad_norm_<name>``. With several
    processes the gradients are already those of all, so all of them refuse together,
    before any weight has changed.

    Gradients of several batches are accumulated by ``train_cfg.accumulate``, which
    keeps generator and discriminators in step; MMEngine's ``accumulative_counts``,
    which would not, is therefore no argument.

    Args:
        optimizer: The optimizer.
        clip_grad: As in MMEngine: arguments of ``clip_grad_norm_``, or with
            ``type='value'`` of ``clip_grad_value_``.

    Attributes:
        name: What the optimizer trains, for the log; set by the constructor of several.
    """

    def __init__(self, optimizer: Optimizer, clip_grad: dict | None = None) -> None:
        super().__init__(optimizer, clip_grad=dict(clip_grad) if clip_grad else None)
        self.name = ''

    @property
    def parameters(self) -> list[Tensor]:
        """All that the optimizer may change."""
        return [p for group in self.optimizer.param_groups for p in group['params']]

    def step(self, **kwargs: Any) -> None:
        """Log the norm, clip, and take a step.

        Raises:
            NonFiniteError: A gradient is nan or infinite; nothing has changed.
        """
        self._log('grad_norm', self._finite_norm())
        self._clip()
        self.optimizer.step(**kwargs)

    def _finite_norm(self) -> float:
        norm = gradient_norm(self.parameters).item()
        if not math.isfinite(norm):
            key = self._key('grad_norm')
            raise NonFiniteError(f'{key} is {norm}', {key: norm})
        return norm

    def _clip(self) -> None:
        if self.clip_grad_kwargs:
            with_grad = [p for p in self.parameters if p.grad is not None]
            self.clip_func(with_grad, **self.clip_grad_kwargs)

    def _key(self, what: str) -> str:
        return f'{what}_{self.name}' if self.name else what

    def _log(self, what: str, value: float) -> None:
        self.message_hub.update_scalar(f'train/{self._key(what)}', value)


@OPTIM_WRAPPERS.register_module()
class AmpOptimWrapper(OptimWrapper):
    """Automatic mixed precision: forward passes in half precision, weights in float32.

    On GPUs in bfloat16 or float16, on CPUs in bfloat16. With float16 the losses are
    scaled so that small gradients survive; a step whose scaled gradients overflow is
    left out and the scale lowered, as ``torch.amp.GradScaler`` does it. The scale is
    logged as ``train/amp_scale_<name>``.

    Args:
        optimizer: The optimizer.
        clip_grad: As in :class:`OptimWrapper`; gradients are clipped unscaled.
        dtype: ``'bfloat16'`` or ``'float16'``.
        loss_scale: ``'dynamic'``, a number to start from, or arguments of
            ``torch.amp.GradScaler``; with float16 only.

    Raises:
        ConfigError: The type is another one, or float16 is asked for without a GPU.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        clip_grad: dict | None = None,
        dtype: str = 'bfloat16',
        loss_scale: str | float | Mapping[str, Any] = 'dynamic',
    ) -> None:
        super().__init__(optimizer, clip_grad)
        self.device_type = torch.device(get_device()).type
        if dtype not in HALF_TYPES:
            raise ConfigError(f'dtype must be one of {[*HALF_TYPES]}, got {dtype!r}')
        if dtype == 'float16' and self.device_type == 'cpu':
            raise ConfigError("dtype 'float16' needs a GPU; on a CPU use 'bfloat16'")
        self.dtype = HALF_TYPES[dtype]
        self.scaler = torch.amp.GradScaler(
            self.device_type,
            enabled=self.dtype == torch.float16,
            **_scaler_arguments(loss_scale),
        )

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Compute in half precision what torch holds safe in it."""
        with (
            super().optim_context(model),
            torch.autocast(self.device_type, self.dtype),
        ):
            yield

    def backward(self, loss: Tensor, **kwargs: Any) -> None:
        """Gradients of a loss, scaled where the type needs it."""
        super().backward(self.scaler.scale(loss), **kwargs)

    def step(self, **kwargs: Any) -> None:
        """Log the norm, clip, and take a step, unless the scaled gradients overflow.

        Raises:
            NonFiniteError: A gradient is nan or infinite although nothing scales it up.
        """
        if not self.scaler.is_enabled():
            super().step(**kwargs)
            return
        self.scaler.unscale_(self.optimizer)
        norm = gradient_norm(self.parameters).item()
        if math.isfinite(norm):
            self._log('grad_norm', norm)
            self._clip()
        elif self.scaler.get_scale() <= 1:  # it was not the scale that overflowed
            key = self._key('grad_norm')
            raise NonFiniteError(f'{key} is {norm}', {key: norm})
        self.scaler.step(self.optimizer, **kwargs)
        self.scaler.update()
        self._log('amp_scale', self.scaler.get_scale())

    def state_dict(self) -> dict:
        """Of the optimizer, and of the scale as ``loss_scaler``, as in MMEngine."""
        return super().state_dict() | dict(loss_scaler=self.scaler.state_dict())

    def load_state_dict(self, state_dict: dict) -> None:
        """Take a state back; without a scale in it, the scale starts anew."""
        state_dict = dict(state_dict)
        scale = state_dict.pop('loss_scaler', None)
        if scale and self.scaler.is_enabled():
            self.scaler.load_state_dict(scale)
        super().load_state_dict(state_dict)


def _scaler_arguments(loss_scale: str | float | Mapping[str, Any]) -> dict[str, Any]:
    if loss_scale == 'dynamic':
        return {}
    if isinstance(loss_scale, Mapping):
        return dict(loss_scale)
    if isinstance(loss_scale, int | float) and loss_scale > 0:
        return dict(init_scale=float(loss_scale))
    raise ConfigError(
        "loss_scale must be 'dynamic', a number above 0 or a dict of arguments of "
        f'torch.amp.GradScaler, got {loss_scale!r}'
    )
