"""What a config may leave out."""

from __future__ import annotations

import copy
from collections.abc import Mapping, MutableMapping
from typing import Any

from mmengine import registry as mm
from mmengine.config import Config

from posegen.engine.config.components import Components, takes_argument

#: Settings that MMEngine wants all of, or none.
TRIPLES = (
    ('train_dataloader', 'train_cfg', 'optim_wrapper'),
    ('val_dataloader', 'val_cfg', 'val_evaluator'),
    ('test_dataloader', 'test_cfg', 'test_evaluator'),
)

LOADERS = tuple(names[0] for names in TRIPLES)
#: What torch takes of a dataloader with workers only.
WORKER_SETTINGS = (
    'multiprocessing_context',
    'persistent_workers',
    'prefetch_factor',
    'timeout',
)

#: Hooks of every run, by their name in ``default_hooks``; None takes one away.
HOOKS = dict(
    logger=dict(type='LoggerHook', interval=50),
    checkpoint=dict(type='CheckpointHook', interval=1000),
    plain_checkpoint=dict(type='PlainCheckpointHook'),
    finite_loss=dict(type='FiniteLossHook'),
    unused_parameters=dict(type='UnusedParametersHook'),
    sample_grid=dict(type='SampleGridHook'),
)
MMENGINE_HOOKS = ('logger', 'checkpoint')


def is_iteration_based(train_cfg: Any) -> bool:
    """Whether a ``train_cfg`` without a type counts iterations, the default here."""
    return isinstance(train_cfg, Mapping) and not train_cfg.get('by_epoch', False)


def fill_defaults(cfg: Config) -> Config:
    """Complete the config of one stage.

    A config that states these things itself is left as it is:

    - ``default_scope`` is posegen;
    - a ``train_cfg`` that does not say counts iterations, and then so do the log and
      the hooks that write it and the checkpoints;
    - ``val_cfg`` and ``test_cfg`` are there where their data and metrics are, and a
      part that is None takes the other two with it;
    - the hooks of :data:`HOOKS`;
    - ``data_root`` in every dataset.

    A dataloader without workers (``num_workers=0``) loses the settings of workers.

    Args:
        cfg: The merged config of one stage.

    Returns:
        A completed copy.
    """
    cfg = copy.deepcopy(cfg)
    if cfg.get('default_scope') is None:
        cfg.default_scope = 'posegen'
    for section in ('val', 'test'):
        _complete_triple(cfg, section)
    train_cfg = cfg.get('train_cfg')
    if isinstance(train_cfg, Mapping) and 'type' not in train_cfg:
        train_cfg.setdefault('by_epoch', False)
    _fill_hooks(cfg)
    if _counts_iterations(train_cfg):
        _fill_iteration_flags(cfg)
    fill_data_root(cfg)
    for name in LOADERS:
        if isinstance(cfg.get(name), Mapping):
            drop_worker_settings(cfg[name])
    return cfg


def drop_worker_settings(loader: MutableMapping[str, Any]) -> None:
    """Let ``num_workers=0`` be enough to load data in the process itself.

    torch refuses a loader that has no workers and says how they are started or kept.

    Args:
        loader: Settings of a dataloader; changed in place.
    """
    if loader.get('num_workers', 0) == 0:
        for name in WORKER_SETTINGS:
            loader.pop(name, None)


def fill_data_root(cfg: Config) -> None:
    """Give the top-level ``data_root`` to every dataset that has none of its own.

    Args:
        cfg: A config; changed in place. Without a ``data_root`` nothing happens.
    """
    root = cfg.get('data_root')
    components = Components(cfg.get('default_scope') or 'posegen')
    for name in LOADERS:
        loader = cfg.get(name)
        if root is not None and isinstance(loader, Mapping):
            _fill_root(loader.get('dataset'), root, components)


def _fill_root(dataset: Any, root: str, components: Components) -> None:
    if not isinstance(dataset, Mapping):
        return
    inner = dataset.get('datasets') or [dataset.get('dataset')]
    for wrapped in inner:
        _fill_root(wrapped, root, components)
    if dataset.get('data_root') is None and _takes_root(dataset, components):
        dataset['data_root'] = root


def _takes_root(dataset: Mapping[str, Any], components: Components) -> bool:
    name = dataset.get('type')
    if not isinstance(name, str):
        return name is not None and takes_argument(name, 'data_root')
    with mm.DATASETS.switch_scope_and_registry(components.scope) as registry:
        found = registry.get(name)
    return found is not None and takes_argument(found, 'data_root')


def _complete_triple(cfg: Config, section: str) -> None:
    loader, loop, metrics = (
        f'{section}_{part}' for part in ('dataloader', 'cfg', 'evaluator')
    )
    names = (loader, loop, metrics)
    if any(name in cfg and cfg[name] is None for name in names):
        cfg.merge_from_dict(dict.fromkeys(names))
    elif cfg.get(loader) is None and cfg.get(metrics) is None:
        cfg[loop] = None
    elif loop not in cfg:
        cfg[loop] = dict()


def _fill_hooks(cfg: Config) -> None:
    if cfg.get('default_hooks') is None:
        cfg.default_hooks = dict()
    hooks = cfg.default_hooks
    if not isinstance(hooks, Mapping):
        return  # check_config says so
    custom = cfg.get('custom_hooks') or ()
    listed = [hook for hook in (*hooks.values(), *custom) if isinstance(hook, Mapping)]
    present = {hook.get('type') for hook in listed}
    for name, hook in HOOKS.items():
        if name in hooks and hooks[name] is None and name not in MMENGINE_HOOKS:
            hooks.pop(name)  # MMEngine understands None for its own hooks only
        elif name not in hooks and hook['type'] not in present:
            hooks[name] = copy.deepcopy(hook)


def _counts_iterations(train_cfg: Any) -> bool:
    if not isinstance(train_cfg, Mapping):
        return False
    if 'type' not in train_cfg:
        return is_iteration_based(train_cfg)
    return 'Iter' in str(train_cfg['type'])


def _fill_iteration_flags(cfg: Config) -> None:
    if cfg.get('log_processor') is None:
        cfg.log_processor = dict()
    if isinstance(cfg.log_processor, Mapping):
        cfg.log_processor.setdefault('by_epoch', False)
    hooks = cfg.default_hooks
    if not isinstance(hooks, Mapping):
        return
    for name, flag in (('checkpoint', 'by_epoch'), ('logger', 'log_metric_by_epoch')):
        if isinstance(hooks.get(name), Mapping):
            hooks[name].setdefault(flag, False)
