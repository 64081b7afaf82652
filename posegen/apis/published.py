"""Weight files that carry the config of their model, and nothing that could run.

The config lies in the file as text of plain values, ``model = {...}``. It is a config
file in MMEngine's text style, but it is never read as one: MMEngine runs such a file as
a program, whoever wrote it. It is parsed, and the components that it names must be
registered already, because MMEngine imports whatever else a name may be.

The order of keys is kept, since it means something: that of the parts of a body is the
order of channels. (``Config.pretty_text`` sorts them.)
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from pprint import pformat
from typing import Any

from mmengine.config import Config

from posegen.registry import MODELS
from posegen.utils.checkpoint import read_metadata
from posegen.utils.errors import ConfigError

#: Suffix of published files.
SUFFIX = '.safetensors'
#: Arguments of a model that only training needs, and so the state that it leaves out.
TRAINING_ONLY = ('discriminators', 'feature_net', 'losses')

# Sections that know the size of the images.
_LOADERS = ('test_dataloader', 'val_dataloader', 'train_dataloader')


def is_published(model: object) -> bool:
    """Whether a model is given as a file of weights that carries its config."""
    return isinstance(model, str | Path) and Path(model).suffix == SUFFIX


def write_config_text(config: Mapping[str, Any]) -> str:
    """A config as text of plain values.

    Args:
        config: Numbers, strings, None, and dicts, lists and tuples of them.

    Returns:
        A line or more for each key; :func:`read_config_text` gives back the same.

    Raises:
        ConfigError: There is something else in it.
    """
    text = ''.join(
        f'{key} = {pformat(value, sort_dicts=False, width=100)}\n'
        for key, value in config.items()
    )
    try:
        same = read_config_text(text) == dict(config)
    except ValueError:
        same = False
    if not same:
        raise ConfigError(
            'the config cannot be written down, because it holds more than numbers, '
            'strings, dicts, lists and tuples; leave functions and classes out of it'
        )
    return text


def read_config_text(text: str) -> dict[str, Any]:
    """Parse what :func:`write_config_text` wrote; nothing of it is run.

    Raises:
        ValueError: It is anything but names with plain values.
    """
    try:
        statements = ast.parse(text).body
        return dict(map(_assignment, statements))
    except (SyntaxError, RecursionError, MemoryError, TypeError) as error:
        raise ValueError(f'no text of plain values: {error}') from error


def _assignment(node: ast.stmt) -> tuple[str, Any]:
    if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
        raise ValueError(f'line {node.lineno} is not NAME = VALUE')
    return node.targets[0].id, ast.literal_eval(node.value)


def read_published_config(path: str | Path) -> Config:
    """The config inside a weight file, as far as inference needs it.

    Args:
        path: A file of :func:`posegen.apis.publish.publish_model`.

    Returns:
        The model, without what only training needs, and the data loaders; nothing has
        been built or imported.

    Raises:
        ConfigError: The file has no config, one that is more than plain values, or one
            whose model names something that is not registered.
        WeightsError: The file cannot be read.
    """
    text = read_metadata(path).get('config', '')
    cure = f'give the config of its model, and {path} as weights'
    if not text:
        raise ConfigError(f'{path} carries no config: {cure}.')
    try:
        config = read_config_text(text)
    except ValueError as error:
        raise ConfigError(
            f'the config inside {path} is not one of plain values as publish_model.py '
            f'writes it, and others are not run ({error}): {cure}.'
        ) from error
    if not isinstance(config.get('model'), dict):
        raise ConfigError(f'the config inside {path} has no model: {cure}.')
    model = {k: v for k, v in config['model'].items() if k not in TRAINING_ONLY}
    try:
        check_names(model)
    except ConfigError as error:
        raise ConfigError(f'the config inside {path}: {error}') from error
    loaders = {key: config[key] for key in _LOADERS if key in config}
    return Config(dict(model=model, **loaders))


def check_names(model: Mapping[str, Any]) -> None:
    """Look whether everything that a model's config names is registered.

    MMEngine takes a ``type`` that is not registered for the path of any function of any
    module, and a ``_scope_`` for a package; both it would import.

    Args:
        model: The section ``model`` of a config.

    Raises:
        ConfigError: A name is not registered.
    """
    allowed = _registered_names()
    for place, key, value in _settings(model, 'model'):
        named = isinstance(value, str) and value in allowed
        if key == '_scope_' or (key == 'type' and not named):
            raise ConfigError(
                f'{place}.{key} is {value!r}, and a file may only name components that '
                'are registered; import the module that registers it first, or give '
                'the config file of the model beside the weights'
            )


def _settings(value: Any, place: str) -> Iterator[tuple[str, str, Any]]:
    """Place, key and value of all entries of all dicts."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield place, key, inner
            yield from _settings(inner, f'{place}.{key}')
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _settings(inner, f'{place}[{index}]')


def _registered_names() -> set[str]:
    MODELS.import_from_location()
    return {*MODELS.module_dict, *MODELS.parent.module_dict}
