"""Convert published PATN weights for posegen (see configs/patn/README.md)."""

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
    add('generator', metavar='NET_G', help='published generator, *_net_netG.pth')
    add('out', metavar='OUT', help='file to write, *.safetensors')
    add('--config', required=True, help='name or file of the config they are for')
    add('--pb', metavar='FILE', help='discriminator of the shape, *_netD_PB.pth')
    add('--pp', metavar='FILE', help='discriminator of the appearance, *_netD_PP.pth')
    args = parser.parse_args(argv)
    if not args.out.endswith('.safetensors'):
        parser.error(f'OUT must end in .safetensors, got {args.out}')
    return args


def main(argv: list[str] | None = None) -> None:
    """Convert; errors are one line."""
    prepare_process()
    args = parse_args(argv)
    from posegen.apis.model_zoo import read_model_config
    from posegen.models.patn.convert import convert_checkpoint
    from posegen.utils.errors import PosegenError

    critics = {name: getattr(args, name) for name in ('pb', 'pp')}
    critics = {name: path for name, path in critics.items() if path}
    try:
        cfg = read_model_config(args.config)
        out = convert_checkpoint(
            cfg.model, args.generator, args.out, critics, cfg.pretty_text
        )
    except PosegenError as error:
        raise SystemExit(f'patn: {error}') from None
    print(f'{out} is complete')


if __name__ == '__main__':
    main()
