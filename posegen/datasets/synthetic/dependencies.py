"""The two optional packages behind the embedded people, and the word when they lack."""

from __future__ import annotations

import importlib
import os
import sys
from types import ModuleType

from posegen.utils.errors import DependencyError


def require(name: str) -> ModuleType:
    """Import an optional package of the extra ``synthetic``.

    Args:
        name: module to import, ``'anny'`` or ``'warp'``.

    Raises:
        DependencyError: it is not installed.
    """
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        raise DependencyError(
            f"synthetic people need the package '{name}', which could not be imported "
            f"({error}); install it with: pip install 'posegen[synthetic]'"
        ) from error
    if name == 'warp':
        _start_quietly(module)
    return module


def _start_quietly(warp: ModuleType) -> None:
    """Start warp without its greeting and its warning that there is no GPU.

    The warning is written by native code straight to file descriptor 2, where it would
    tear the progress bar, once per worker.
    """
    warp.config.log_level = warp.LOG_ERROR
    sys.stderr.flush()
    with open(os.devnull, 'w') as nowhere:
        kept = os.dup(2)
        os.dup2(nowhere.fileno(), 2)
        try:
            warp.init()
        finally:
            os.dup2(kept, 2)
            os.close(kept)
