"""Time, memory, parameters and multiply-adds of configs, on whatever device there is.

Nothing is loaded or fetched: batches are random, and so are all weights.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from posegen.utils.sizes import parse_size
from posegen.utils.startup import prepare_process


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add('config', nargs='+', help='config files')
    add('--stage', metavar='NAME', help='the only stage to measure (all)')
    add('--batch-size', type=_count, nargs='+', default=[], metavar='N')
    add('--size', type=parse_size, nargs='+', default=[], metavar='HxW')
    add('--amp', nargs='+', choices=('off', 'bf16', 'fp16'), default=['off'])
    add('--device', help='cpu, cuda or cuda:N (a GPU where there is one)')
    add('--only', choices=('train', 'infer'), help='measure one of the two')
    add('--iterations', type=_count, default=10, metavar='N', help='timed calls (10)')
    add('--warmup', type=int, default=2, metavar='N', help='calls before them (2)')
    add('--profile', action='store_true', help='where the time of a step goes, too')
    add(
        '--blocks',
        action='store_true',
        help="the generator's non-local block beside the standard one and none, alone "
        'and in the whole model',
    )
    add('--json', metavar='FILE', help='write all numbers to this file')
    add('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE')
    args = parser.parse_args(argv)
    if args.profile and args.only == 'infer':
        parser.error('--profile is of training steps: leave --only infer out')
    return args


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f'expected 1 or more, got {text}')
    return number


def main(argv: list[str] | None = None) -> None:
    """Measure and print; errors are one line."""
    prepare_process()
    args = parse_args(argv)
    from posegen.engine.benchmark import (
        WORKS,
        Amount,
        benchmark,
        failures,
        format_report,
        make_cases,
    )
    from posegen.utils.errors import PosegenError

    try:
        cases = make_cases(
            args.config,
            args.size,
            args.batch_size,
            args.stage,
            args.device or _default_device(),
            args.amp,
            args.cfg_options,
        )
        works = [args.only] if args.only else list(WORKS)
        amount = Amount(args.iterations, args.warmup)
        report = benchmark(cases, amount, works, args.profile, args.blocks)
        _write({'command': shlex.join(sys.argv), **report}, args.json)
        print(format_report(report))
    except PosegenError as error:
        raise SystemExit(f'benchmark: {error}') from None
    if failed := failures(report):
        raise SystemExit(f'benchmark: {len(failed)} failed: {failed[0]}')


def _default_device() -> str:
    import torch

    return 'cuda' if torch.cuda.is_available() else 'cpu'


def _write(report: dict, file: str | None) -> None:
    if file:
        import json

        from posegen.utils.image_files import make_parent, write_whole

        make_parent(Path(file))
        write_whole(Path(file), (json.dumps(report, indent=2) + '\n').encode())


if __name__ == '__main__':
    main()
