"""What comes out beside the table: values of pairs as csv, and a sheet of pictures."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from posegen.evaluation.manifest import write_text
from posegen.evaluation.pairs import Pair, cut_strip, read_image
from posegen.evaluation.protocols import HIGHER_IS_BETTER
from posegen.evaluation.table import PairScores, ScoreTable, format_score
from posegen.utils.errors import ConfigError
from posegen.visualization import save_image
from posegen.visualization.score_sheet import CaptionedRow, score_sheet

_TITLES = ('source', 'target', 'result')


def write_pair_csv(table: ScoreTable, file: str | Path) -> None:
    """Write what each pair got: method, source, target, and a column a score.

    Columns are called ``<protocol>.<metric>``; numbers are not rounded.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator='\n')
    columns = list(dict.fromkeys(key for s in table.pairs.values() for key in s.values))
    names = [f'{protocol}.{metric}' for protocol, metric in columns]
    writer.writerow(['method', 'source', 'target', 'file', *names])
    for method, scores in table.pairs.items():
        values = [scores.values.get(column) for column in columns]
        for index, pair in enumerate(scores.pairs):
            cells = ['' if v is None else repr(float(v[index])) for v in values]
            writer.writerow([method, pair.names[0] or '', *_names(pair), *cells])
    write_text(file, text.getvalue())


def _names(pair: Pair) -> tuple[str, str]:
    return pair.names[1], pair.image.name


def write_sheet(
    table: ScoreTable,
    file: str | Path,
    metric: str,
    protocol: str | None = None,
    count: int = 3,
) -> None:
    """Write a picture of the best, the median and the worst pairs of every method.

    Args:
        table: As :func:`~posegen.evaluation.score_folder` returns it.
        file: png or jpg.
        metric: Score of pairs to sort by.
        protocol: Whose; None takes the first that has it.
        count: Pairs of each kind.

    Raises:
        ConfigError: No protocol of the table has such a score of pairs.
    """
    column = _column(table, metric, protocol)
    lines = [
        line
        for name, scores in table.pairs.items()
        for line in _lines(name, scores, column, count)
    ]
    save_image(file, score_sheet(lines, _TITLES))


def _column(table: ScoreTable, metric: str, protocol: str | None) -> tuple[str, str]:
    """(protocol, metric) that every method has values for."""
    shared = [
        column
        for column in next(iter(table.pairs.values())).values
        if all(column in scores.values for scores in table.pairs.values())
    ]
    for column in shared:
        if column[1] == metric and protocol in (None, column[0]):
            return column
    known = ', '.join(sorted({name for _, name in shared}))
    raise ConfigError(f"pairs have no '{metric}' to sort by; they have: {known}")


def _lines(
    name: str, scores: PairScores, column: tuple[str, str], count: int
) -> Iterator[list[CaptionedRow]]:
    """Lines of a best, a median and a worst pair."""
    protocol, metric = column
    values = scores.values[column]
    kinds = rank(values, HIGHER_IS_BETTER[metric], count)
    for number in range(max(map(len, kinds.values()))):
        line = []
        for kind, places in kinds.items():
            for place in places[number : number + 1]:
                score = f'{metric} {format_score(values[place])} ({protocol})'
                pair = scores.pairs[place]
                captions = f'{name}, {kind}: {score}', pair.name
                line.append(CaptionedRow(captions, _panels(pair)))
        yield line


def rank(
    values: np.ndarray, higher_is_better: bool, count: int
) -> dict[str, list[int]]:
    """Places of the best, the median and the worst values, none of them twice.

    Args:
        values: (n,).
        higher_is_better: Which way they improve.
        count: Places of each kind; fewer where there are not enough values.
    """
    order = np.argsort(-values if higher_is_better else values, kind='stable').tolist()
    count = min(count, max(len(order) // 3, 1))
    middle = (len(order) - count) // 2
    kinds = dict(
        best=order[:count],
        median=order[middle : middle + count],
        worst=order[len(order) - count :],
    )
    seen: set[int] = set()
    for kind, places in kinds.items():
        kinds[kind] = [place for place in places if place not in seen]
        seen.update(places)
    return kinds


def _panels(pair: Pair) -> list[np.ndarray | None]:
    target = read_image(pair.target)
    source = None if pair.source is None else read_image(pair.source)
    return [source, target, cut_strip(read_image(pair.image), target.shape[:2])]
