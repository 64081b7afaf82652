"""The share of every loss in the gradient at the generated image.

For each loss of the generator, with its weight: the norm of its gradient at the images
of a batch, averaged over a few batches of the training set, and its share in the sum of
these norms. Nothing is trained.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from posegen.utils.startup import prepare_process


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add('config', help='config file')
    add('checkpoint', nargs='?', help='weights (those that training starts from)')
    add('--batches', type=int, default=4, metavar='N', help='batches to average (4)')
    add('--stage', metavar='NAME', help='stage whose losses are measured (the last)')
    add('--device', default='cpu', help='cpu, cuda or cuda:N (cpu)')
    add('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE')
    args = parser.parse_args(argv)
    if args.batches < 1:
        parser.error('--batches must be 1 or more')
    return args


def main(argv: list[str] | None = None) -> None:
    """Measure and print; errors are one line."""
    prepare_process()
    args = parse_args(argv)
    from posegen.engine.config import load_config
    from posegen.engine.gradient_shares import format_shares, gradient_shares
    from posegen.utils.errors import PosegenError

    try:
        cfg = load_config(args.config, args.cfg_options)
        shares = gradient_shares(
            cfg, args.checkpoint, args.batches, args.stage, args.device
        )
    except PosegenError as error:
        raise SystemExit(f'gradient_shares: {error}') from None
    print(format_shares(shares))


if __name__ == '__main__':
    main()
