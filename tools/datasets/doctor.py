"""Say what is wrong or missing in a data folder, and what to do about it.

Ends with exit code 1 where there is an error, and with a sheet of pairs with skeletons,
parts and crops drawn on them.
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
    add(
        'target', metavar='CONFIG|DIR', help='config that reads the data, or its folder'
    )
    add('--cfg-options', nargs='+', metavar='KEY=VALUE', help='as in data_root=DIR')
    add('--fast', action='store_true', help='read only the headers of images')
    add('--out', metavar='PNG', help='sheet (work_dirs/doctor.png); none to draw none')
    add('--num', type=int, default=4, help='pairs of each split on the sheet (4)')
    args = parser.parse_args(argv)
    args.out = None if args.out == 'none' else args.out or 'work_dirs/doctor.png'
    return args


def main(argv: list[str] | None = None) -> int:
    """Examine; errors of the command line are one line."""
    prepare_process()
    args = parse_args(argv)
    from posegen.apis.data_cli import run_doctor
    from posegen.utils.errors import PosegenError

    try:
        return 0 if run_doctor(args).healthy else 1
    except PosegenError as error:
        sys.stderr.write(f'doctor: {error}\n')
        return 2


if __name__ == '__main__':
    sys.exit(main())
