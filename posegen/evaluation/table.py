"""The result of scoring: a table that prints and saves itself."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.markup import escape
from rich.table import Table

from posegen.evaluation.manifest import write_text
from posegen.evaluation.pairs import Pair
from posegen.evaluation.protocols import HIGHER_IS_BETTER

Interval = tuple[float, float]


@dataclass(frozen=True)
class ScoreRow:
    """Scores of one method under one protocol.

    Attributes:
        name: The method.
        protocol: Name of the protocol.
        n: Number of images.
        values: Metric -> score of the set.
        missing: Metric of the protocol -> why it has no value.
        intervals: Metric -> 95 % bootstrap interval over the images.
    """

    name: str
    protocol: str
    n: int
    values: Mapping[str, float]
    missing: Mapping[str, str] = field(default_factory=dict)
    intervals: Mapping[str, Interval] = field(default_factory=dict)


@dataclass(frozen=True)
class SliceRow:
    """Scores of one method over a part of the pairs, or over a part of their pixels.

    Attributes:
        name: The method.
        protocol: Name of the protocol.
        kind: What was sliced by, as in 'pose distance'.
        part: Which part, as in 'far'.
        n: Number of images.
        values: Metric -> score.
    """

    name: str
    protocol: str
    kind: str
    part: str
    n: int
    values: Mapping[str, float]


@dataclass(frozen=True)
class PairScores:
    """What each pair of one method got.

    Attributes:
        pairs: In the order of their names.
        values: (protocol, metric) -> (n,) float64, one value a pair.
    """

    pairs: tuple[Pair, ...]
    values: Mapping[tuple[str, str], np.ndarray]


@dataclass(frozen=True)
class ScoreTable:
    """Scores of several methods under several protocols.

    Attributes:
        rows: One per protocol and method.
        slices: Scores of parts of the pairs, where joints were given.
        disagreements: A sentence for each two protocols that give other numbers.
        manifest: What the scores were made from: versions, counts, checksums, records.
        pairs: Method -> scores of its pairs; not in the json.
    """

    rows: tuple[ScoreRow, ...]
    slices: tuple[SliceRow, ...] = ()
    disagreements: tuple[str, ...] = ()
    manifest: Mapping[str, Any] = field(default_factory=dict)
    pairs: Mapping[str, PairScores] = field(
        default_factory=dict, repr=False, compare=False
    )

    @property
    def metrics(self) -> list[str]:
        """Names of all metrics that have a value in the table, in a fixed order."""
        return _in_order(self.rows)

    def value(self, name: str, metric: str, protocol: str = 'posegen') -> float:
        """One number.

        Raises:
            KeyError: There is no such row or metric; the message says why, if known.
        """
        for row in self.rows:
            if (row.name, row.protocol) == (name, protocol):
                if metric not in row.values and metric in row.missing:
                    raise KeyError(f'no {metric} of {name!r}: {row.missing[metric]}')
                return row.values[metric]
        raise KeyError(f'no row {name!r} under protocol {protocol!r}')

    def reasons(self) -> dict[str, list[str]]:
        """Why cells are empty -> which ones, as 'metric (protocols)'."""
        found: dict[str, dict[str, dict[str, None]]] = {}
        for row in self.rows:
            for metric, reason in row.missing.items():
                cells = found.setdefault(reason, {})
                cells.setdefault(metric, {})[row.protocol] = None
        return {
            reason: [
                f'{metric} ({", ".join(names)})' for metric, names in cells.items()
            ]
            for reason, cells in found.items()
        }

    def to_rich(self) -> Table:
        """Table for ``rich.print``; arrows point the better way, the best is bold."""
        names = ['method', 'protocol'] if self._has_protocols else ['method']
        lines = [[*map(escape, self._names(row))] for row in self.rows]
        cells = [self._cells(row, '[bold]{}[/]') for row in self.rows]
        return _rich_table(names, self._numbers(), lines, cells)

    def to_markdown(self) -> str:
        """The same table in Markdown."""
        names = ['method', 'protocol'] if self._has_protocols else ['method']
        lines = [self._names(row) + self._cells(row, '**{}**') for row in self.rows]
        return _markdown_table(names, self._numbers(), lines)

    def slices_to_rich(self) -> Table:
        """Table of :attr:`slices`."""
        names, metrics = ['method', 'slice'], _in_order(self.slices)
        lines = [[escape(row.name), f'{row.kind}: {row.part}'] for row in self.slices]
        cells = [
            [str(row.n), *_texts(row.values, metrics).values()] for row in self.slices
        ]
        return _rich_table(names, ['n', *map(_title, metrics)], lines, cells)

    def to_json(self, path: str | Path | None = None) -> str:
        """Rows, slices, disagreements and the manifest; numbers not rounded.

        Args:
            path: Also written there, whole or not at all, if given; folders are made.
        """
        metrics = dict.fromkeys([*self.metrics, *_in_order(self.slices)])
        content = {
            **self.manifest,
            'higher_is_better': {m: HIGHER_IS_BETTER[m] for m in metrics},
            'rows': [_jsonable(row) for row in self.rows],
            'slices': [_jsonable(row) for row in self.slices],
            'disagreements': list(self.disagreements),
        }
        text = json.dumps(content, indent=2, allow_nan=False) + '\n'
        if path is not None:
            write_text(path, text)
        return text

    @classmethod
    def from_json(cls, text: str) -> ScoreTable:
        """Read what :meth:`to_json` wrote, now or before it had slices and the like."""
        content = json.loads(text)
        content.pop('higher_is_better', None)
        return cls(
            rows=tuple(ScoreRow(**_parsed(row)) for row in content.pop('rows')),
            slices=tuple(SliceRow(**_parsed(row)) for row in content.pop('slices', [])),
            disagreements=tuple(content.pop('disagreements', [])),
            manifest=content,
        )

    @property
    def _has_protocols(self) -> bool:
        """Whether rows differ in protocol; a single one needs no column."""
        return len({row.protocol for row in self.rows}) > 1

    def _numbers(self) -> list[str]:
        """Titles of the columns with numbers."""
        return ['n', *map(_title, self.metrics)]

    def _names(self, row: ScoreRow) -> list[str]:
        return [row.name, row.protocol] if self._has_protocols else [row.name]

    def _cells(self, row: ScoreRow, bold: str) -> list[str]:
        """Numbers of a row as text, the best of the protocol put into ``bold``."""
        marked = [
            bold.format(text) if self._is_best(row, metric) else text
            for metric, text in _texts(row.values, self.metrics).items()
        ]
        return [str(row.n), *marked]

    def _is_best(self, row: ScoreRow, metric: str) -> bool:
        """Whether no other row of the same protocol has a better value."""
        values = [
            other.values[metric]
            for other in self.rows
            if other.protocol == row.protocol and metric in other.values
        ]
        best: Callable = max if HIGHER_IS_BETTER[metric] else min
        return len(values) > 1 and row.values.get(metric) == best(values)


def format_score(value: float) -> str:
    """Four decimals for what lies in [-1, 1], two for dB and distances."""
    if math.isnan(value):
        return '-'
    return f'{value:.4f}' if abs(value) <= 1 else f'{value:.2f}'


def _in_order(rows: Iterable[ScoreRow | SliceRow]) -> list[str]:
    present = {metric for row in rows for metric in row.values}
    return [metric for metric in HIGHER_IS_BETTER if metric in present]


def _title(metric: str) -> str:
    return f'{metric} {"↑" if HIGHER_IS_BETTER[metric] else "↓"}'


def _texts(values: Mapping[str, float], metrics: Sequence[str]) -> dict[str, str]:
    return {metric: format_score(values.get(metric, math.nan)) for metric in metrics}


def _rich_table(
    names: Sequence[str],
    numbers: Sequence[str],
    lines: Sequence[Sequence[str]],
    cells: Sequence[Sequence[str]],
) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1))
    for title in names:
        table.add_column(title, no_wrap=True)
    for title in numbers:
        table.add_column(title.replace('_', '_\n'), justify='right', no_wrap=True)
    for line, row in zip(lines, cells):
        table.add_row(*line, *row)
    return table


def _markdown_table(
    names: Sequence[str], numbers: Sequence[str], lines: Iterable[Sequence[str]]
) -> str:
    rules = ['---'] * len(names) + ['---:'] * len(numbers)
    rows = [[*names, *numbers], rules, *lines]
    return '\n'.join(f'| {" | ".join(row)} |' for row in rows) + '\n'


def _jsonable(row: ScoreRow | SliceRow) -> dict[str, Any]:
    """Plain dict; JSON has no infinity and no nan, so these become text."""
    plain = asdict(row)
    plain['values'] = {name: _number(value) for name, value in row.values.items()}
    if isinstance(row, ScoreRow):
        plain['intervals'] = {
            name: [*map(_number, ends)] for name, ends in row.intervals.items()
        }
    return plain


def _number(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)


def _parsed(row: dict[str, Any]) -> dict[str, Any]:
    row['values'] = {name: float(value) for name, value in row['values'].items()}
    if 'intervals' in row:
        row['intervals'] = {
            name: (float(low), float(high))
            for name, (low, high) in row['intervals'].items()
        }
    return row
