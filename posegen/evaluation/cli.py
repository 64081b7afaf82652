"""What ``posegen evaluate`` does."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from posegen.evaluation.folder import score_folder
from posegen.evaluation.protocols import get_protocol
from posegen.utils.errors import ConfigError


def run(args: Namespace) -> None:
    """Score folders, print the table, and write it as json where asked to.

    Args:
        args: ``generated`` (list of ``[NAME=]DIR``), ``real``, ``fid_real``,
            ``annotations``, ``protocol`` (list of names, or 'all'),
            ``offline_features``, ``copy_source``, ``json``.
    """
    names = ['posegen'] if 'all' in args.protocol else args.protocol
    table = score_folder(
        name_folders(args.generated),
        args.real,
        protocols=names,
        fid_real=args.fid_real,
        annotations=args.annotations,
        copy_source=args.copy_source,
        offline_features=args.offline_features,
        progress=True,
    )
    console = Console()
    print_uncut(table.to_rich(), console)
    for name in names:
        console.print(f'{name}: {get_protocol(name).description}', style='dim')
    if not args.offline_features:
        hint = '--offline-features adds st_lpips and fd_efficientnet_lite0'
        console.print(hint, style='dim')
    if args.json is not None:
        table.to_json(args.json)
        console.print(f'written: {args.json}', style='dim')


def print_uncut(table: Table, console: Console) -> None:
    """Print a table at its full width: squeezed columns would cut the numbers."""
    needed = console.measure(table, options=console.options.update(max_width=10**4))
    if needed.maximum > console.width:
        console = Console(file=console.file, width=needed.maximum)
    console.print(table)


def name_folders(generated: Sequence[str]) -> dict[str, Path]:
    """Read ``[NAME=]DIR`` arguments; without a name the folder's own is taken.

    Raises:
        ConfigError: Two folders have the same name.
    """
    folders: dict[str, Path] = {}
    for argument in generated:
        name, separator, folder = argument.partition('=')
        if not separator or Path(argument).is_dir():
            name, folder = Path(argument).resolve().name, argument
        if name in folders:
            raise ConfigError(
                f"two folders are called '{name}': name them, as in A={folders[name]} "
                f'B={folder}'
            )
        folders[name] = Path(folder)
    return folders
