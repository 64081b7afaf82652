"""All switches one after the other, and what they bring as tables."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from rich.table import Table

from posegen.engine.benchmark.cases import Case
from posegen.engine.benchmark.measure import describe_machine
from posegen.engine.benchmark.run import Amount, attempt, columns
from posegen.engine.benchmark.tables import format_table, machine_line, make_table
from posegen.engine.speed import switches
from posegen.engine.speed.compare import Comparison, compare
from posegen.utils.progress import track

#: Name on the command line -> what gives the comparisons.
SWITCHES: dict[str, Callable[[Case], Iterator[Comparison]]] = dict(
    parts=switches.batched_parts,
    features=switches.feature_passes,
    similarity=switches.similarity,
    amp=switches.mixed_precision,
    accumulate=switches.accumulation,
    ema=switches.average,
    compile=switches.compiled,
)


def measure_speed(
    case: Case, amount: Amount, names: Sequence[str] = tuple(SWITCHES)
) -> dict[str, Any]:
    """Measure switches on a config, with random weights and random batches.

    Args:
        case: The config, its last stage, a size, a batch and a device. All but the
            switch ``amp`` are measured in its precision.
        amount: How often each way is timed.
        names: Out of :data:`SWITCHES`.

    Returns:
        ``machine``; the columns of the case; ``switches``: name -> rows of
        :func:`~posegen.engine.speed.compare.compare`, or a dict with ``error`` and
        ``traceback``; see :func:`failures`.
    """
    found = {}
    for name in track(names, 'switches', len(names)):
        found[name] = attempt(_measure, SWITCHES[name], case, amount)
        torch.compiler.reset()
        gc.collect()
        if torch.device(case.device).type == 'cuda':
            torch.cuda.empty_cache()
    return dict(
        machine=describe_machine(case.device),
        iterations=amount.iterations,
        warmup=amount.warmup,
        **columns(case),
        switches=found,
    )


def _measure(
    switch: Callable[[Case], Iterator[Comparison]], case: Case, amount: Amount
) -> list[dict]:
    return [
        row
        for comparison in switch(case)
        for row in compare(comparison, amount, case.device)
    ]


def failures(report: Mapping[str, Any]) -> list[str]:
    """A sentence on each switch that could not be measured."""
    return [
        f'{name}: {rows["error"]}'
        for name, rows in report['switches'].items()
        if isinstance(rows, Mapping)
    ]


def format_speed(report: Mapping[str, Any]) -> str:
    """The report of :func:`measure_speed` as a table for each switch."""
    height, width = report['size']
    amp = '' if report['amp'] == 'off' else f', {report["amp"]}'
    lines = [
        machine_line(report['machine']),
        f'{report["name"]} at {height}x{width}, batch {report["batch_size"]}{amp}; '
        f'{report["iterations"]} rounds after {report["warmup"]}',
    ]
    for name, rows in report['switches'].items():
        failed = isinstance(rows, Mapping)
        lines.append(f'{name}: {rows["error"]}' if failed else _table_text(name, rows))
    return '\n\n'.join(lines)


def _table_text(name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    table: Table = make_table(
        [name, 'way'],
        ['ms p50', 'ms min', 'times as fast', 'peak MB', 'first s', 'outputs', 'grads'],
    )
    seen = None
    for row in rows:
        table.add_row(
            '' if row['what'] == seen else row['what'],
            row['way'],
            f'{row["ms_p50"]:,.1f}',
            f'{row["ms_min"]:,.1f}',
            f'{row["times_as_fast"]:.2f}',
            f'{row["peak_mb"]:,.1f}',
            f'{row["first_s"]:.1f}',
            *(_error(row[f'{key}_error']) for key in ('output', 'gradient')),
        )
        seen = row['what']
    return format_table(table)


def _error(value: float | None) -> str:
    return '' if value is None else f'{value:.0e}'
