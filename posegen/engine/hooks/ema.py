"""A moving average of the generator's weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from posegen.engine.optim import unwrap
from posegen.engine.weights import CHECKPOINT_KEY
from posegen.registry import HOOKS
from posegen.utils.errors import WeightsError

#: What the generator is called in a model, and its keys in a state dict begin with.
PREFIX = 'generator.'


@HOOKS.register_module()
class GeneratorEMAHook(Hook):
    """Averages the generator's weights; validation and samples are made with the means.

    After every iteration ``mean = decay * mean + (1 - decay) * weight``, from the
    weights after the first one on. Discriminators and feature nets are not averaged
    (MMEngine's ``EMAHook`` copies the whole model), buffers are those of the generator.
    A checkpoint holds the weights under ``state_dict``, so that training goes on
    exactly, and the means beside them; tests, inference and published files take the
    means.

    Args:
        decay: In [0, 1); 0.999 remembers about a thousand iterations.
        start: Iteration from which on it averages; before it the means are the weights.

    Raises:
        ValueError: ``decay`` or ``start`` is out of range.
    """

    # After the optimizer's step and before samples, validation and checkpoints.
    priority = 'NORMAL'

    def __init__(self, decay: float = 0.999, start: int = 0) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f'decay must lie in [0, 1), got {decay!r}')
        if not isinstance(start, int) or start < 0:
            raise ValueError(f'start must be a whole number >= 0, got {start!r}')
        self.decay = decay
        self.start = start
        self.averages: AveragedModel | None = None
        self._stored: Mapping[str, Tensor] | None = None
        self._applied = False

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Keep the means of a checkpoint for :meth:`before_train`."""
        self._stored = checkpoint.get(CHECKPOINT_KEY, {}).get('ema')

    def before_train(self, runner: Runner) -> None:
        """Start from the weights, or go on from the means of the resumed run.

        Raises:
            WeightsError: The run is resumed from a checkpoint without means.
        """
        generator = unwrap(unwrap(runner.model).generator)
        average = get_ema_multi_avg_fn(self.decay)
        self.averages = AveragedModel(generator, multi_avg_fn=average)
        if runner.iter <= self.start:
            return
        if self._stored is None:
            raise WeightsError(
                f'GeneratorEMAHook: the checkpoint of iteration {runner.iter} holds no '
                'moving averages, because it was trained without; start a new run from '
                f'its weights (load_from=...), or give the hook start={runner.iter}'
            )
        kept = {k.removeprefix(PREFIX): v for k, v in self._stored.items()}
        self.averages.module.load_state_dict(kept)
        self.averages.n_averaged.fill_(runner.iter - self.start)
        self._stored = None

    @torch.no_grad()
    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        """Move the means."""
        generator = unwrap(unwrap(runner.model).generator)
        if runner.iter + 1 <= self.start:
            self.averages.module.load_state_dict(generator.state_dict())
        else:
            self.averages.update_parameters(generator)

    def before_val_epoch(self, runner: Runner) -> None:
        """Validate with the means."""
        if self.averages is not None:
            self._exchange(runner)

    def after_val_epoch(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        """Go on with the weights."""
        if self._applied:
            self._exchange(runner)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Store the means beside the weights, also in the middle of a validation."""
        with self.applied(runner, not self._applied):
            generator = unwrap(unwrap(runner.model).generator)
            means = _on_cpu(generator.state_dict())
        if self._applied:
            weights = _on_cpu(self.averages.module.state_dict())
            _replace_generator(checkpoint['state_dict'], weights)
        own = checkpoint.setdefault(CHECKPOINT_KEY, {})
        own['ema'] = {PREFIX + key: value for key, value in means.items()}

    @contextmanager
    def applied(self, runner: Runner, wanted: bool = True) -> Iterator[None]:
        """The generator with the means as its weights, while a block runs.

        Args:
            runner: The runner.
            wanted: False changes nothing.
        """
        exchange = wanted and self.averages is not None and not self._applied
        if exchange:
            self._exchange(runner)
        try:
            yield
        finally:
            if exchange:
                self._exchange(runner)

    @torch.no_grad()
    def _exchange(self, runner: Runner) -> None:
        generator = unwrap(unwrap(runner.model).generator)
        for mine, mean in zip(_tensors(generator), _tensors(self.averages.module)):
            kept = mine.detach().clone()
            mine.copy_(mean)
            mean.copy_(kept)
        self._applied = not self._applied


@contextmanager
def averaged_weights(runner: Runner) -> Iterator[None]:
    """The moving averages in the place of the weights, if the run keeps any."""
    hook = next((h for h in runner.hooks if isinstance(h, GeneratorEMAHook)), None)
    if hook is None:
        yield
        return
    with hook.applied(runner):
        yield


def _tensors(module: nn.Module) -> Iterator[Tensor]:
    yield from module.parameters()
    yield from module.buffers()


def _on_cpu(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {key: value.detach().cpu().clone() for key, value in state.items()}


def _replace_generator(state: dict[str, Tensor], weights: Mapping[str, Tensor]) -> None:
    """Put weights into a state dict, whose names may have those of a wrapper."""
    wrapped = f'{PREFIX}module.'
    prefix = wrapped if any(key.startswith(wrapped) for key in state) else PREFIX
    for key, value in weights.items():
        state[prefix + key] = value
