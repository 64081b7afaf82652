"""The state of all random generators of a process, in plain types."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

# States that `preserved` will bring back, the outermost first.
_preserved: list[dict[str, Any]] = []


def random_state() -> dict[str, Any]:
    """The state of Python's, NumPy's and torch's generators.

    Inside :func:`preserved` it is the state that will be brought back, because that is
    the one training goes on with.

    Returns:
        Numbers, lists and uint8 tensors, so that it loads without running code.
    """
    return _preserved[0] if _preserved else _current_state()


def restore_random_state(state: Mapping[str, Any]) -> None:
    """Bring a state of :func:`random_state` back.

    Args:
        state: The state. Without ``cuda`` in it, or without a GPU, that part is left.
    """
    version, internal, gauss = state['python']
    random.setstate((version, tuple(internal), gauss))
    name, keys, position, has_gauss, cached = state['numpy']
    np.random.set_state((name, np.array(keys, np.uint32), position, has_gauss, cached))  # noqa: NPY002
    torch.set_rng_state(state['torch'].cpu())
    if 'cuda' in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state['cuda'].cpu())


@contextmanager
def preserved() -> Iterator[None]:
    """Leave all generators as they were: validation must not change training."""
    _preserved.append(_current_state())
    try:
        yield
    finally:
        restore_random_state(_preserved.pop())


def _current_state() -> dict[str, Any]:
    version, internal, gauss = random.getstate()
    name, keys, *rest = np.random.get_state()  # noqa: NPY002
    state = dict(
        python=[version, list(internal), gauss],
        numpy=[name, keys.tolist(), *rest],
        torch=torch.get_rng_state(),
    )
    if torch.cuda.is_available():
        state['cuda'] = torch.cuda.get_rng_state()
    return state
