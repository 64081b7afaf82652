"""Settings of optimizers that a config states and a resumed run does not take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mmengine.optim import OptimWrapper, OptimWrapperDict

Settings = dict[str, list[dict[str, Any]]]


def settings_of(optimizers: OptimWrapper | OptimWrapperDict) -> Settings:
    """Numbers of each group of parameters of each optimizer.

    Args:
        optimizers: One wrapper, or several by name.

    Returns:
        Name of the optimizer -> for each group, ``lr``, ``betas`` and the like. The
        rate is the one before any schedule.
    """
    several = isinstance(optimizers, OptimWrapperDict)
    wrappers = dict(optimizers.items()) if several else {'optim_wrapper': optimizers}
    return {
        name: [_numbers(group) for group in wrapper.optimizer.param_groups]
        for name, wrapper in wrappers.items()
    }


def _numbers(group: Mapping[str, Any]) -> dict[str, Any]:
    values = {k: v for k, v in group.items() if k not in ('params', 'initial_lr')}
    values['lr'] = group.get('initial_lr', group['lr'])
    return {
        key: list(value) if isinstance(value, list | tuple) else value
        for key, value in values.items()
        if isinstance(value, int | float | list | tuple)
    }


def not_taken(config: Settings, resumed: Settings) -> Iterator[str]:
    """Sentences about what a checkpoint has overruled.

    Args:
        config: Settings before the optimizers were loaded.
        resumed: Settings after that.
    """
    for name in config:
        pairs = zip(config[name], resumed.get(name, []))
        changed = {
            f'{key}={after[key]} goes on, {before[key]} of the config does not count'
            for before, after in pairs
            for key in before.keys() & after.keys()
            if before[key] != after[key]
        }
        if changed:
            yield f'{name}: {"; ".join(sorted(changed))}'
