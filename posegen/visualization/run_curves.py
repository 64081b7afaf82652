"""Pictures of what training runs have logged, over each other."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from posegen.visualization.curves import save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Curves = Mapping[str, Mapping[int, float]]
"""Name -> iteration -> value."""

_COLUMNS = 4
_INCHES = (3.4, 2.3)  # width and height of a panel
_STEEP = 10  # ratio of two values of a curve from which its axis is logarithmic


@dataclass(frozen=True)
class StageCurves:
    """The curves of one stage of one run.

    Attributes:
        run: Name of the run.
        stage: Name of the stage; stages of one name are drawn over each other.
        curves: The curves.
        iterations: Length of the stage.
    """

    run: str
    stage: str
    curves: Curves
    iterations: int


class _Line(NamedTuple):
    color: str
    start: int
    curve: Mapping[int, float]


def draw_run_curves(
    stages: Sequence[StageCurves],
    keys: Sequence[str],
    file: str | Path,
    smooth: int = 1,
    log_keys: Iterable[str] = (),
    scores: Iterable[str] = (),
) -> None:
    """Draw a panel for each name, a line in it for each run, stages behind each other.

    Args:
        stages: Stages of all runs; those of a run in their order.
        keys: Names of the panels, in their order.
        file: PNG file to write.
        smooth: Values to average, the one drawn and those before it in its stage; from
            2 on the values themselves are drawn pale.
        log_keys: Names whose axis is logarithmic where values are positive and far
            apart, such as those of losses.
        scores: Names of few values that each stand for itself, such as the metrics of
            validations: drawn as points, never averaged.

    Raises:
        ValueError: There is nothing to draw, or ``smooth`` is below 1.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import EngFormatter

    if smooth < 1 or not keys:
        raise ValueError(f'expected keys and smooth >= 1, got {keys} and {smooth}')
    starts = place_stages(stages)
    columns = min(_COLUMNS, len(keys))
    rows = math.ceil(len(keys) / columns)
    size = (max(columns, 2) * _INCHES[0], rows * _INCHES[1] + 0.4)
    figure = Figure(figsize=size, layout='constrained')
    panels = figure.subplots(rows, columns, squeeze=False).flat
    for key, axes in zip(keys, panels):
        lines = list(_lines(stages, key, starts))
        _draw_lines(axes, lines, 0 if key in scores else smooth)
        if key in log_keys and _is_steep(lines):
            axes.set_yscale('log')
        axes.set_title(key, fontsize=10)
        axes.tick_params(which='both', labelsize=7)
        _mark_stages(axes, starts)
        axes.set_xlim(0, max(starts[s.stage] + s.iterations for s in stages))
        axes.xaxis.set_major_formatter(EngFormatter(sep=''))
    for axes in panels:  # those that are left
        axes.axis('off')
    runs = list(dict.fromkeys(stage.run for stage in stages))
    if len(runs) > 1:
        lines = [
            figure.axes[0].plot([], [], color=f'C{index % 10}', label=run)[0]
            for index, run in enumerate(runs)
        ]
        figure.legend(handles=lines, loc='outside upper center', ncols=len(runs))
    save_figure(figure, file)


def place_stages(stages: Sequence[StageCurves]) -> dict[str, int]:
    """Where each stage begins on an axis through all of them.

    Stages of one name begin at the same place in all runs, behind the longest of the
    stage before.
    """
    lengths: dict[str, int] = {}
    for stage in stages:
        lengths[stage.stage] = max(lengths.get(stage.stage, 0), stage.iterations)
    starts, start = {}, 0
    for name, length in lengths.items():
        starts[name] = start
        start += length
    return starts


def running_mean(values: Sequence[float], count: int) -> np.ndarray:
    """Means of each value and up to ``count - 1`` before it; nan is left out."""
    numbers = np.asarray(values, dtype=float)
    known = np.isfinite(numbers)
    sums = np.cumsum(np.where(known, numbers, 0))
    counts = np.cumsum(known).astype(float)
    sums[count:] -= sums[:-count].copy()
    counts[count:] -= counts[:-count].copy()
    with np.errstate(invalid='ignore'):
        return np.where(counts > 0, sums, np.nan) / np.maximum(counts, 1)


def _draw_lines(axes: Axes, lines: Sequence[_Line], smooth: int) -> None:
    """Draw the lines of a panel; ``smooth=0`` draws points as well."""
    for color, start, curve in lines:
        x, y = [start + iteration for iteration in curve], list(curve.values())
        if smooth > 1:
            axes.plot(x, y, color=color, linewidth=0.8, alpha=0.3)
            y = running_mean(y, smooth)
        marker = '' if smooth and len(x) > 1 else '.'
        axes.plot(x, y, color=color, linewidth=1.2, marker=marker, markersize=5)


def _is_steep(lines: Sequence[_Line]) -> bool:
    values = [v for _, _, curve in lines for v in curve.values() if math.isfinite(v)]
    return bool(values) and 0 < min(values) * _STEEP <= max(values)


def _mark_stages(axes: Axes, starts: Mapping[str, int]) -> None:
    if len(starts) == 1:
        return
    for name, start in starts.items():
        axes.axvline(start, color='grey', linewidth=0.6, alpha=0.6)
        axes.annotate(
            name,
            (start, 1),
            (2, -2),
            xycoords=('data', 'axes fraction'),
            textcoords='offset points',
            va='top',
            fontsize=7,
            color='grey',
        )


def _lines(
    stages: Sequence[StageCurves], key: str, starts: Mapping[str, int]
) -> Iterator[_Line]:
    """The lines of a panel."""
    runs = list(dict.fromkeys(stage.run for stage in stages))
    for stage in stages:
        if curve := stage.curves.get(key):
            color = f'C{runs.index(stage.run) % 10}'
            yield _Line(color, starts[stage.stage], curve)
