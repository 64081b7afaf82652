"""Progress of long work on stderr: a bar on a terminal, a line now and then elsewhere.

Imports nothing heavy before it is used.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

_T = TypeVar('_T')
QUIET_SECONDS = 10.0  # between two lines where stderr is no terminal


def track(items: Iterable[_T], title: str, total: int) -> Iterator[_T]:
    """Pass items through and show how many of them came, and the time left.

    On a terminal this is a bar that goes away at the end. Elsewhere (a log file) a line
    is written every ten seconds, and nothing at all for work that is shorter.

    Args:
        items: what is worked on.
        title: of the bar or the lines.
        total: how many items there will be.
    """
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import track as show

        console = Console(stderr=True)
        yield from show(items, title, total, console=console, transient=True)
    else:
        yield from _write_lines(items, title, total)


def _write_lines(items: Iterable[_T], title: str, total: int) -> Iterator[_T]:
    start = last = time.monotonic()
    for count, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - last >= QUIET_SECONDS:
            last = now
            left = (now - start) / count * max(total - count, 0)
            sys.stderr.write(f'{title}: {count:,} of {total:,}, {left:.0f} s left\n')
            sys.stderr.flush()
