"""Prepare Market-1501 from its folders and your lists.

Run again, it goes on where it stopped, and does nothing where all is done. The folder's
manifest.json says how it was made. docs/prepare_data.md says where the files come from.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import prepare_common as common

from posegen.utils.startup import prepare_process

LISTS = {'annotation': 'joints', 'pairs': 'pairs'}


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    common.add_arguments(parser, 'data/market1501', 'keep', LISTS)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Prepare the set; errors are one line."""
    prepare_process()
    args = parse_args(argv)
    from posegen.datasets.prepare import prepare_market1501

    common.run('prepare_market1501', prepare_market1501, args, LISTS)


if __name__ == '__main__':
    main()
