"""Switching a config to mixed precision."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mmengine.config import Config

from posegen.utils.errors import ConfigError


def use_amp(cfg: Config) -> None:
    """Make every optimizer wrapper of a config one with automatic mixed precision.

    Args:
        cfg: The config; changed in place, at the top level and in all stages.

    Raises:
        ConfigError: There is no GPU, or a wrapper is of a type of its own.
    """
    import torch

    if not torch.cuda.is_available():
        raise ConfigError('--amp needs a GPU; leave it out on a CPU')
    sections = [cfg, *(cfg.get('stages') or ())]
    for section in sections:
        for wrapper in _wrappers(section.get('optim_wrapper')):
            kind = wrapper.get('type', 'OptimWrapper')
            if kind not in ('OptimWrapper', 'AmpOptimWrapper'):
                raise ConfigError(f'--amp cannot change a wrapper of type {kind}')
            wrapper['type'] = 'AmpOptimWrapper'


def _wrappers(spec: Any) -> Iterator[dict]:
    if not isinstance(spec, dict):
        return
    if 'optimizer' in spec:
        yield spec
        return
    for inner in spec.values():
        yield from _wrappers(inner)
