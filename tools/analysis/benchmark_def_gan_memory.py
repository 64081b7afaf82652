"""Peak memory of Def-GAN's generator: plain skips, running maximum, ten copies."""

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
    add('--size', choices=('256x256', '128x64'), default='256x256')
    add('--batch-size', type=int, default=1, help='pairs (1)')
    add('--interpolation', choices=('nearest', 'bilinear'), default='nearest')
    add('--device', default='cpu', help='cpu (default) or a GPU such as cuda:0')
    add('--json', metavar='FILE', help='write the numbers to this file too')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Measure and print."""
    prepare_process()
    args = parse_args(argv)
    import json

    from posegen.models.def_gan.benchmark import benchmark_memory, format_memory

    height, width = map(int, args.size.split('x'))
    report = benchmark_memory(
        (height, width), args.batch_size, args.interpolation, args.device
    )
    if args.json:
        text = json.dumps(report, indent=2) + '\n'
        Path(args.json).write_text(text, encoding='utf-8')
    print(format_memory(report))


if __name__ == '__main__':
    main()
