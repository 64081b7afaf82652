"""What each switch for speed brings on this machine, and how equal results are.

Nothing is loaded or fetched: batches are random, and so are all weights.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from posegen.utils.sizes import parse_size
from posegen.utils.startup import prepare_process

NAMES = ('parts', 'features', 'similarity', 'amp', 'accumulate', 'ema', 'compile')
#: Kind of device -> config that it measures unless another is named.
CONFIGS = dict(cpu='spig_synthetic-128x64.py', cuda='spig_deepfashion-256x256.py')


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add('config', nargs='?', help=f'SPIG config ({CONFIGS["cuda"]} on a GPU)')
    add('--only', nargs='+', choices=NAMES, default=list(NAMES), metavar='NAME')
    add('--device', help='cpu, cuda or cuda:N (a GPU where there is one)')
    add('--batch-size', type=_count, metavar='N', help="pairs (the config's)")
    add('--size', type=parse_size, metavar='HxW', help="of images (the config's)")
    add(
        '--amp',
        choices=('off', 'bf16', 'fp16'),
        default='off',
        help='precision of all but the switch amp (off)',
    )
    add('--iterations', type=_count, default=10, metavar='N', help='timed rounds (10)')
    add('--warmup', type=_count, default=2, metavar='N', help='before them (2)')
    add('--json', metavar='FILE', help='write all numbers to this file')
    add('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE')
    return parser.parse_args(argv)


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f'expected 1 or more, got {text}')
    return number


def main(argv: list[str] | None = None) -> None:
    """Measure and print; errors are one line."""
    prepare_process()
    args = parse_args(argv)
    # Read when PyTorch is loaded: or counts of memory leave lines on the console.
    os.environ.setdefault('KINETO_LOG_LEVEL', '99')
    from posegen.engine.benchmark import Amount
    from posegen.engine.speed import failures, format_speed, measure_speed
    from posegen.utils.errors import PosegenError

    try:
        amount = Amount(args.iterations, args.warmup)
        report = measure_speed(_case(args), amount, args.only)
        _write({'command': shlex.join(sys.argv), **report}, args.json)
        print(format_speed(report))
    except PosegenError as error:
        raise SystemExit(f'benchmark_speed: {error}') from None
    if failed := failures(report):
        raise SystemExit(f'benchmark_speed: {len(failed)} failed: {failed[0]}')


def _case(args: argparse.Namespace):
    import torch

    from posegen.engine.benchmark import make_cases
    from posegen.utils.paths import configs_root

    device = args.device or ('cuda' if torch.cuda.is_available() else 'cpu')
    config = args.config or str(
        configs_root() / 'spig' / CONFIGS[device.partition(':')[0]]
    )
    *_, case = make_cases(
        [config],
        [args.size] if args.size else (),
        [args.batch_size] if args.batch_size else (),
        device=device,
        precisions=[args.amp],
        options=args.cfg_options,
    )
    return case


def _write(report: dict, file: str | None) -> None:
    if file:
        import json

        from posegen.utils.image_files import make_parent, write_whole

        make_parent(Path(file))
        write_whole(Path(file), (json.dumps(report, indent=2) + '\n').encode())


if __name__ == '__main__':
    main()
