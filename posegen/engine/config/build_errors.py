"""Naming the component whose construction failed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Any

from mmengine.config import Config
from mmengine.registry import build_from_cfg

from posegen.utils.errors import ConfigError, PosegenError


def explain_build_error(error: Exception, cfg: Config | Mapping[str, Any]) -> Exception:
    """Say in one sentence which component of a config could not be built.

    MMEngine passes errors of constructors on as they are, such as ``TypeError: '<' not
    supported between 'str' and 'int'`` from deep inside a network. The failing
    component is the last one that its registry was building.

    Args:
        error: What was raised while something of the config was built or run.
        cfg: The config.

    Returns:
        A `ConfigError` with the dotted place, the type and the reason; the error itself
        where it is already meant for users or nothing was being built.
    """
    if isinstance(error, PosegenError):
        return error
    frames = [f for f in _frames(error) if f.f_code is build_from_cfg.__code__]
    if not frames:
        return error
    spec = frames[-1].f_locals.get('cfg')
    if not isinstance(spec, Mapping):
        return error
    place = _place_of(spec, cfg.to_dict() if isinstance(cfg, Config) else cfg)
    reason = str(error).strip().split('\n')[0] or 'no reason given'
    return ConfigError(
        f'{place}: {spec.get("type")} cannot be built: {type(error).__name__}: {reason}'
    )


def _frames(error: Exception) -> Iterator[FrameType]:
    traceback = error.__traceback__
    while traceback is not None:
        yield traceback.tb_frame
        traceback = traceback.tb_next


def _place_of(spec: Mapping[str, Any], cfg: Mapping[str, Any]) -> str:
    """The place of the dict that is most like the one that was built.

    Whoever builds a component may have added arguments to it, so equality is not asked
    for: every key of the config's dict has to be there with the same value.
    """
    fitting = [
        (len(found), place)
        for place, found in _components(cfg, '')
        if all(key in spec and _same(spec[key], found[key]) for key in found)
    ]
    return max(fitting, default=(0, str(spec.get('type'))))[1]


def _components(value: Any, place: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(value, Mapping):
        if 'type' in value:
            yield place, value
        for key, inner in value.items():
            yield from _components(inner, f'{place}.{key}' if place else str(key))
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _components(inner, f'{place}[{index}]')


def _same(first: Any, second: Any) -> bool:
    try:
        return bool(first == second)
    except (ValueError, RuntimeError):  # arrays and tensors have no one truth
        return first is second
