"""Saving and leaving when the process is told to stop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from posegen.engine.agreement import any_process, from_all
from posegen.engine.preemption import StopSignal
from posegen.registry import HOOKS
from posegen.utils.errors import Preempted


@HOOKS.register_module()
class PreemptionHook(Hook):
    """At the end of an iteration, saves and leaves if any process got SIGTERM.

    In a validation it leaves after the batch; a resumed run validates again.

    Args:
        stop: The flag that the signal sets.
    """

    # After the checkpoint that may be due at the same iteration.
    priority = 'LOWEST'

    def __init__(self, stop: StopSignal) -> None:
        self.stop = stop
        self._val_batches = 0

    def before_val(self, runner: Runner) -> None:
        """Processes may have different numbers of batches: they agree on the least."""
        self._val_batches = min(from_all(len(runner.val_dataloader)))

    def after_train_iter(self, runner: Runner, *args, **kwargs) -> None:
        """Look at the flag.

        Raises:
            Preempted: It is set; the state is saved.
        """
        if any_process(self.stop.received):
            self._leave(runner, runner.iter + 1)

    def after_val_iter(
        self, runner: Runner, batch_idx: int, *args: Any, **kwargs: Any
    ) -> None:
        """Look at the flag, as often as all processes can.

        Raises:
            Preempted: It is set; the state of training is saved.
        """
        if batch_idx >= self._val_batches or runner.iter == 0:
            return
        if any_process(self.stop.received):
            self._leave(runner, runner.iter)

    def _leave(self, runner: Runner, done: int) -> None:
        self.stop.heeded.set()
        path = Path(runner.work_dir, f'iter_{done}.pth')
        # The first process looks for all: they save together, or none does.
        if any_process(is_main_process() and not path.exists()):
            meta = dict(epoch=runner.epoch, iter=done)
            runner.save_checkpoint(str(path.parent), path.name, meta=meta)
        runner.logger.info(f'Stopped by SIGTERM: {path} holds iteration {done}')
        raise Preempted(
            f'stopped by SIGTERM after iteration {done}, which {path} holds; the same '
            'command with --resume goes on from there'
        )
