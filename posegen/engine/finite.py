"""Ending a run whose numbers have gone wrong, with the state saved for a look."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import torch
from mmengine.runner import Runner
from torch import Tensor

from posegen.engine.agreement import from_all
from posegen.utils.errors import NonFiniteError


def as_numbers(values: Mapping[str, Tensor | float]) -> dict[str, float]:
    """Scalars as Python's numbers; a GPU is waited for once, not once a value."""
    tensors = {k: v for k, v in values.items() if isinstance(v, Tensor)}
    numbers = {k: float(v) for k, v in values.items() if k not in tensors}
    if tensors:
        stacked = torch.stack([t.detach().double().mean() for t in tensors.values()])
        numbers |= dict(zip(tensors, stacked.tolist()))
    return {key: numbers[key] for key in values}


def not_finite(values: Mapping[str, float]) -> dict[str, float]:
    """Those of some values that are nan or infinite."""
    return {name: v for name, v in values.items() if not math.isfinite(v)}


def stop_run(
    runner: Runner, values: Mapping[str, float], data: Any, iteration: int, done: int
) -> NoReturn:
    """Save the state and end the run; all processes must call it together.

    Args:
        runner: The runner.
        values: What this process has computed, finite or not.
        data: Its batch, or batches.
        iteration: The iteration that went wrong, counted from 1.
        done: Iterations whose steps are in the weights.

    Raises:
        NonFiniteError: Always: the values, the iteration, the samples of the processes
            in which a loss went wrong, and the file.
    """
    reports = from_all((not_finite(values), sample_names(data)))
    # Gradients are shared, so those of all are bad; losses tell whose samples did it.
    losses = [(_without_norms(bad), names) for bad, names in reports]
    guilty = [report for report in losses if report[0]] or reports[:1]
    found = {key: value for report in guilty for key, value in report[0].items()}
    samples = [name for report in guilty for name in report[1]]
    name = f'nonfinite_iter_{done}.pth'
    meta = dict(epoch=runner.epoch, iter=done)
    runner.save_checkpoint(runner.work_dir, name, meta=meta, by_epoch=False)
    what = ', '.join(f'{key} is {value}' for key, value in found.items())
    where = f' (samples {", ".join(samples)})' if samples else ''
    raise NonFiniteError(
        f'{what} at iteration {iteration}{where}; the state is saved in '
        f'{runner.work_dir}/{name}: look at these samples, or start from it '
        '(load_from=...) with a lower learning rate or clipped gradients '
        '(optim_wrapper.generator.clip_grad=dict(max_norm=...))',
        found,
    )


def sample_names(data: Any) -> list[str]:
    """``source -> target`` of each sample of a batch, or of several; else nothing."""
    batches: Sequence[Any] = data if isinstance(data, list | tuple) else [data]
    return [
        f'{source} -> {target}'
        for batch in batches
        if isinstance(batch, Mapping) and 'source_name' in batch
        for source, target in zip(batch['source_name'], batch['target_name'])
    ]


def _without_norms(values: Mapping[str, float]) -> dict[str, float]:
    return {k: v for k, v in values.items() if not k.startswith('grad_norm')}
