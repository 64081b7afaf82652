"""What several processes have to agree on between two iterations.

Whether one of them has met a loss that is no number, or was told to stop: all must then
leave the loop together, since a process that waits for the gradients of another which
has left would wait for ever. The words travel through gloo on the CPU, whatever the
gradients travel through, so that no GPU has to be waited for.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist

_groups: dict[Any, Any] = {}


def control_group() -> dist.ProcessGroup | None:
    """The gloo group of all processes; None for a single one.

    All processes must call it the first time together.
    """
    if not dist.is_initialized() or dist.get_world_size() == 1:
        return None
    world = dist.group.WORLD
    if world not in _groups:
        # Never that of the gradients: a process that still waits for some must not take
        # these words for them.
        _groups[world] = dist.new_group(backend='gloo')
    return _groups[world]


def any_process(flag: bool) -> bool:
    """Whether a flag is set in any process; all must ask.

    Args:
        flag: That of this process.
    """
    group = control_group()
    if group is None:
        return flag
    word = torch.tensor([int(flag)], dtype=torch.int32)
    dist.all_reduce(word, op=dist.ReduceOp.MAX, group=group)
    return bool(word.item())


def from_all(value: Any) -> list[Any]:
    """A value of every process, in the order of ranks; all must ask.

    Args:
        value: That of this process; plain types and tensors on the CPU.
    """
    group = control_group()
    if group is None:
        return [value]
    values: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(values, value, group=group)
    return values
