"""One optimizer step from one batch or several, the phase of a training step.

Several batches give the gradient of one batch that holds them all: each is passed
through on its own, its loss divided by their number, and only then a step is taken. So
a large batch can be trained where memory holds a part of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import TypeVar

from mmengine.optim import OptimWrapper
from torch import Tensor, nn

from posegen.utils.errors import NonFiniteError

_Batch = TypeVar('_Batch')
Losses = dict[str, Tensor]
#: A wrapper with the keys of the losses that it minimises; None: all.
Shares = Sequence[tuple[OptimWrapper, Sequence[str] | None]]


def optimize(
    shares: Shares,
    network: nn.Module,
    batches: Sequence[_Batch],
    losses_of: Callable[[_Batch], tuple[Losses, Mapping[str, Tensor | float]]],
) -> dict[str, Tensor | float]:
    """Take one step of each optimizer, on the mean loss of all batches.

    Processes exchange their gradients once, after the last batch. Each batch is
    computed in the precision of the optimizers, in a context of its own: weights that
    automatic mixed precision has converted must not outlive the step that changes them.

    Args:
        shares: The optimizers, and which losses each minimises.
        network: What they train, bare or wrapped for distributed training.
        batches: At least one.
        losses_of: From a batch to the losses (scalars with gradient, means over the
            samples) and to values to log.

    Returns:
        Losses and values, detached, the means over the batches.

    Raises:
        NonFiniteError: Gradients are not finite; no weight has changed. It names the
            losses that are not.
    """
    logs: list[dict[str, Tensor | float]] = []
    for index, batch in enumerate(batches):
        with _syncing(network, last=index == len(batches) - 1):
            with ExitStack() as contexts:
                for wrapper, _ in shares:
                    contexts.enter_context(wrapper.optim_context(network))
                losses, monitors = losses_of(batch)
            for wrapper, names in shares:
                chosen = losses if names is None else {n: losses[n] for n in names}
                wrapper.backward(sum(chosen.values()) / len(batches))
        logs.append({k: _detached(v) for k, v in {**losses, **monitors}.items()})
    means = {key: sum(log[key] for log in logs) / len(logs) for key in logs[0]}
    # Only now: of several optimizers none may step before all gradients are there.
    for wrapper, _ in shares:
        _step(wrapper, means)
    return means


def each_with(
    batches: Sequence[_Batch], outputs: Sequence[Mapping] | None
) -> Iterator[tuple[_Batch, Mapping | None]]:
    """Batches with what was computed for them already, or with None."""
    return zip(batches, outputs or [None] * len(batches))


def as_batches(data: Mapping | Sequence[Mapping]) -> list[Mapping]:
    """The batches of a training step: the loop gives one, or a list to accumulate."""
    return [data] if isinstance(data, Mapping) else list(data)


def _syncing(network: nn.Module, last: bool) -> AbstractContextManager:
    """Whether processes exchange gradients after the next backward pass."""
    wrapped = hasattr(network, 'no_sync')
    return network.no_sync() if wrapped and not last else nullcontext()


def _detached(value: Tensor | float) -> Tensor | float:
    return value.detach() if isinstance(value, Tensor) else value


def _step(wrapper: OptimWrapper, logs: Mapping[str, Tensor | float]) -> None:
    try:
        wrapper.step()
    except NonFiniteError as error:
        error.found = {key: float(value) for key, value in logs.items()} | error.found
        raise
    wrapper.zero_grad()
