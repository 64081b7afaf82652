"""The stages of a config: their entries, and what each makes of the top level."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

from mmengine.config import Config

from posegen.utils.errors import ConfigError

#: Name of the one stage of a config that lists none.
ONLY_STAGE = 'train'


def stage_entries(cfg: Config) -> list[dict[str, Any]]:
    """The entries of ``stages``; a config without any has one called ``'train'``.

    Args:
        cfg: A config.

    Returns:
        Plain dicts, each with a ``name`` that can be the name of a folder.

    Raises:
        ConfigError: ``stages`` is not a list of dicts with different names.
    """
    stages = cfg.get('stages')
    if stages is None:
        return [dict(name=ONLY_STAGE)]
    if not isinstance(stages, list | tuple) or not stages:
        raise ConfigError(f'stages must be a list of dicts, got {stages!r}')
    entries = [_entry(stage, index) for index, stage in enumerate(stages)]
    names = [entry['name'] for entry in entries]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f'stages: the name {twice[0]!r} is given to two stages')
    return entries


def merge_stage(cfg: Config, entry: Mapping[str, Any]) -> Config:
    """The config of one stage: its entry merged deeply over the top level.

    Args:
        cfg: The whole config; it is left as it is.
        entry: One of :func:`stage_entries`. ``_delete_=True`` inside a dict replaces
            the dict of the top level instead of merging with it.

    Returns:
        A config without ``stages``.

    Raises:
        ConfigError: The entry has a dict where the top level has another value.
    """
    merged = copy.deepcopy(cfg)
    merged.pop('stages', None)
    own = {k: copy.deepcopy(v) for k, v in entry.items() if k != 'name'}
    try:
        merged.merge_from_dict(own, allow_list_keys=False)
    except TypeError as error:
        raise ConfigError(f'stages.{entry["name"]}: {error}') from error
    return merged


def _entry(stage: Any, index: int) -> dict[str, Any]:
    if not isinstance(stage, Mapping):
        raise ConfigError(f'stages[{index}] must be a dict, got {stage!r}')
    name = stage.get('name')
    if not isinstance(name, str) or not re.fullmatch(r'\w[\w.-]*', name):
        raise ConfigError(
            f'stages[{index}] needs a name of letters, digits, "_", "-" or ".", '
            f'because its folder is called so; got {name!r}'
        )
    return dict(stage)
