"""Keeping the record of a stage up to date."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from posegen.engine.stage_record import StageRecord
from posegen.engine.weights import CHECKPOINT_KEY
from posegen.registry import HOOKS


@HOOKS.register_module()
class StageRecordHook(Hook):
    """Writes ``stage.json`` at every checkpoint and validation.

    Args:
        record: The record so far; it is changed.
    """

    # After losses and metrics have been logged, before a checkpoint is written.
    priority = 'LOW'

    def __init__(self, record: StageRecord) -> None:
        self.record = record
        self._seconds_before = record.seconds
        self._started = time.monotonic()

    def before_train(self, runner: Runner) -> None:
        """Start the clock."""
        self._started = time.monotonic()
        self.record.finished = False
        self.record.max_iterations = runner.max_iters
        runner.train_loop.validated_at = self.record.validated_at
        self._write(runner, runner.iter)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Put the stage into the checkpoint, and where training is into the record."""
        self._update(runner, checkpoint['meta']['iter'])
        own = checkpoint.setdefault(CHECKPOINT_KEY, {})
        own.update(
            stage=self.record.stage,
            seconds=self.record.seconds,
            validated_at=self.record.validated_at,
        )
        if is_main_process():
            self.record.save(Path(runner.work_dir))

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Take over the time of the earlier run when it is the same stage's.

        A checkpoint is written before the validation of its iteration, which may change
        what is in the next one: learning rates, the best value so far. So the run goes
        on from the last validation that this checkpoint knows of, and repeats a later
        one.
        """
        own = checkpoint.get(CHECKPOINT_KEY, {})
        if own.get('stage') == self.record.stage:
            self._seconds_before = own['seconds']
            # Checkpoints of earlier versions do not say.
            self.record.validated_at = own.get('validated_at', self.record.validated_at)

    def after_val_epoch(
        self, runner: Runner, metrics: Mapping[str, Any] | None = None
    ) -> None:
        """Note the metrics."""
        self.record.metrics = {k: float(v) for k, v in (metrics or {}).items()}
        self.record.validated_at = runner.iter
        self._write(runner, runner.iter)

    def after_train(self, runner: Runner) -> None:
        """Note the end."""
        self._write(runner, runner.iter)

    def _write(self, runner: Runner, iterations: int) -> None:
        self._update(runner, iterations)
        if is_main_process():
            self.record.save(Path(runner.work_dir))

    def _update(self, runner: Runner, iterations: int) -> None:
        self.record.iterations = iterations
        self.record.seconds = self._seconds_before + time.monotonic() - self._started
        window = runner.log_processor.window_size
        self.record.losses = {
            name.removeprefix('train/'): float(buffer.mean(window))
            for name, buffer in runner.message_hub.log_scalars.items()
            if name.startswith('train/') and 'loss' in name
        }
