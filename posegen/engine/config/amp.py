"""Switching a config to mixed precision."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mmengine.config import Config

from posegen.utils.errors import ConfigError

#: Names on the command line of what an ``AmpOptimWrapper`` computes in.
TYPES = dict(bf16='bfloat16', fp16='float16')


def use_amp(cfg: Config, kind: str = 'bf16') -> None:
    """Make every optimizer wrapper of a config one with automatic mixed precision.

    Args:
        cfg: The config; changed in place, at the top level and in all stages.
        kind: ``'bf16'``, or ``'fp16'``, which needs a GPU.

    Raises:
        ConfigError: The kind is another or needs a GPU that is not there, or a wrapper
            is of a type of its own.
    """
    import torch

    if kind not in TYPES:
        raise ConfigError(f'--amp must be one of {[*TYPES]}, got {kind!r}')
    if kind == 'fp16' and not torch.cuda.is_available():
        raise ConfigError('--amp fp16 needs a GPU; on a CPU use --amp bf16')
    sections = [cfg, *(cfg.get('stages') or ())]
    for section in sections:
        for wrapper in _wrappers(section.get('optim_wrapper')):
            name = wrapper.get('type', 'OptimWrapper')
            if name not in ('OptimWrapper', 'AmpOptimWrapper'):
                raise ConfigError(f'--amp cannot change a wrapper of type {name}')
            wrapper.update(type='AmpOptimWrapper', dtype=TYPES[kind])


def _wrappers(spec: Any) -> Iterator[dict]:
    if not isinstance(spec, dict):
        return
    if 'optimizer' in spec:
        yield spec
        return
    for inner in spec.values():
        yield from _wrappers(inner)
