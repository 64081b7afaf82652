"""Curves, last values, best scores and speed of training runs, from their logs."""

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
        'runs',
        nargs='+',
        metavar='[NAME=]RUN',
        help='work dir, folder of a stage, or scalars.json',
    )
    add('--keys', nargs='+', metavar='KEY', help="what to show, such as 'loss_*'")
    add('--out', metavar='FILE.png', help='picture of the curves')
    add('--json', metavar='FILE', help='write numbers and curves to this file')
    add('--smooth', type=int, default=1, metavar='N', help='mean of N values (1)')
    args = parser.parse_args(argv)
    if args.smooth < 1:
        parser.error('--smooth must be 1 or more')
    return args


def main(argv: list[str] | None = None) -> None:
    """Read, print and draw; errors are one line."""
    prepare_process()
    args = parse_args(argv)
    from posegen.engine.log_summary import analyze
    from posegen.utils.errors import PosegenError

    try:
        analyze(args.runs, args.keys, args.out, args.json, args.smooth)
    except PosegenError as error:
        raise SystemExit(f'analyze_logs: {error}') from None


if __name__ == '__main__':
    main()
