"""Parameters and multiply-adds of a config's generator, by module.

Counted are multiply-adds (MACs) of convolutions, linear layers, matrix products and
attention, for one image. Biases, norms, activations, pooling, interpolation,
affine_grid, grid_sample and element-wise arithmetic count nothing.
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
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add('config', help='config file')
    add('--stage', metavar='NAME', help='stage whose generator is counted (the last)')
    add('--size', type=parse_size, metavar='HxW', help="of the image (the config's)")
    add(
        '--by-module',
        type=int,
        nargs='?',
        const=2,
        default=0,
        metavar='DEPTH',
        help='list modules, so many dots deep (2)',
    )
    add('--json', metavar='FILE', help='write the numbers of all modules to this file')
    add('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Count and print; errors are one line."""
    prepare_process()
    args = parse_args(argv)
    import json

    from posegen.engine.benchmark import (
        describe_complexity,
        format_table,
        make_cases,
        modules_table,
    )
    from posegen.utils.errors import PosegenError
    from posegen.utils.image_files import make_parent, write_whole

    try:
        sizes = [args.size] if args.size else []
        options = args.cfg_options
        case = make_cases([args.config], sizes, [1], args.stage, options=options)[-1]
        found = describe_complexity(case)
        if args.json:
            report = dict(command=shlex.join(sys.argv), size=list(case.size), **found)
            make_parent(Path(args.json))
            write_whole(Path(args.json), (json.dumps(report, indent=2) + '\n').encode())
    except PosegenError as error:
        raise SystemExit(f'get_flops: {error}') from None
    height, width = case.size
    parameters, macs = found['parameters'], found['modules'][0]['macs']
    print(f'{args.config}, stage {case.stage}, {height}x{width}, one image')
    print(f'generator: {parameters["generator"]:,} parameters, {macs:,} MACs')
    print(format_table(modules_table(found['modules'], args.by_module)))


if __name__ == '__main__':
    main()
