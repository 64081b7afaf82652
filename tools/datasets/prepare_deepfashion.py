"""Prepare DeepFashion In-shop from its raw tree and your lists.

Run again, it goes on where it stopped, and does nothing where all is done. The folder's
manifest.json says how it was made. docs/prepare_data.md says where the files come from.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import prepare_common as common

from posegen.utils.startup import prepare_process

LISTS = {'images': 'names of the images', 'annotation': 'joints', 'pairs': 'pairs'}


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    common.add_arguments(parser, 'data/deepfashion', '256x256', LISTS)
    add = parser.add_argument
    add(
        '--fit',
        choices=('squash', 'crop'),
        default='squash',
        help='whole pictures, or columns 40 to 215 of the img tree (squash)',
    )
    add(
        '--raw-view',
        choices=('canvas', 'person'),
        help='raw pictures: square with bands, or without bands (by their shape)',
    )
    add(
        '--annotation-frame',
        type=int,
        choices=(256, 176),
        help='columns that your joints are on (by where most of them are)',
    )
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Prepare the set; errors are one line."""
    prepare_process()
    args = parse_args(argv)
    from posegen.datasets.prepare import prepare_deepfashion

    common.run(
        'prepare_deepfashion',
        prepare_deepfashion,
        args,
        LISTS,
        raw_view=args.raw_view,
        annotation_frame=args.annotation_frame,
    )


if __name__ == '__main__':
    main()
