"""The two optional packages behind the embedded people, and the word when they lack."""

from __future__ import annotations

import importlib
import logging
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
        _quiet(module)
    return module


def _quiet(warp: ModuleType) -> None:
    """Warp greets on standard output and warns where there is no GPU: keep it still."""
    warp.config.log_level = getattr(warp, 'LOG_ERROR', logging.ERROR)
    warp.config.quiet = True
