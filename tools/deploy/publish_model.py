"""Make a small weight file of a training checkpoint, with its config inside."""

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
    add('config', help='the config that was trained')
    add('checkpoint', help='such as work_dirs/NAME/full/iter_100000.pth')
    add('--out', required=True, metavar='NAME.safetensors', help='file to write')
    add('--no-ema', action='store_true', help='not the moving averages')
    add('--half', action='store_true', help='store floats in 16 bits')
    add('--name', help="name of the model (the config's)")
    add('--data', help='what it was trained on (known for shipped configs)')
    add('--licence', help='terms of the weights')
    add(
        '--note',
        action='append',
        default=[],
        type=parse_note,
        metavar='KEY=VALUE',
        help='keep this beside the weights, as in hours=3.5; may be repeated',
    )
    add('--no-hash', action='store_true', help='leave the checksum out of the name')
    add('--cfg-options', nargs='+', metavar='KEY=VALUE', help='changes to the config')
    return parser.parse_args(argv)


def parse_note(text: str) -> tuple[str, str]:
    """Read ``KEY=VALUE``."""
    key, separator, value = text.partition('=')
    if not (key and separator):
        raise argparse.ArgumentTypeError(f'expected KEY=VALUE, got {text!r}')
    return key, value


def main(argv: list[str] | None = None) -> None:
    """Write the file and say what is in it; errors are one line."""
    prepare_process()
    args = parse_args(argv)
    from posegen.apis.publish import describe, publish_model
    from posegen.engine.config import load_config
    from posegen.utils.errors import PosegenError

    try:
        published = publish_model(
            load_config(args.config, args.cfg_options),
            args.checkpoint,
            args.out,
            ema=False if args.no_ema else None,
            half=args.half,
            name=args.name,
            training_data=args.data,
            licence=args.licence,
            notes=dict(args.note),
            add_hash=not args.no_hash,
        )
    except PosegenError as error:
        raise SystemExit(f'publish_model: {error}') from None
    print(describe(published))


if __name__ == '__main__':
    main()
