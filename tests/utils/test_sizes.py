"""``HxW`` on the command line."""

from __future__ import annotations

import argparse

import pytest

from posegen.utils.sizes import parse_size


@pytest.mark.parametrize(('text', 'size'), [('128x64', (128, 64)), ('08x1', (8, 1))])
def test_height_comes_first(text: str, size: tuple[int, int]) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    'text', ['', '128', '128x', 'x64', '1x2x3', '0x64', '128x0', '-1x4', '1.5x2', '1X2']
)
def test_anything_else_is_an_error(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match='above 0 such as 128x64'):
        parse_size(text)
