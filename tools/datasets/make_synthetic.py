"""Make a set of synthetic people (see posegen.datasets.synthetic)."""

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
    add('--out', required=True, help='folder to create')
    add('--size', type=parse_size, default=(128, 64), help='HxW of pictures (128x64)')
    add('--train-people', type=int, default=500, help='identities to train on (500)')
    add('--test-people', type=int, default=60, help='identities to test on (60)')
    add('--views', type=int, default=4, help='pictures of each person (4)')
    add('--pairs-per-person', type=int, default=8, help='ordered pairs of each (8)')
    add(
        '--background',
        choices=('plain', 'street'),
        default='plain',
        help='the same wall in all pictures of a person, or a street that differs '
        '(plain)',
    )
    add(
        '--look',
        choices=('standard', 'varied'),
        default='standard',
        help='varied: rooms, streets, light, cameras and joints as in real photos, for '
        'training towards them (standard)',
    )
    add(
        '--truth',
        choices=('all', 'train', 'test', 'none'),
        default='all',
        help='splits whose pairs get flow, visibility and part labels (all)',
    )
    add('--seed', type=int, default=0, help='another one makes other people (0)')
    add('--workers', type=int, default=2, help='processes (2); the set is the same')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Make the set; errors are one line."""
    prepare_process()
    options = vars(parse_args(argv))
    from posegen.datasets.synthetic import generate_set
    from posegen.utils.errors import PosegenError

    splits = {'all': ('train', 'test'), 'none': ()}
    truth = options.pop('truth')
    try:
        out = generate_set(truth=splits.get(truth, (truth,)), **options)
    except PosegenError as error:
        raise SystemExit(f'make_synthetic: {error}') from None
    print(f'{out} is complete')


if __name__ == '__main__':
    main()
