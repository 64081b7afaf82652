"""Naming the component whose construction failed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Any

from mmengine.config import Config
from mmengine.registry import build_from_cfg
from mmengine.runner import Runner

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
        where it is already meant for users or nothing was being built, without the
        traceback that torch puts into its text in a process that loads data.
    """
    if isinstance(error, PosegenError):
        return _in_own_words(error)
    if cure := _loader_cure(error):
        return ConfigError(f'the data cannot be loaded by worker processes: {cure}')
    cfg = cfg.to_dict() if isinstance(cfg, Config) else cfg
    found = (_building(frame, cfg) for frame in reversed([*_frames(error)]))
    where = next(filter(None, found), None)
    if where is None:
        return error
    reason = str(error).strip().split('\n')[0] or 'no reason given'
    return ConfigError(f'{where} cannot be built: {type(error).__name__}: {reason}')


def _in_own_words(error: PosegenError) -> PosegenError:
    text = str(error)
    if not _FROM_LOADER.match(text):
        return error
    return type(error)(text.rstrip().rsplit('\n', 1)[-1].partition(': ')[2])


# How torch begins what it raises again in the main process.
_FROM_LOADER = re.compile(r'Caught \w+ in DataLoader worker process \d+')

_WORKERS = '--cfg-options train_dataloader.num_workers=0 (or val_, test_dataloader)'
# What torch says of processes that load data -> what is wrong, and what to do.
_LOADER_FAULTS = {
    r'shared memory\(shm\)|Bus error|</torch_\w+>': (
        'they run out of shared memory (/dev/shm): give them more, as in docker run '
        f'--shm-size=2g, or load in this process, {_WORKERS}'
    ),
    r'items of ancdata|Too many open files': (
        'they run out of open files: raise the limit (ulimit -n 65536), or load in '
        f'this process, {_WORKERS}'
    ),
    r'DataLoader worker.* (exited unexpectedly|is killed by signal)': (
        'one was killed, most often because memory runs out: use fewer of them, or '
        f'none, {_WORKERS}'
    ),
}


def _loader_cure(error: BaseException) -> str | None:
    """What to do about an error of torch's dataloader, if it is one that is known."""
    if not isinstance(error, RuntimeError | OSError):
        return None
    text = str(error)
    return next(
        (cure for said, cure in _LOADER_FAULTS.items() if re.search(said, text)), None
    )


# What MMEngine's Runner builds itself, by the method that does.
_SECTIONS = dict(
    build_train_loop='train_cfg',
    build_val_loop='val_cfg',
    build_test_loop='test_cfg',
    build_optim_wrapper='optim_wrapper',
    build_param_scheduler='param_scheduler',
    build_log_processor='log_processor',
    set_randomness='randomness',
    setup_env='env_cfg',
)
_LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def _building(frame: FrameType, cfg: Mapping[str, Any]) -> str | None:
    """What a call on the way to the error was building, or None."""
    if frame.f_code is build_from_cfg.__code__:
        spec = frame.f_locals['cfg']
        return f'{_place_of(spec, cfg)}: {spec.get("type")}'
    if frame.f_code is Runner.build_dataloader.__code__:
        spec = frame.f_locals['dataloader']
        return next((n for n in _LOADERS if _same(cfg.get(n), spec)), None)
    if isinstance(frame.f_locals.get('self'), Runner):
        return _SECTIONS.get(frame.f_code.co_name)
    return None


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
