"""Ways to compute the same thing, timed by turns and compared in their results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from torch import Tensor

from posegen.engine.benchmark.run import Amount
from posegen.engine.benchmark.timing import time_calls
from posegen.models.def_gan.benchmark import peak_memory

#: Outputs, and gradients.
Results = tuple[Sequence[Tensor], Sequence[Tensor]]


@dataclass(frozen=True)
class Way:
    """One way to compute something.

    Attributes:
        name: For the table.
        run: Computes it, and gives outputs and gradients.
    """

    name: str
    run: Callable[[], Results]


@dataclass(frozen=True)
class Comparison:
    """Several ways, the first of which the others are measured against.

    Attributes:
        what: What is computed.
        ways: At least two.
    """

    what: str
    ways: Sequence[Way]


def compare(comparison: Comparison, amount: Amount, device: str) -> list[dict]:
    """Measure the ways of a comparison.

    The first call of each gives what the results are compared by. Then each way is
    timed once a round, so that what else happens on the machine meets all of them.

    Args:
        comparison: What to measure.
        amount: Rounds that are timed, and rounds before them.
        device: Device that the ways work on.

    Returns:
        For each way ``what``, ``way``; ``first_s``, seconds of the first call;
        ``ms_p50`` and ``ms_min`` of the timed ones; ``times_as_fast`` as the first
        way, by the medians; ``peak_mb``, what PyTorch's allocator gave out at most
        above what was there; ``output_error`` and ``gradient_error``, see
        :func:`largest_difference`, None where there is nothing to compare.
    """
    rows: list[dict[str, Any]] = []
    expected: Results = ((), ())
    for way in comparison.ways:
        found: list[Results] = []
        (first,) = time_calls(lambda w=way, f=found: f.append(w.run()), 1, 0, device)
        expected = expected if rows else found[0]
        outputs, gradients = map(largest_difference, expected, found[0])
        rows.append(
            dict(
                what=comparison.what,
                way=way.name,
                first_s=first,
                output_error=outputs,
                gradient_error=gradients,
            )
        )
    for way, row in zip(comparison.ways, rows):
        row['peak_mb'] = peak_memory(way.run, device)
    times = _by_turns([way.run for way in comparison.ways], amount, device)
    for row, seconds in zip(rows, times):
        row['ms_p50'], row['ms_min'] = median(seconds) * 1e3, min(seconds) * 1e3
        row['times_as_fast'] = median(times[0]) / median(seconds)
    return rows


def largest_difference(
    expected: Iterable[Tensor], found: Iterable[Tensor]
) -> float | None:
    """Largest difference, as a fraction of the largest value of all that is expected.

    Args:
        expected: Tensors of any shapes.
        found: As many, of the same shapes.

    Returns:
        The fraction, or None where there are no tensors.
    """
    pairs = [(e.double(), f.double()) for e, f in zip(expected, found, strict=True)]
    if not pairs:
        return None
    largest = max(float(e.abs().max()) for e, _ in pairs)
    return max(float((f - e).abs().max()) for e, f in pairs) / (largest or 1.0)


def _by_turns(
    runs: Sequence[Callable[[], Any]], amount: Amount, device: str
) -> list[list[float]]:
    """Seconds of each run in each round."""
    for run in runs:
        time_calls(run, 0, amount.warmup, device)
    rounds = [
        [seconds for run in runs for seconds in time_calls(run, 1, 0, device)]
        for _ in range(amount.iterations)
    ]
    return [list(column) for column in zip(*rounds)]
