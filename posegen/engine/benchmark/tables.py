"""Reports as tables that a terminal shows and a Markdown page takes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import StringIO
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from posegen.engine.benchmark.run import WORKS

MEBIBYTE = 2**20
Row = Mapping[str, Any]

#: Columns of a case; those of the second line are left out where all rows agree.
_CASE = dict(name='config', stage='stage', size='size', batch_size='batch')
_SELDOM = dict(amp='amp', variant='pnb')


def format_report(report: Mapping[str, Any]) -> str:
    """All that a report holds, as tables with titles.

    Args:
        report: Of :func:`~posegen.engine.benchmark.run.benchmark`.
    """
    tables = [f'{title}\n\n{format_table(t)}' for title, t in _tables(report)]
    return '\n\n'.join([machine_line(report['machine']), *tables, *report['notes']])


def format_table(table: Table) -> str:
    """A table as Markdown, as wide as it is."""
    console = Console(width=10_000, file=StringIO(), color_system=None)
    with console.capture() as captured:
        console.print(table)
    return '\n'.join(filter(str.strip, captured.get().splitlines()))


def _tables(report: Mapping[str, Any]) -> Iterator[tuple[str, Table]]:
    if report['rows']:
        yield 'Models', models_table(report['rows'])
        yield 'Speed and memory', speed_table(report['rows'])
    if report['blocks']:
        yield 'Non-local blocks by themselves', blocks_table(report['blocks'])
    for profile in report['profiles']:
        name = ', '.join(_profiled(profile))
        if 'error' in profile:
            yield f'Profile of {name}: {profile["error"]}', make_table(())
            continue
        yield f'Phases of a training step: {name}', phases_table(profile)
        yield f'Operators of a training step: {name}', operators_table(profile)


def _profiled(profile: Row) -> list[str]:
    amp = [] if profile['amp'] == 'off' else [profile['amp']]
    batch = f'batch {profile["batch_size"]}'
    return [profile['name'], profile['stage'], _size(profile['size']), batch, *amp]


def machine_line(machine: Row) -> str:
    """Where the numbers of a report come from, in a line."""
    on_gpu = 'cuda' in machine
    where = machine['device']
    where += f' (CUDA {machine["cuda"]})' if on_gpu else ''
    return (
        f'{where}; torch {machine["torch"]}, {machine["threads"]} threads of '
        f'{machine["cores"]} cores, load {machine["load"]:.1f} at the start'
    )


def models_table(rows: Sequence[Row]) -> Table:
    """Parameters, and multiply-adds of an image, of each model and size."""
    heads = ['generator', 'discriminators', 'feature net', 'GMAC an image']
    case = _case_columns(rows, without=('batch_size', 'amp'))
    table = make_table(case.values(), heads)
    seen = set()
    for row in rows:
        cells = _case_cells(row, case)
        if tuple(cells) in seen:
            continue
        seen.add(tuple(cells))
        table.add_row(*cells, *_model_cells(row))
    return table


def _model_cells(row: Row) -> list[str]:
    if 'error' in row:
        return [row['error']]
    names = ('generator', 'discriminators', 'feature_net')
    numbers = [f'{row["parameters"][name]:,}' for name in names]
    return [*numbers, _significant(row['macs'] / 1e9)]


def speed_table(rows: Sequence[Row]) -> Table:
    """Throughput, latency and peak memory of each case and work."""
    heads = ['images/s', 'p50 ms', 'p95 ms', 'peak MiB']
    heads.append('of it libraries' if rows[0]['device'] == 'cpu' else 'steady MiB')
    case = _case_columns(rows)
    table = make_table([*case.values(), 'work'], heads)
    for row in rows:
        for work in WORKS:
            if work in row:
                cells = _speed_cells(row[work])
                table.add_row(*_case_cells(row, case), work, *cells)
    return table


def _speed_cells(result: Row) -> list[str]:
    if 'error' in result:
        return [result['error']]
    memory = result['memory']
    return [
        _significant(result['images_per_second']),
        *(f'{result[f"latency_ms_{p}"]:,.1f}' for p in ('p50', 'p95')),
        _mebibytes(memory['peak']),
        _mebibytes(memory['libraries' if memory['kind'] == 'resident' else 'steady']),
    ]


def blocks_table(rows: Sequence[Row]) -> Table:
    """Time and peak memory of the blocks on maps of several sizes."""
    case = _case_columns(rows, without=('name', 'stage', 'variant'))
    heads = ['forward ms', 'forward + backward ms', 'peak MiB']
    table = make_table([*case.values(), 'map', 'channels', 'block'], heads)
    for row in rows:
        shape = (_size(row.get('map')), str(row.get('channels', '')), row['block'])
        table.add_row(*_case_cells(row, case), *shape, *_block_cells(row))
    return table


def _block_cells(row: Row) -> list[str]:
    if 'error' in row:
        return [row['error']]
    times = [f'{row[name]:,.2f}' for name in ('forward_ms_p50', 'both_ms_p50')]
    return [*times, f'{row["peak"] / MEBIBYTE:,.1f}']


def phases_table(profile: Row) -> Table:
    """Phases of a training step, inner ones set in."""
    table = make_table(['phase'], ['ms', 'share'])
    for row in profile['phases']:
        name = ' / '.join(row['phase'])
        table.add_row(name, f'{row["ms"]:,.1f}', f'{row["share"]:.1%}')
    return table


def operators_table(profile: Row) -> Table:
    """The most expensive operators of a training step."""
    table = make_table(['operator'], ['calls', 'ms', 'share'])
    for row in profile['operators']:
        numbers = (f'{row["calls"]:.0f}', f'{row["ms"]:,.1f}', f'{row["share"]:.1%}')
        table.add_row(row['operator'], *numbers)
    return table


def modules_table(modules: Sequence[Row], depth: int) -> Table:
    """Parameters and multiply-adds by module.

    Args:
        modules: Of :func:`~posegen.engine.benchmark.complexity.describe_complexity`;
            the first is the whole.
        depth: How many dots deep; 0 shows the whole alone.
    """
    whole = max(modules[0]['macs'], 1)
    table = make_table(['module', 'type'], ['parameters', 'MMAC', 'share of MACs'])
    for row in modules:
        level = row['name'].count('.') + 1 if row['name'] else 0
        if level > depth or not (row['parameters'] or row['macs']):
            continue
        table.add_row(
            row['name'] or 'generator',
            row['type'],
            f'{row["parameters"]:,}',
            f'{row["macs"] / 1e6:,.1f}',
            f'{row["macs"] / whole:.1%}',
        )
    return table


def make_table(texts: Iterable[str], numbers: Iterable[str] = ()) -> Table:
    """An empty table in Markdown; columns of numbers stand on the right."""
    table = Table(box=box.MARKDOWN)
    for title in texts:
        table.add_column(title, no_wrap=True)
    for title in numbers:
        table.add_column(title, justify='right', no_wrap=True)
    return table


def _case_columns(rows: Sequence[Row], without: Sequence[str] = ()) -> dict[str, str]:
    differing = {
        key: title
        for key, title in _SELDOM.items()
        if any(row[key] not in ('', 'off') for row in rows)
    }
    wanted = {**_CASE, **differing}
    return {key: title for key, title in wanted.items() if key not in without}


def _case_cells(row: Row, case: Mapping[str, str]) -> list[str]:
    return [_size(row[key]) if key == 'size' else str(row[key]) for key in case]


def _size(size: Sequence[int] | None) -> str:
    return 'x'.join(map(str, size or ()))


def _significant(value: float) -> str:
    """Three digits and no exponent."""
    digits = 2 - math.floor(math.log10(value)) if value > 0 else 0
    return f'{value:,.{max(digits, 0)}f}'


def _mebibytes(count: int) -> str:
    return f'{count / MEBIBYTE:,.0f}'
