"""Seconds per iteration, and the time that is left."""

from __future__ import annotations

import time
from typing import Any

from mmengine import hooks
from mmengine.runner import Runner

from posegen.registry import HOOKS


@HOOKS.register_module()
class IterTimerHook(hooks.IterTimerHook):
    """MMEngine's timer, with a time left that holds for the whole stage.

    ``data_time`` is the time that an iteration waited for its batch, and ``time`` that
    and the step. MMEngine has checkpoints, pictures and the metrics of a validation in
    the ``data_time`` of the iteration behind them.

    For the time left MMEngine multiplies the mean time of a training iteration. That
    leaves the batches of validation out, and the first iteration in, which compiles and
    tries algorithms and may take minutes: too little in the long run, far too much at
    the start and after every resume. Here the clock of the wall counts, from the end of
    the first iteration of this process on, with all that comes between iterations.

    In validation and tests it is MMEngine's: the mean time of a batch so far times
    the batches that are left.
    """

    def before_train(self, runner: Runner) -> None:
        """Start anew, at the iteration that is resumed."""
        super().before_train(runner)
        self._first: tuple[float, int] | None = None
        runner.register_hook(_EndOfIteration(self), 'LOWEST')

    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        """Note the time of the iteration, and what is left."""
        super().after_train_iter(runner, *args, **kwargs)
        now, done = time.monotonic(), runner.iter + 1
        if self._first is None:
            self._first = now, done
            return
        start, before = self._first
        left = (now - start) / (done - before) * (runner.max_iters - done)
        runner.message_hub.update_info('eta', left)


class _EndOfIteration(hooks.Hook):
    """Tells the timer when everything is done that follows a step or a validation."""

    def __init__(self, timer: IterTimerHook) -> None:
        self.timer = timer

    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        self.timer.t = time.time()

    def after_val_epoch(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        self.timer.t = time.time()
