"""Convert lists of pairs: from,to (csv: PATN, GFLA), target,source (txt: NTED, PIDM).

Each is told by its ending, .csv (also .csv.gz) or .txt.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from posegen.utils.startup import prepare_process


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add('source', metavar='IN', help='list to read')
    add('target', metavar='OUT', help='list to write')
    add(
        '--names',
        choices=('keep', 'flat', 'nested'),
        help="how to call DeepFashion's pictures (nested for txt, flat for csv)",
    )
    add('--force', dest='overwrite', action='store_true', help='replace OUT')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Convert; errors are one line."""
    prepare_process()
    options = vars(parse_args(argv))
    from posegen.datasets.nested_names import convert_pairs
    from posegen.utils.errors import PosegenError

    try:
        pairs = convert_pairs(**options)
    except PosegenError as error:
        raise SystemExit(f'convert_pairs: {error}') from None
    print(f'{options["target"]}: {pairs:,} pairs')


if __name__ == '__main__':
    main()
