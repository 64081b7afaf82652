"""Samples per second of a config's dataset and of the published way, side by side."""

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
    add('config', help='config file; without its data, pictures are made to time with')
    add('--split', choices=('train', 'val', 'test'), default='train')
    add('--workers', type=int, default=0, help='processes that load (0: this one)')
    add('--seconds', type=float, default=20.0, help='time to measure for (20)')
    add('--made', action='store_true', help='take made pictures in any case')
    add('--json', metavar='FILE', help='write the numbers to this file too')
    add('--cfg-options', nargs='+', metavar='KEY=VALUE', help='changes to the config')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Measure and print; errors are one line."""
    prepare_process()
    args = parse_args(argv)
    import json

    from posegen.datasets.benchmark import benchmark_dataset, format_benchmark
    from posegen.engine.config import check_datasets, fill_data_root, load_config
    from posegen.utils.errors import ConfigError, PosegenError
    from posegen.utils.image_files import make_parent, write_whole

    try:
        cfg = load_config(args.config, args.cfg_options)
        check_datasets(cfg)
        fill_data_root(cfg)
        loader = cfg.get(f'{args.split}_dataloader')
        if not loader:
            raise ConfigError(f'{args.config} has no {args.split}_dataloader')
        report = benchmark_dataset(
            loader['dataset'],
            loader['batch_size'],
            args.workers,
            args.seconds,
            args.made,
        )
        if args.json:
            make_parent(Path(args.json))
            write_whole(Path(args.json), (json.dumps(report, indent=2) + '\n').encode())
        print(f'{args.config}, {args.split}: {format_benchmark(report)}')
    except PosegenError as error:
        raise SystemExit(f'benchmark_data: {error}') from None


if __name__ == '__main__':
    main()
