"""Stop at the first loss that is not a number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from posegen.engine.agreement import any_process
from posegen.engine.finite import as_numbers, not_finite, stop_run
from posegen.registry import HOOKS


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Ends training when a value that the model returned is nan or infinite.

    Going on would only spread it: Adam never forgets a nan. Gradients are looked at
    before that, in :class:`~posegen.engine.optim_wrappers.OptimWrapper`; this finds
    what leaves them finite.
    """

    # Before anything is logged or saved.
    priority = 'VERY_HIGH'

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Mapping[str, Any] | None = None,
        outputs: Mapping[str, Any] | None = None,
    ) -> None:
        """Look at every value; all processes stop together.

        Raises:
            NonFiniteError: With the iteration, the values and the samples, after the
                state has been saved.
        """
        values = as_numbers(outputs or {})
        if any_process(bool(not_finite(values))):
            done = runner.iter + 1
            stop_run(runner, values, data_batch, iteration=done, done=done)
