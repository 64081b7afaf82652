"""The result of scoring: a table that prints and saves itself."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from rich import box
from rich.markup import escape
from rich.table import Table

from posegen.evaluation.protocols import HIGHER_IS_BETTER


@dataclass(frozen=True)
class ScoreRow:
    """Scores of one method under one protocol.

    Attributes:
        name: The method.
        protocol: Name of the protocol.
        n: Number of images.
        values: Metric -> mean over the images.
    """

    name: str
    protocol: str
    n: int
    values: Mapping[str, float]


@dataclass(frozen=True)
class ScoreTable:
    """Scores of several methods."""

    rows: tuple[ScoreRow, ...]

    @property
    def metrics(self) -> list[str]:
        """Names of all metrics in the table, in a fixed order."""
        present = {metric for row in self.rows for metric in row.values}
        return [metric for metric in HIGHER_IS_BETTER if metric in present]

    def value(self, name: str, metric: str, protocol: str = 'posegen') -> float:
        """One number.

        Raises:
            KeyError: There is no such row or metric.
        """
        for row in self.rows:
            if (row.name, row.protocol) == (name, protocol):
                return row.values[metric]
        raise KeyError(f'no row {name!r} under protocol {protocol!r}')

    def to_rich(self) -> Table:
        """Table for ``rich.print``; arrows point the better way, the best is bold."""
        names, numbers = self._titles()
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1))
        for title in names:
            table.add_column(title, no_wrap=True)
        for title in numbers:
            table.add_column(title.replace('_', '_\n'), justify='right', no_wrap=True)
        for row in self.rows:
            table.add_row(
                *map(escape, self._names(row)), *self._cells(row, '[bold]{}[/]')
            )
        return table

    def to_markdown(self) -> str:
        """The same table in Markdown."""
        names, numbers = self._titles()
        lines = [names + numbers, ['---'] * len(names) + ['---:'] * len(numbers)]
        lines += [self._names(row) + self._cells(row, '**{}**') for row in self.rows]
        return '\n'.join(f'| {" | ".join(line)} |' for line in lines) + '\n'

    def to_json(self, path: str | Path | None = None) -> str:
        """Rows and the better direction of each metric; numbers not rounded.

        Args:
            path: Also written there, if given; folders are made.
        """
        content = {
            'higher_is_better': {m: HIGHER_IS_BETTER[m] for m in self.metrics},
            'rows': [_jsonable(row) for row in self.rows],
        }
        text = json.dumps(content, indent=2, allow_nan=False) + '\n'
        if path is not None:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_text(text, encoding='utf-8')
        return text

    @classmethod
    def from_json(cls, text: str) -> ScoreTable:
        """Read what :meth:`to_json` wrote."""
        rows = json.loads(text)['rows']
        for row in rows:
            row['values'] = {
                name: float(value) for name, value in row['values'].items()
            }
        return cls(tuple(ScoreRow(**row) for row in rows))

    def _titles(self) -> tuple[list[str], list[str]]:
        """Titles of the columns with names and of those with numbers."""
        names = ['method', 'protocol'] if self._has_protocols else ['method']
        return names, ['n', *map(_title, self.metrics)]

    @property
    def _has_protocols(self) -> bool:
        """Whether rows differ in protocol; a single one needs no column."""
        return len({row.protocol for row in self.rows}) > 1

    def _names(self, row: ScoreRow) -> list[str]:
        return [row.name, row.protocol] if self._has_protocols else [row.name]

    def _cells(self, row: ScoreRow, bold: str) -> list[str]:
        """Numbers of a row as text, the best of the protocol put into ``bold``."""
        texts = {m: _format(row.values.get(m, math.nan)) for m in self.metrics}
        marked = [
            bold.format(text) if self._is_best(row, metric) else text
            for metric, text in texts.items()
        ]
        return [str(row.n), *marked]

    def _is_best(self, row: ScoreRow, metric: str) -> bool:
        """Whether no other row of the same protocol has a better value."""
        values = [
            other.values[metric]
            for other in self.rows
            if other.protocol == row.protocol and metric in other.values
        ]
        best = (max if HIGHER_IS_BETTER[metric] else min)(values, default=None)
        return len(values) > 1 and row.values.get(metric) == best


def _title(metric: str) -> str:
    return f'{metric} {"↑" if HIGHER_IS_BETTER[metric] else "↓"}'


def _format(value: float) -> str:
    """Four decimals for what lies in [0, 1], two for dB and distances."""
    if math.isnan(value):
        return '-'
    return f'{value:.4f}' if abs(value) <= 1 else f'{value:.2f}'


def _jsonable(row: ScoreRow) -> dict:
    """Plain dict; JSON has no infinity and no nan, so these become text."""
    plain = asdict(row)
    plain['values'] = {
        metric: value if math.isfinite(value) else str(value)
        for metric, value in row.values.items()
    }
    return plain
