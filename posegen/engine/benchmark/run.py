"""Several cases one after the other, each measurement in a process of its own."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from posegen.engine.benchmark.blocks import measure_blocks, whole_models
from posegen.engine.benchmark.cases import Case
from posegen.engine.benchmark.complexity import describe_complexity
from posegen.engine.benchmark.measure import (
    describe_machine,
    measure_inference,
    measure_training,
)
from posegen.engine.benchmark.processes import ProcessDied, in_fresh_process
from posegen.engine.benchmark.profile import profile_training
from posegen.utils.errors import PosegenError
from posegen.utils.progress import track

#: What is timed of a case -> the function that does.
WORKS: dict[str, Callable[..., dict[str, Any]]] = dict(
    train=measure_training, infer=measure_inference
)
KILLED = 'its process was killed, most likely out of memory'


@dataclass(frozen=True)
class Amount:
    """How often what is timed is done.

    Attributes:
        iterations: Calls that are timed.
        warmup: Calls before them.
    """

    iterations: int = 10
    warmup: int = 2


def benchmark(
    cases: Sequence[Case],
    amount: Amount,
    works: Sequence[str] = tuple(WORKS),
    profile: bool = False,
    blocks: bool = False,
) -> dict[str, Any]:
    """Measure cases.

    Args:
        cases: What to measure, all on one device.
        amount: How often.
        works: Out of :data:`WORKS`.
        profile: Also say where the time of a training step goes.
        blocks: Also measure the non-local blocks by themselves, and every case with
            each of them in the place of its own.

    Returns:
        ``machine``; ``iterations``, ``warmup``; ``rows``: one a case, with what
        :func:`~posegen.engine.benchmark.complexity.describe_complexity` says of it and
        a dict for each of the works; ``profiles`` and ``blocks``, with the same columns
        for the case; ``notes``: sentences on what was changed for the measurement.

        What could not be measured has ``error`` in place of numbers, and, unless the
        memory did not do, ``traceback``; see :func:`failures`.

    Raises:
        ConfigError: There is no such device, or no block to compare others with.
    """
    device = cases[0].device
    report: dict[str, Any] = dict(
        machine=_machine(device), iterations=amount.iterations, warmup=amount.warmup
    )
    whole = whole_models(cases) if blocks else cases
    report['rows'] = _rows(whole, amount, works)
    report['blocks'] = _block_rows(cases, amount) if blocks else []
    report['profiles'] = _profiles(cases, amount) if profile else []
    report['notes'] = _take_notes(report)
    return report


def failures(report: Mapping[str, Any]) -> list[str]:
    """A sentence on each measurement that failed; lack of memory is a result.

    Args:
        report: Of :func:`benchmark`.
    """
    rows = [*report['rows'], *report['blocks'], *report['profiles']]
    return [
        f'{row["config"]}, stage {row["stage"]}: {part["error"]}'
        for row in rows
        for part in (row, *(row[work] for work in WORKS if work in row))
        if 'traceback' in part
    ]


def _machine(device: str) -> dict[str, Any]:
    if not device.startswith('cuda'):
        return describe_machine(device)
    # A look at a GPU takes memory of it for as long as the process lives.
    return in_fresh_process(describe_machine, device, device=device)


def _rows(
    cases: Sequence[Case], amount: Amount, works: Sequence[str]
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    known: dict[tuple, dict[str, Any]] = {}
    for case in track(cases, 'cases', len(cases)):
        key = (case.config, case.stage, case.size, case.variant)
        if key not in known:
            known[key] = _in_process(describe_complexity, case)
            known[key].pop('modules', None)
        results = {work: _in_process(WORKS[work], case, amount) for work in works}
        rows.append(columns(case) | known[key] | results)
    return rows


def _block_rows(cases: Sequence[Case], amount: Amount) -> list[dict[str, Any]]:
    rows = []
    for case in track(cases, 'blocks', len(cases)):
        found = _in_process(measure_blocks, case, amount)
        found = [dict(block='all', **found)] if isinstance(found, dict) else found
        rows += [columns(case) | row for row in found]
    return rows


def _profiles(cases: Sequence[Case], amount: Amount) -> list[dict[str, Any]]:
    return [
        columns(case) | _in_process(profile_training, case, amount)
        for case in track(cases, 'profiles', len(cases))
    ]


def columns(case: Case) -> dict[str, Any]:
    """A case in a row."""
    return dict(
        config=case.config,
        name=Path(case.config).stem,
        stage=case.stage,
        size=list(case.size),
        batch_size=case.batch_size,
        device=case.device,
        amp=case.amp,
        options=list(case.options),
        variant=case.variant,
    )


def _in_process(function: Callable, case: Case, amount: Amount | None = None) -> Any:
    more = (amount.iterations, amount.warmup) if amount else ()
    try:
        return in_fresh_process(attempt, function, case, *more, device=case.device)
    except ProcessDied:
        return dict(error=KILLED)


def attempt(function: Callable, *args: Any) -> Any:
    """What a function returns, or its ``error``, so that other cases still run."""
    try:
        # What models and MMEngine have to say belongs to no table.
        with redirect_stdout(sys.stderr):
            return function(*args)
    except PosegenError as error:
        return dict(error=str(error), traceback='')
    except Exception as error:
        reason = str(error).strip().partition('\n')[0]
        return dict(
            error=f'{type(error).__name__}: {reason}', traceback=traceback.format_exc()
        )


def _take_notes(report: dict[str, Any]) -> list[str]:
    """Each note once, with the configs that it is about."""
    about: dict[str, list[str]] = {}
    for row in [*report['rows'], *report['profiles']]:
        parts = [row, *(row[work] for work in WORKS if work in row)]
        for note in (note for part in parts for note in part.pop('notes', ())):
            names = about.setdefault(note, [])
            if row['name'] not in names:
                names.append(row['name'])
    return [f'{", ".join(names)}: {note}' for note, names in about.items()]
