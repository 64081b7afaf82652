"""Time SSIM + PSNR + L1 beside the usual single-process loop over scikit-image."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from posegen.utils.sizes import parse_size
from posegen.utils.startup import prepare_process


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add('--pairs', type=int, default=1000, help='pairs to score (1000)')
    add('--size', type=parse_size, default=(256, 256), help='HxW (256x256)')
    add('--processes', type=int, default=2, help='processes of the last timing (2)')
    add('--json', metavar='FILE', help='write the json there instead of printing it')
    options = parser.parse_args(argv)
    if options.pairs < 1 or options.processes < 1:
        parser.error('--pairs and --processes must be 1 or more')
    return options


def main(argv: list[str] | None = None) -> None:
    """Measure on images of its own, print the table and the json."""
    prepare_process()
    options = parse_args(argv)
    from rich.console import Console

    from posegen.evaluation.benchmark import run_benchmark

    report = run_benchmark(options.pairs, options.size, options.processes)
    if options.json:
        Path(options.json).write_text(report.to_json(), encoding='utf-8')
    Console().print(report.to_rich())
    if not options.json:
        print(report.to_json(), end='')


if __name__ == '__main__':
    main()
