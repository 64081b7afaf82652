"""Sizes of pictures as the command line takes them; imports nothing heavy."""

from __future__ import annotations

import argparse
import re


def parse_size(text: str) -> tuple[int, int]:
    """Read ``HxW``: '128x64' -> (128, 64), the ``type`` of an argument.

    Raises:
        argparse.ArgumentTypeError: ``text`` is anything but two positive integers.
    """
    match = re.fullmatch(r'0*([1-9]\d*)x0*([1-9]\d*)', text, re.ASCII)
    if match is None:
        raise argparse.ArgumentTypeError(
            f'expected HxW, a height and a width above 0 such as 128x64, got {text!r}'
        )
    return int(match[1]), int(match[2])
