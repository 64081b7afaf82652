"""Overfit a few training pairs of a config and write the curve of losses and scores."""

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
    add('config', help='config file, best one of small width')
    add('--out', required=True, help='folder for curve.csv, curve.png and the stages')
    add('--pairs', type=int, default=8, help='training pairs to take (8)')
    add('--iters', type=int, nargs='+', metavar='N', help='iterations of each stage')
    add('--interval', type=int, default=100, help='iterations between scores (100)')
    add('--cfg-options', nargs='+', metavar='KEY=VALUE', help='changes to the config')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Train and print the curve; errors are one line."""
    prepare_process()
    args = parse_args(argv)
    from posegen.engine.config import load_config
    from posegen.engine.overfit import overfit
    from posegen.utils.errors import PosegenError

    try:
        cfg = load_config(args.config, args.cfg_options)
        rows = overfit(cfg, args.out, args.pairs, args.iters, args.interval)
    except PosegenError as error:
        raise SystemExit(f'overfit: {error}') from None
    print(','.join(rows[0]))
    for row in rows:
        print(','.join(row.values()))
    print(f'{args.out}/curve.csv and curve.png are complete')


if __name__ == '__main__':
    main()
