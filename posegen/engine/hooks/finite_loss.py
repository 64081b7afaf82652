"""Stop at the first loss that is not a number."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from posegen.registry import HOOKS
from posegen.utils.errors import PosegenError


class NonFiniteLossError(PosegenError, ArithmeticError):
    """A loss became nan or infinite."""


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Ends training when a value that the model returned is nan or infinite.

    Going on would only spread it: Adam never forgets a nan.
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
        """Look at every value.

        Raises:
            NonFiniteLossError: With the iteration, the values and the samples.
        """
        values = {name: _number(value) for name, value in (outputs or {}).items()}
        bad = {name: v for name, v in values.items() if not math.isfinite(v)}
        if not bad:
            return
        found = ', '.join(f'{name} is {value}' for name, value in bad.items())
        raise NonFiniteLossError(
            f'{found} at iteration {runner.iter + 1}{_samples(data_batch)}; look at '
            'these samples, lower the learning rate, or clip gradients with '
            'optim_wrapper.generator.clip_grad=dict(max_norm=...)'
        )


def _number(value: Tensor | float) -> float:
    return value.item() if isinstance(value, Tensor) else float(value)


def _samples(batch: Mapping[str, Any] | None) -> str:
    if not isinstance(batch, Mapping) or 'source_name' not in batch:
        return ''
    pairs = zip(batch['source_name'], batch['target_name'])
    return f' (samples {", ".join(f"{a} -> {b}" for a, b in pairs)})'
