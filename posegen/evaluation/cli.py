"""What ``posegen evaluate`` does."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from posegen.evaluation.extractors import ST_LPIPS
from posegen.evaluation.folder import score_folder
from posegen.evaluation.protocols import (
    FID,
    HIGHER_IS_BETTER,
    PROTOCOLS,
    InceptionScore,
    get_protocol,
)
from posegen.evaluation.report import write_pair_csv, write_sheet
from posegen.evaluation.table import ScoreTable
from posegen.utils.errors import ConfigError


def run(args: Namespace) -> None:
    """Score folders, print the table and what is to say about it, and write files.

    Args:
        args: What ``posegen evaluate --help`` lists, dashes as underscores.
    """
    names = list(PROTOCOLS) if 'all' in args.protocol else args.protocol
    _check_files(args, names)
    table = score_folder(
        name_folders(args.generated),
        args.real,
        protocols=names,
        fid_real=args.fid_real,
        annotations=args.annotations,
        copy_source=args.copy_source,
        offline_features=args.offline_features,
        jpeg_round_trip=args.jpeg_round_trip,
        slices=args.slices,
        truth=args.truth,
        naming=args.naming,
        processes=args.processes,
        progress=True,
    )
    written = _write_files(table, args)  # before anything that a stream may not take
    console = Console()
    print_uncut(table.to_rich(), console)
    if args.slices:
        print_uncut(table.slices_to_rich(), console)
    _print_notes(table, names, args.offline_features, console)
    if written:
        text = escape(f'written: {", ".join(written)}')
        console.print(text, style='dim', soft_wrap=True)


def _check_files(args: Namespace, names: Sequence[str]) -> None:
    """Refuse what could not be written, before the work."""
    for option in ('json', 'per_pair', 'sheet'):
        file = getattr(args, option)
        if file is not None and Path(file).is_dir():
            flag = option.replace('_', '-')
            raise ConfigError(f"--{flag} '{file}' is a folder: name a file")
    if args.sheet is None:
        return
    if Path(args.sheet).suffix.lower() not in ('.png', '.jpg', '.jpeg'):
        raise ConfigError(f"--sheet '{args.sheet}' must end in .png or .jpg")
    sortable = {
        metric.name
        for name in names
        for metric in get_protocol(name).metrics
        if not isinstance(metric, FID | InceptionScore)
    }
    if args.offline_features:
        sortable.add(ST_LPIPS)
    if args.sheet_by not in sortable:
        known = ', '.join(name for name in HIGHER_IS_BETTER if name in sortable)
        raise ConfigError(
            f"--sheet-by '{args.sheet_by}' is no score of pairs under "
            f'{", ".join(names)}; there are: {known}'
        )


def _print_notes(
    table: ScoreTable, names: Sequence[str], offline: bool, console: Console
) -> None:
    """Disagreements, empty cells and what the protocols are."""
    for sentence in table.disagreements:
        console.print(escape(sentence), highlight=False, soft_wrap=True)
    for reason, cells in table.reasons().items():
        text = f'- {", ".join(cells)}: {reason}'
        console.print(escape(text), style='dim', highlight=False, soft_wrap=True)
    for name in names:
        text = f'{name}: {get_protocol(name).description}'
        console.print(escape(text), style='dim', highlight=False, soft_wrap=True)
    if not offline:
        hint = '--offline-features adds st_lpips and fd_efficientnet_lite0'
        console.print(hint, style='dim')


def _write_files(table: ScoreTable, args: Namespace) -> list[str]:
    written = []
    if args.json is not None:
        table.to_json(args.json)
        written.append(args.json)
    if args.per_pair is not None:
        write_pair_csv(table, args.per_pair)
        written.append(args.per_pair)
    if args.sheet is not None:
        write_sheet(table, args.sheet, args.sheet_by)
        written.append(args.sheet)
    return written


def print_uncut(table: Table, console: Console) -> None:
    """Print a table at its full width: squeezed columns would cut the numbers."""
    needed = console.measure(table, options=console.options.update(max_width=10**4))
    if needed.maximum > console.width:
        console = Console(file=console.file, width=needed.maximum)
    console.print(table)


def name_folders(generated: Sequence[str]) -> dict[str, Path]:
    """Read ``[NAME=]DIR`` arguments; without a name the folder's own is taken.

    Raises:
        ConfigError: Two folders have the same name, or one has an empty one.
    """
    folders: dict[str, Path] = {}
    for argument in generated:
        name, separator, folder = argument.partition('=')
        if not separator or Path(argument).is_dir():
            name, folder = Path(argument).resolve().name, argument
        if not (name and folder):
            raise ConfigError(f"'{argument}' must be NAME=DIR or DIR, as in A=results")
        if name in folders:
            raise ConfigError(
                f"two folders are called '{name}': name them, as in A={folders[name]} "
                f'B={folder}'
            )
        folders[name] = Path(folder)
    return folders
