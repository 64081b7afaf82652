"""What a command does first, before torch is imported; imports nothing heavy itself."""

from __future__ import annotations

import codecs
import os
import sys
import unicodedata
from collections.abc import MutableMapping

#: How OpenMP's threads wait is the user's choice where one of these is set.
WAIT_VARIABLES = ('OMP_WAIT_POLICY', 'GOMP_SPINCOUNT', 'KMP_BLOCKTIME')
#: GNU's OpenMP: rounds of the loop; Intel's and LLVM's: milliseconds.
SHORT_SPIN = dict(GOMP_SPINCOUNT='1000', KMP_BLOCKTIME='1')

#: Name of the error handler that :func:`write_any_text` gives to the streams.
ASCII_HANDLER = 'posegen-ascii'
_SIGNS = {'↑': '^', '↓': 'v', '…': '.', '•': '*', '–': '-', '—': '-', '’': "'"}


def prepare_process() -> None:
    """Set up a process that is a command: how threads wait, what streams take."""
    shorten_spin(os.environ)
    write_any_text()


def shorten_spin(environment: MutableMapping[str, str]) -> None:
    """Let OpenMP's threads sleep soon while they wait for each other.

    They spin, and where other processes use the same cores, a thread that spins keeps
    away the one that it waits for (docs/speed.md has numbers). OpenMP reads these
    variables once, when torch is imported; processes that are started inherit them.

    Args:
        environment: Of the process; changed in place, unless it has one of
            :data:`WAIT_VARIABLES`.
    """
    if not any(name in environment for name in WAIT_VARIABLES):
        environment.update(SHORT_SPIN)


def write_any_text() -> None:
    """Let standard output and error write ASCII for what their encoding has not.

    A table with an arrow, or the name of a file, would end a command on a stream of
    ASCII, Latin-1 or cp1252. Signs become similar ones of ASCII, other letters escapes
    (``\\u4eba``), and bytes of a file name that are no text stay as they are. Streams
    that are told to do something else (``PYTHONIOENCODING=ascii:replace``) do that.
    """
    for stream in (sys.stdout, sys.stderr):
        # Under pythonw there is none, and a notebook's is of another kind.
        set_up = getattr(stream, 'reconfigure', None)
        if set_up and stream.errors in ('strict', 'surrogateescape'):
            set_up(errors=ASCII_HANDLER)


def _in_ascii(error: UnicodeError) -> tuple[str | bytes, int]:
    """Error handler of codecs: what to write for the first of the characters."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return ascii_for(error.object[error.start]), error.start + 1


def ascii_for(character: str) -> str | bytes:
    """ASCII for a character, as wide as it is where there is a sign like it.

    Returns:
        Text; for a lone surrogate, which stands for a byte of a file name, that byte.
    """
    if '\udc80' <= character <= '\udcff':
        return bytes([ord(character) - 0xDC00])
    if character in _SIGNS:
        return _SIGNS[character]
    if '─' <= character <= '╿':  # the lines of tables and bars
        name = unicodedata.name(character)
        across, down = 'HORIZONTAL' in name, 'VERTICAL' in name
        return '+' if across == down else '-' if across else '|'
    return character.encode('ascii', 'backslashreplace').decode('ascii')


codecs.register_error(ASCII_HANDLER, _in_ascii)
