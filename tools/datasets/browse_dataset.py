"""Draw samples of a config as they leave its pipeline, augmentation included."""

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
    add('config', help='config file')
    add('--cfg-options', nargs='+', metavar='KEY=VALUE', help='as in data_root=DIR')
    add('--split', choices=('train', 'val', 'test'), default='train')
    add('--stage', metavar='NAME', help='stage whose data is shown (the last)')
    add('--num', type=int, default=8, help='samples on the sheet (8)')
    add('--seed', type=int, default=0, help='of their choice and of augmentation (0)')
    add('--out', metavar='PNG', default='work_dirs/samples.png', help='the sheet')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Draw; errors are one line."""
    prepare_process()
    args = parse_args(argv)
    from posegen.apis.data_cli import run_browser
    from posegen.utils.errors import PosegenError

    try:
        run_browser(args)
    except PosegenError as error:
        sys.stderr.write(f'browse_dataset: {error}\n')
        return 2
    return 0


if __name__ == '__main__':
    sys.exit(main())
