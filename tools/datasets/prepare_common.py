"""What the two prepare scripts share: arguments, and the way to end."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from posegen.utils.sizes import parse_size

if TYPE_CHECKING:
    from posegen.datasets.prepare import Report

SPLITS = ('train', 'test')
FILTERS = ('nearest', 'box', 'bilinear', 'hamming', 'bicubic', 'lanczos')
_PASSED_ON = ('raw', 'out', 'lists', 'splits', 'workers', 'allow_missing')
_OF_IMAGES = ('size', 'fit', 'filter', 'file_type', 'jpeg_quality')


def add_arguments(
    parser: argparse.ArgumentParser, out: str, size: str, lists: Mapping[str, str]
) -> None:
    """Add the arguments of both scripts.

    Args:
        parser: to add to.
        out: default of ``--out``.
        size: default of ``--size``.
        lists: name and help of each list that can be named.
    """
    add = parser.add_argument
    add('--raw', required=True, type=Path, help='folder above the raw images')
    add('--lists', type=Path, help='folder of your lists (that of --raw)')
    add('--out', default=out, type=Path, help=f'folder to fill ({out})')
    add('--splits', nargs='+', choices=SPLITS, default=SPLITS, help='(both)')
    for split in SPLITS:
        for name, text in lists.items():
            option = f'--{split}-{name}'
            add(option, type=Path, metavar='FILE', help=f'{text}, if not in --lists')
    add('--size', type=_size, default=size, help=f'HxW of the images, or keep ({size})')
    add('--filter', choices=FILTERS, default='bilinear', help="Pillow's (bilinear)")
    add('--file-type', choices=('jpg', 'png'), default='jpg', help='(jpg)')
    add('--jpeg-quality', type=int, default=100, metavar='1..100', help='4:4:4 (100)')
    add('--workers', type=int, metavar='N', help='processes (one a core)')
    add(
        '--allow-missing',
        action='store_true',
        help='accept an incomplete set; pairs of what is missing are left out',
    )


def run(
    name: str,
    prepare: Callable[..., Report],
    args: argparse.Namespace,
    lists: Iterable[str],
    **options: Any,
) -> None:
    """Prepare, print the report, and end: 0 if the set is complete or accepted.

    Args:
        name: of the script, for errors.
        prepare: the function of the data set.
        args: the command line.
        lists: names of the lists that can be named.
        **options: of this data set alone.
    """
    from posegen.datasets.prepare import ImageOptions
    from posegen.utils.errors import PosegenError

    options |= {key: getattr(args, key) for key in _PASSED_ON}
    images = {key: getattr(args, key) for key in _OF_IMAGES if hasattr(args, key)}
    options['given'] = {
        split: {
            key: path
            for key in lists
            if (path := getattr(args, f'{split}_{key}')) is not None
        }
        for split in SPLITS
    }
    try:
        report = prepare(options=ImageOptions(**images), **options)
    except PosegenError as error:
        raise SystemExit(f'{name}: {error}') from None
    except KeyboardInterrupt:
        sys.stderr.write(f'{name}: stopped; run the same command again to go on\n')
        raise SystemExit(130) from None
    print(report.text())
    raise SystemExit(0 if report.complete or args.allow_missing else 1)


def _size(text: str) -> tuple[int, int] | None:
    """``HxW``, or ``keep`` for None."""
    return None if text == 'keep' else parse_size(text)
