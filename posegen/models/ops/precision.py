"""Arithmetic that mixed precision must leave alone.

Under ``torch.autocast`` convolutions and matrix products run in half precision, which
has 8 bits (bfloat16) or 11 (float16) for a number: a flow of 20 pixels would be rounded
to eighths or sixty-fourths of a pixel, and a mean over an image would lose its last
digits. Grids, flows and losses are computed in float32 instead, whatever the networks
around them run in.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import torch
from torch import Tensor

_Result = TypeVar('_Result')


def at_least_float32(x: Tensor) -> Tensor:
    """Half precision as float32; other tensors as they are."""
    if not x.is_floating_point():
        return x
    return x.to(torch.promote_types(x.dtype, torch.float32))


def full_precision(function: Callable[..., _Result]) -> Callable[..., _Result]:
    """Let a function compute in float32 or better, under autocast too.

    Args:
        function: A function or a method with at least one tensor among its arguments.
            Tensors in half precision arrive as float32 (those inside of lists or dicts
            as they are); inside, autocast is off.

    Returns:
        The same function; what it returns is not cast back.
    """

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> _Result:
        tensors = [x for x in (*args, *kwargs.values()) if isinstance(x, Tensor)]
        with without_autocast(tensors[0].device):
            return function(
                *(_widened(x) for x in args),
                **{name: _widened(x) for name, x in kwargs.items()},
            )

    return run


def without_autocast(device: torch.device) -> AbstractContextManager:
    """Context in which autocast is off for a kind of device."""
    # Of the devices that posegen runs on, 'meta' alone has no autocast. torch.amp is
    # not asked: what torch.compile traces breaks there in some releases (2.11).
    if device.type == 'meta':
        return nullcontext()
    return torch.autocast(device.type, enabled=False)


def _widened(x: Any) -> Any:
    return at_least_float32(x) if isinstance(x, Tensor) else x
