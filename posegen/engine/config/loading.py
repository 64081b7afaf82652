"""Reading a config file and the options given on the command line."""

from __future__ import annotations

from argparse import ArgumentError, ArgumentParser
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config, DictAction
from mmengine.utils import import_modules_from_strings

from posegen.engine.config.bases import (
    checked_bases,
    config_path,
    place_of,
    reading_message,
)
from posegen.utils.errors import ConfigError, PosegenError


def load_config(
    path: str | Path, options: Sequence[str] | Mapping[str, Any] | None = None
) -> Config:
    """Read a config file with its bases and its ``custom_imports``.

    Args:
        path: A config in MMEngine's text style (``_base_ = [...]``) or in its pure
            Python style (``with read_base():``). Here and in ``_base_``,
            ``posegen::METHOD/NAME.py`` is a config that comes with posegen.
        options: Changes to it, as ``--cfg-options`` takes them
            (``['train_cfg.max_iters=10']``) or as a dict with dotted keys. A stage may
            be named by its name: ``stages.flow.train_cfg.max_iters=10``.

    Returns:
        The config, not yet checked; see :func:`posegen.engine.config.check_config`.

    Raises:
        ConfigError: The file or a base is missing or cannot be read (file and line are
            named), a module of ``custom_imports`` cannot be imported, or an option does
            not fit.
    """
    path = config_path(path)
    cfg = _read(path)
    if options:
        imported = cfg.get('custom_imports')
        merge_options(cfg, options)
        if cfg.get('custom_imports') not in (None, imported):
            _import_modules(cfg.custom_imports, path)
    return cfg


def merge_options(cfg: Config, options: Sequence[str] | Mapping[str, Any]) -> None:
    """Merge ``--cfg-options`` into a config, in place.

    Args:
        cfg: The config.
        options: As in :func:`load_config`.

    Raises:
        ConfigError: An option is not ``key=value``, or goes through something that is
            neither a dict nor a list.
    """
    values = options if isinstance(options, Mapping) else _parse(options)
    values = {_with_stage_index(key, cfg): value for key, value in values.items()}
    try:
        cfg.merge_from_dict(values)
    except (TypeError, KeyError, AttributeError) as error:
        names = ', '.join(values)
        raise ConfigError(
            f'the options {names} do not fit the config: {error}'
        ) from error


def _read(path: Path) -> Config:
    # MMEngine takes a text config for a pure Python one as soon as it imports a module,
    # and then refuses its `_base_`; what tells them apart for certain is `read_base`.
    try:
        lazy = 'read_base' in path.read_text(encoding='utf-8')
    except UnicodeDecodeError as error:
        raise ConfigError(
            f'{path} is not a config file; one is text in UTF-8; where it is a '
            'checkpoint, name the config it was trained with, and give it as the '
            'weights'
        ) from error
    try:
        with checked_bases():
            return Config.fromfile(path, lazy_import=lazy)
    except PosegenError:
        raise
    except ImportError as error:
        raise ConfigError(_import_message(path, error)) from error
    except Exception as error:
        raise ConfigError(reading_message(error, path)) from error


def _import_modules(custom_imports: Mapping[str, Any], path: Path) -> None:
    """What MMEngine does with ``custom_imports`` of a file, for those of an option."""
    try:
        import_modules_from_strings(**custom_imports)
    except ImportError as error:
        raise ConfigError(_import_message(path, error)) from error
    except TypeError as error:
        raise ConfigError(f'custom_imports: {error}') from error


# How MMEngine begins what it raises over an error of an import.
_WRAPPED = 'Failed to import '


def _import_message(path: Path, error: ImportError) -> str:
    """What an import that failed says itself; MMEngine only names the module."""
    named, cause = None, error
    while str(cause).startswith(_WRAPPED) and (beneath := _beneath(cause)):
        named, cause = str(cause).removeprefix(_WRAPPED), beneath
    reason = str(cause).split('\n')[0]
    if named is None:
        return f'{place_of(error, path)}: an import fails: {reason}'
    message = f'{path}: {named} of custom_imports cannot be imported: {reason}'
    missing = cause.name if isinstance(cause, ModuleNotFoundError) else None
    if missing is not None and f'{named}.'.startswith(f'{missing}.'):
        message += (
            '; run from the folder that holds it, or add that folder to PYTHONPATH'
        )
    return message


def _beneath(error: BaseException) -> BaseException | None:
    """The error that another one was raised for, or in the handling of."""
    return error.__cause__ or error.__context__


def _parse(options: Sequence[str]) -> dict[str, Any]:
    """Options as MMEngine's DictAction reads them: numbers, lists, None, True.

    It takes all blanks out of a text, such as a path; here they stay.
    """
    for option in options:
        if '=' not in option:
            raise ConfigError(f'--cfg-options takes key=value pairs, got {option!r}')
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    try:
        values = parser.parse_args(['--cfg-options', *options]).cfg_options
    except (ArgumentError, AssertionError) as error:
        raise ConfigError(f'--cfg-options cannot be read: {error}') from error
    except RecursionError as error:  # MMEngine's reader of lists meets a call or a dict
        raise ConfigError(
            '--cfg-options takes numbers, texts, and lists of them, not dicts: write '
            'dotted keys (model.generator.level=2), or put the dict into a config file'
        ) from error
    texts = dict(option.split('=', maxsplit=1) for option in options)
    return {
        key: texts[key].strip('\'"') if isinstance(value, str) else value
        for key, value in values.items()
    }


def _with_stage_index(key: str, cfg: Config) -> str:
    """``stages.flow.x`` -> ``stages.0.x``, as merging into a list needs it."""
    head, _, rest = key.partition('.')
    if head != 'stages' or not rest:
        return key
    name, _, tail = rest.partition('.')
    names = [stage.get('name') for stage in cfg.get('stages') or ()]
    if name in names:
        name = str(names.index(name))
    elif not name.isdigit():
        raise ConfigError(f'{key}: there is no stage {name!r}; the stages are {names}')
    return '.'.join(filter(None, ('stages', name, tail)))
