"""Convert published Def-GAN weights for posegen (see configs/def_gan/README.md)."""

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
    add('generator', metavar='GENERATOR', help='published generator, *.h5')
    add('out', metavar='OUT', help='file to write, *.safetensors')
    add('--config', required=True, help='name or file of the config they are for')
    add('--discriminator', metavar='FILE', help='its discriminator, *.h5')
    args = parser.parse_args(argv)
    if not args.out.endswith('.safetensors'):
        parser.error(f'OUT must end in .safetensors, got {args.out}')
    return args


def main(argv: list[str] | None = None) -> None:
    """Convert; errors are one line."""
    prepare_process()
    args = parse_args(argv)
    from posegen.apis.model_zoo import read_model_config
    from posegen.models.def_gan.convert import convert_checkpoint
    from posegen.utils.errors import PosegenError

    try:
        cfg = read_model_config(args.config)
        out = convert_checkpoint(
            cfg.model, args.generator, args.out, args.discriminator, cfg.pretty_text
        )
    except PosegenError as error:
        raise SystemExit(f'def_gan: {error}') from None
    print(f'{out} is complete')


if __name__ == '__main__':
    main()
