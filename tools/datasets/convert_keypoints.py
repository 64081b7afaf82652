"""Convert keypoints between the field's formats, see docs/keypoint_formats.md.

Formats: csv (PATN, GFLA), txt (NTED, PIDM), openpose (18 joints), body25, coco (17),
wholebody (COCO-WholeBody, DWPose: 133), mediapipe (33); HALPE's 26 and 136 joints and
MMPose's videos are read as coco. IN is told from its content,
OUT from its ending where that is enough (csv, txt).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from posegen.utils.sizes import parse_size
from posegen.utils.startup import prepare_process

FRACTIONS = {'auto': None, 'fractions': True, 'pixels': False}


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add('source', metavar='IN', help='file, or folder with a file for each picture')
    add('target', metavar='OUT', help='file or folder to write')
    add('--from', dest='source_format', metavar='FORMAT', help='format of IN')
    add('--to', dest='target_format', metavar='FORMAT', help='format of OUT')
    add(
        '--frame',
        type=int,
        choices=(256, 176),
        help="width of DeepFashion's canvas that IN is on; 176 is 40 columns to the "
        'left (default: x stays as it is)',
    )
    add(
        '--out-frame',
        dest='target_frame',
        type=int,
        choices=(256, 176),
        help='width of the canvas to write (default: 256 with --frame)',
    )
    add('--images', metavar='DIR', help='pictures, for their names and sizes')
    add('--image-size', type=parse_size, metavar='HxW', help='size of all pictures')
    add(
        '--names',
        default='keep',
        choices=('keep', 'flat', 'nested'),
        help="how to call DeepFashion's pictures: PATN's fashionWOMEN..., or "
        'WOMEN/.../id_.../... (keep)',
    )
    add(
        '--suffix',
        default='.jpg',
        help="ending of pictures' names without --images (.jpg)",
    )
    add(
        '--min-score',
        type=float,
        metavar='S',
        help='joints with a lower score become missing (0.5 for MediaPipe, 0.3 for '
        'COCO and whole bodies, 0.05 for OpenPose); 0 keeps all',
    )
    add(
        '--coordinates',
        choices=tuple(FRACTIONS),
        default='auto',
        help='what the numbers are (auto: told of each person)',
    )
    add(
        '--zeros-missing',
        action='store_true',
        help='joints at exactly (0, 0) become missing, as in csv files of some tools',
    )
    add('--force', dest='overwrite', action='store_true', help='replace OUT')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Convert; errors are one line."""
    prepare_process()
    options = vars(parse_args(argv))
    from posegen.datasets.keypoint_conversion import convert_keypoints
    from posegen.utils.errors import PosegenError

    options['normalized'] = FRACTIONS[options.pop('coordinates')]
    try:
        for line in convert_keypoints(**options):
            print(line, flush=True)
    except PosegenError as error:
        raise SystemExit(f'convert_keypoints: {error}') from None


if __name__ == '__main__':
    main()
