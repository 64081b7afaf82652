"""Pictures of how scores move in training."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_score_curve(rows: Sequence[Mapping[str, str]], file: str | Path) -> None:
    """Draw the losses and the scores of all stages, one after the other.

    Args:
        rows: Rows with ``stage`` and ``iteration``; other columns that begin with
            ``loss`` go into the left picture, with a logarithmic axis, the rest into
            the right one. Empty cells are left out.
        file: PNG file to write.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout='constrained')
    left, right = figure.subplots(1, 2)
    stages = _stages_on_one_axis(rows)
    names = [name for name in rows[0] if name not in ('stage', 'iteration')]
    for index, name in enumerate(names):
        axes = left if name.startswith('loss') else right
        label: str | None = name
        for stage in stages:
            points = [(x, float(row[name])) for x, row in stage if row[name]]
            if points:
                axes.plot(*zip(*points), marker='.', color=f'C{index}', label=label)
                label = None
    left.set_yscale('log')
    for axes in (left, right):
        axes.set_xlabel('iteration')
        axes.legend()
        for stage in stages[1:]:
            axes.axvline(stage[0][0], color='grey', linewidth=0.8)
    save_figure(figure, file)


def save_figure(figure: Figure, file: str | Path) -> None:
    """Write a figure of matplotlib as PNG, complete or not at all; makes the folder."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    path = Path(file)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f'.{path.name}.partial')
    FigureCanvasAgg(figure).print_png(str(partial))
    os.replace(partial, path)


def _stages_on_one_axis(
    rows: Sequence[Mapping[str, str]],
) -> list[list[tuple[int, Mapping[str, str]]]]:
    """The rows of each stage, with their iteration counted through all stages."""
    stages, start = [], 0
    for _, group in groupby(rows, key=lambda row: row['stage']):
        stages.append([(start + int(row['iteration']), row) for row in group])
        start = stages[-1][-1][0]
    return stages
