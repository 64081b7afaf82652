"""Make a data set, with a config that trains on it, of photos and keypoints.

Who is in which photo is said by sub-folders (anna/1.jpg, ben/1.jpg), by --group-pattern
or by --groups. Photos of the same person in different poses make the pairs.
"""

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
    add('--photos', required=True, metavar='DIR', help='pictures, also in sub-folders')
    add(
        '--keypoints',
        required=True,
        metavar='FILE|DIR',
        help='in any format that convert_keypoints.py reads; in pixels of the photos '
        'as a viewer shows them',
    )
    add('--format', metavar='NAME', help='of the keypoints (told by their content)')
    add(
        '--min-score',
        type=float,
        metavar='S',
        help='joints with a lower score become missing (0.5 for MediaPipe, 0.3 for '
        'COCO and whole bodies, 0.05 for OpenPose)',
    )
    who = parser.add_mutually_exclusive_group()
    who.add_argument(
        '--group-pattern',
        metavar='REGEX',
        help="as in '^([a-z]+)_' (anna_1.jpg)",
    )
    who.add_argument('--groups', metavar='CSV', help='lines of name,group')
    add('--out', required=True, metavar='DIR', help='folder to make')
    add(
        '--size',
        type=parse_size,
        default=(256, 192),
        help='HxW of the set, multiples of 32; photos are fitted in (256x192)',
    )
    add('--crop', action='store_true', help='cut each photo around its person first')
    add('--min-joints', type=int, default=6, help='photos with fewer are left out (6)')
    add('--test-fraction', type=float, default=0.1, help='of the groups (0.1)')
    add(
        '--model',
        metavar='NAME',
        help='config to start from (a small one)',
    )
    add('--seed', type=int, default=0, help='of the choice of test groups (0)')
    add('--workers', type=int, default=2, help='photos worked on at a time (2)')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Make the set; errors are one line."""
    prepare_process()
    args = parse_args(argv)
    from posegen.apis.data_cli import run_photo_set
    from posegen.utils.errors import PosegenError

    try:
        run_photo_set(args)
    except PosegenError as error:
        sys.stderr.write(f'make_photo_set: {error}\n')
        return 2
    return 0


if __name__ == '__main__':
    sys.exit(main())
