"""What the logs of runs come to: last values, best scores, speed, time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from posegen.engine.config.signatures import did_you_mean
from posegen.engine.run_logs import SPEED, Curve, RunLog, StageLog, read_runs
from posegen.engine.summary import format_values
from posegen.evaluation.protocols import HIGHER_IS_BETTER
from posegen.utils.errors import ConfigError
from posegen.utils.image_files import make_parent, write_whole

#: Kinds of curves in the order of pictures and tables.
KINDS = ('loss', 'score', 'gradient', 'rate', 'other', 'speed')


def analyze(
    runs: Sequence[str | Path],
    keys: Iterable[str] | None = None,
    out: str | Path | None = None,
    json_file: str | Path | None = None,
    smooth: int = 1,
) -> None:
    """Read the logs of runs, print a table, and write what is asked for.

    Args:
        runs: ``[NAME=]RUN`` arguments of :func:`posegen.engine.run_logs.read_runs`.
        keys: Names or patterns of what to show; None shows all.
        out: PNG file for the curves.
        json_file: File for numbers and curves.
        smooth: Values to average in the picture.

    Raises:
        ConfigError: A run has no name of its own, or a key is unknown; ``out`` is no
            PNG file.
        DataError: There is no log, or it cannot be read; a file cannot be written.
    """
    if out is not None and Path(out).suffix.lower() != '.png':
        raise ConfigError(f'--out must end in .png, got {out}')
    logs = read_runs(runs)
    names = select_keys(logs, keys)
    if out is not None:
        make_parent(Path(out))
        _draw(logs, names, out, smooth)
    if json_file is not None:
        text = json.dumps(logs_as_json(logs, names), indent=2, allow_nan=False)
        make_parent(Path(json_file))
        write_whole(Path(json_file), f'{text}\n'.encode())
    _print_table([row for log in logs for row in summarize(log, names)])
    if out is not None:
        Console().print(Text(f'The curves are in {out}'), soft_wrap=True)


def _print_table(rows: Sequence[StageSummary]) -> None:
    """At its full width: squeezed columns would cut the numbers."""
    table, console = summary_table(rows), Console()
    wide = console.options.update(max_width=10**4)
    needed = console.measure(table, options=wide).maximum
    Console(width=max(needed, console.width)).print(table)


def _draw(
    logs: Sequence[RunLog], keys: Sequence[str], out: str | Path, smooth: int
) -> None:
    from posegen.visualization.run_curves import StageCurves, draw_run_curves

    stages = [(log, stage) for log in logs for stage in log.stages]
    kinds = {k: kind_of(k, stage) for _, stage in stages for k in stage.curves}
    draw_run_curves(
        [
            StageCurves(log.name, stage.stage, stage.curves, stage.iterations)
            for log, stage in stages
        ],
        keys,
        out,
        smooth,
        log_keys=[k for k in keys if kinds[k] in ('loss', 'gradient', 'rate')],
        scores=[k for k in keys if kinds[k] == 'score'],
    )


@dataclass(frozen=True)
class Score:
    """A metric: the last value, and the best one where the better way is known."""

    last: float
    last_at: int
    best: float | None = None
    best_at: int | None = None


@dataclass(frozen=True)
class StageSummary:
    """A stage in numbers.

    Attributes:
        run: Name of the run.
        stage: Name of the stage.
        iterations: Last iteration that is logged or recorded.
        max_iterations: Iterations it was asked for; None without a record.
        finished: Whether it ran to its end; None without a record.
        seconds: Time in all, of all starts together; without a record the logged times
            of iterations, without validations.
        seconds_per_iteration: Median over the lines of the log.
        data_share: Median share of it in which training waited for data.
        memory: Most memory of the GPU in MB; None without one.
        last: Name -> last value of what is logged in training, except the speed.
        scores: Name -> metric of validations.
    """

    run: str
    stage: str
    iterations: int
    max_iterations: int | None
    finished: bool | None
    seconds: float
    seconds_per_iteration: float | None
    data_share: float | None
    memory: float | None
    last: Mapping[str, float]
    scores: Mapping[str, Score]


def kind_of(name: str, stage: StageLog) -> str:
    """One of :data:`KINDS`."""
    if name not in stage.training:
        return 'score'
    if name in SPEED:
        return 'speed'
    if 'grad_norm' in name:
        return 'gradient'
    if re.search(r'(^|[._])lr$', name):
        return 'rate'
    return 'loss' if 'loss' in name else 'other'


def is_higher_better(metric: str) -> bool | None:
    """Which way a metric improves; None where that is not known."""
    name = metric.removeprefix('val/').rpartition('/')[2]
    if name in HIGHER_IS_BETTER:
        return HIGHER_IS_BETTER[name]
    if name in ('epe_zero_flow', 'epe_limb_flow'):  # the same for every model
        return None
    if name.startswith(('epe', 'kd_')):
        return False
    return None


def select_keys(
    runs: Sequence[RunLog], patterns: Iterable[str] | None = None
) -> list[str]:
    """Names of curves, by kind and then as they were logged.

    Args:
        runs: The logs.
        patterns: Names, or shell style patterns such as ``'loss_*'``; None takes all.

    Raises:
        ConfigError: A pattern fits no curve.
    """
    stages = [stage for run in runs for stage in run.stages]
    kinds: dict[str, str] = {}
    for stage in stages:
        for name in stage.curves:
            kinds.setdefault(name, kind_of(name, stage))
    names = sorted(kinds, key=lambda name: KINDS.index(kinds[name]))
    if patterns is None:
        return names
    chosen = []
    for pattern in patterns:
        fitting = [name for name in names if fnmatchcase(name, pattern)]
        if not fitting:
            hint = did_you_mean(pattern, names)
            raise ConfigError(
                f'--keys: nothing called {pattern!r} was logged{hint}; there are '
                f'{", ".join(names)}'
            )
        chosen += fitting
    return [name for name in names if name in chosen]


def summarize(run: RunLog, keys: Iterable[str] | None = None) -> list[StageSummary]:
    """A row for each stage of a run.

    Args:
        run: Its log.
        keys: Names of curves to take the last values and scores of; None takes all.
    """
    return [_summarize(run.name, stage, keys) for stage in run.stages]


def _summarize(run: str, stage: StageLog, keys: Iterable[str] | None) -> StageSummary:
    record = stage.record
    curves = {k: c for k, c in stage.curves.items() if keys is None or k in keys}
    times = stage.training.get('time', {})
    waits = stage.training.get('data_time', {})
    shares = [waits[i] / times[i] for i in times if i in waits and times[i] > 0]
    kinds = {name: kind_of(name, stage) for name in curves}
    return StageSummary(
        run=run,
        stage=stage.stage,
        iterations=stage.iterations,
        max_iterations=record.max_iterations if record else None,
        finished=record.finished if record else None,
        seconds=record.seconds if record else _logged_seconds(times),
        seconds_per_iteration=median(times.values()) if times else None,
        data_share=median(shares) if shares else None,
        memory=max(stage.training.get('memory', {}).values(), default=None),
        last={
            name: _last(curve)[1]
            for name, curve in curves.items()
            if kinds[name] not in ('score', 'speed')
        },
        scores={n: _score(n, c) for n, c in curves.items() if kinds[n] == 'score'},
    )


def _last(curve: Curve) -> tuple[int, float]:
    return list(curve.items())[-1]


def _score(name: str, curve: Curve) -> Score:
    last_at, last = _last(curve)
    higher = is_higher_better(name)
    finite = {i: value for i, value in curve.items() if value == value}
    if higher is None or not finite:
        return Score(last, last_at)
    best_at = (max if higher else min)(finite, key=finite.__getitem__)
    return Score(last, last_at, finite[best_at], best_at)


def _logged_seconds(times: Curve) -> float:
    """Each line stands for the iterations since the one before."""
    starts = [0, *times]
    return sum(
        value * (iteration - start)
        for start, (iteration, value) in zip(starts, times.items())
    )


def summary_table(rows: Sequence[StageSummary]) -> Table:
    """The rows as a table for ``rich``; the run is a column where there are several."""
    several = len({row.run for row in rows}) > 1
    titles = ['stage', 'iterations', 'time', 's/iteration', 'last values', 'scores']
    table = Table(*(['run'] if several else []), *titles)
    for row in rows:
        cells = [_progress(row), _duration(row), _speed(row)]
        cells += [format_values(row.last), _scores(row.scores)]
        run = [Text(row.run)] if several else []
        table.add_row(*run, Text(row.stage), *cells)
    return table


def _progress(row: StageSummary) -> str:
    text = f'{row.iterations:,}'
    if row.finished is False:
        text += f'\nof {row.max_iterations:,}'
    return text


def _duration(row: StageSummary) -> str:
    return str(timedelta(seconds=round(row.seconds)))


def _speed(row: StageSummary) -> str:
    if row.seconds_per_iteration is None:
        return ''
    text = f'{row.seconds_per_iteration:.3g}'
    if row.data_share is not None:
        text += f'\ndata {row.data_share:.0%}'
    if row.memory is not None:
        text += f'\n{row.memory:,.0f} MB'
    return text


def _scores(scores: Mapping[str, Score]) -> str:
    lines = []
    for name, score in scores.items():
        text = f'{name} {score.last:.4g}'
        if score.best is not None:
            text += f', best {score.best:.4g} at {score.best_at:,}'
        lines.append(text)
    return '\n'.join(lines)


def logs_as_json(runs: Sequence[RunLog], keys: Sequence[str]) -> dict[str, Any]:
    """Everything in plain types.

    Returns:
        ``{run: {stage: {..summary.., 'curves': {name: [[iteration, value], ...]}}}}``;
        values that are not finite are None.
    """
    return {
        run.name: {
            row.stage: _plain(asdict(row)) | {'curves': _points(stage, keys)}
            for row, stage in zip(summarize(run, keys), run.stages)
        }
        for run in runs
    }


def _points(stage: StageLog, keys: Sequence[str]) -> dict[str, list[list]]:
    return {
        name: [[iteration, _plain(value)] for iteration, value in curve.items()]
        for name, curve in stage.curves.items()
        if name in keys
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    is_number = isinstance(value, float)
    return None if is_number and not abs(value) < float('inf') else value
