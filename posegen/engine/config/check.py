"""Checking a whole config before anything of it is built.

Every error is one sentence with the dotted place, such as ``model.generator.hdc``.
What cannot be seen without building, such as a value out of range, is named by
:func:`posegen.engine.config.build_errors.explain_build_error`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mmengine import registry as mm
from mmengine.config import Config
from mmengine.dist import init_dist
from mmengine.hooks import CheckpointHook, LoggerHook
from mmengine.runner import IterBasedTrainLoop, Runner, set_random_seed
from mmengine.utils.dl_utils import set_multi_processing
from torch.distributed import init_process_group
from torch.utils.data import DataLoader

from posegen.engine.compile import compile_networks
from posegen.engine.config.components import Components, Problem, is_kind
from posegen.engine.config.defaults import TRIPLES, fill_defaults, is_iteration_based
from posegen.engine.config.signatures import (
    arguments_of,
    did_you_mean,
    text_for_number,
)
from posegen.engine.config.stages import merge_stage, stage_entries
from posegen.utils.errors import ConfigError

#: Top-level keys that MMEngine's Runner reads beside the arguments of its constructor.
RUNNER_READS = (
    'activation_checkpointing',
    'compile',
    'efficient_conv_bn_eval',
    'find_unused_parameters',
    'model_wrapper_cfg',
    'sync_bn',
)
OWN_KEYS = ('stages', 'data_root', 'custom_imports')

# Keys of a dataloader that Runner.build_dataloader takes away before torch sees them.
_LOADER_KEYS = ('num_batch_per_epoch', 'disable_subprocess_warning')


def check_config(cfg: Config) -> None:
    """Check names and arguments of everything that a config describes.

    Args:
        cfg: A config of :func:`posegen.engine.config.load_config`.

    Raises:
        ConfigError: One sentence: the dotted place, what is wrong, what there is.
    """
    _check_keys(cfg.to_dict(), '', (*OWN_KEYS, 'model'))
    for entry in stage_entries(cfg):
        prefix = f'stages.{entry["name"]}.'
        _check_keys(entry, prefix, ('name',))
        stage = fill_defaults(merge_stage(cfg, entry)).to_dict()
        try:
            check_stage(stage)
        except Problem as problem:
            raise _located(problem, entry) from None


def check_datasets(cfg: Config) -> None:
    """Check names and arguments of datasets and their transforms, and of nothing else.

    Args:
        cfg: A config of :func:`posegen.engine.config.load_config`; it may be of data
            alone.

    Raises:
        ConfigError: As :func:`check_config`.
    """
    for entry in stage_entries(cfg):
        stage = fill_defaults(merge_stage(cfg, entry)).to_dict()
        components = Components(stage.get('default_scope') or 'posegen')
        for section in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
            dataset = (stage.get(section) or {}).get('dataset')
            if dataset is None:
                continue
            try:
                _check_dataset(dataset, f'{section}.dataset', components)
            except Problem as problem:
                raise _located(problem, entry) from None


def _located(problem: Problem, entry: Mapping[str, Any]) -> ConfigError:
    """A problem of a stage as one sentence."""
    place = problem.place
    if _says(entry, place):
        place = f'stages.{entry["name"]}.{place}'
    hint = _merge_hint(entry, problem.place)
    return ConfigError(f'{place}: {problem.message}{hint}')


def check_stage(cfg: Mapping[str, Any]) -> None:
    """Check the merged config of one stage, as a plain dict.

    Raises:
        Problem: The first thing that does not fit.
    """
    components = Components(cfg.get('default_scope') or 'posegen')
    for section, check in _SECTIONS.items():
        if cfg.get(section) is not None:
            check(cfg[section], section, components)
    if not isinstance(cfg.get('model'), Mapping):
        raise Problem('model', f'expected a dict with a type, got {cfg.get("model")!r}')
    for names in TRIPLES:
        missing = [name for name in names if cfg.get(name) is None]
        if missing and len(missing) < len(names):
            together = ', '.join(names)
            raise Problem(missing[0], f'it is missing: {together} belong together')
    _check_schedulers_fit(cfg)
    _check_by_epoch(cfg, components)


# -- keys ------------------------------------------------------------------------------


def _check_keys(keys: Iterable[str], prefix: str, more: Iterable[str]) -> None:
    runner = [name for name in inspect.signature(Runner).parameters if name != 'cfg']
    allowed = {*runner, *RUNNER_READS, *more}
    for key in keys:
        if key not in allowed and not key.startswith('_'):
            raise ConfigError(
                f'{prefix}{key}: there is no such key{did_you_mean(key, allowed)}; a '
                'name of your own starts with "_"; there are '
                f'{", ".join(sorted(allowed))}'
            )


def _says(entry: Mapping[str, Any], place: str) -> bool:
    """Whether the entry of a stage, not the top level, states what is at a place."""
    value: Any = entry
    for name in place.split('.'):
        key = name.split('[')[0]
        if not isinstance(value, Mapping) or key not in value:
            return False
        value = value[key]
        if key != name:  # a list replaces the one of the top level as a whole
            return True
    return True


def _merge_hint(entry: Mapping[str, Any], place: str) -> str:
    """For a stage that changes a type and keeps arguments that it did not mean to."""
    outer = place.rpartition('.')[0]
    if _says(entry, place) or not _says(entry, f'{outer}.type'):
        return ''
    return (
        '; it comes from the top level, into which the stage merges: _delete_=True in '
        'the dict of the stage replaces it'
    )


# -- sections --------------------------------------------------------------------------


def _check_model(spec: Any, place: str, components: Components) -> None:
    components.check(spec, mm.MODELS, place)
    _check_parts(spec, place, components)


def _check_parts(value: Any, place: str, components: Components) -> None:
    """Everything with a type inside a model, at any depth."""
    if isinstance(value, Mapping):
        if 'type' in value:
            components.check(value, mm.MODELS, place, complete=False)
        for key, inner in value.items():
            inside = f'{place}.{key}'
            if key == 'init_cfg':
                _check_initializers(inner, inside, components)
            elif _is_layer_setting(key, inner):
                components.find(inner['type'], mm.MODELS, inside)
            else:
                _check_parts(inner, inside, components)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            _check_parts(inner, f'{place}[{index}]', components)


def _is_layer_setting(key: Any, value: Any) -> bool:
    """``norm_cfg``, ``act_cfg``: the layer that has it reads and adds arguments."""
    is_setting = isinstance(key, str) and key.endswith('_cfg')
    return is_setting and isinstance(value, Mapping) and 'type' in value


def _check_initializers(spec: Any, place: str, components: Components) -> None:
    for index, item in enumerate(spec if isinstance(spec, list | tuple) else [spec]):
        if isinstance(item, Mapping) and 'type' in item:
            inside = f'{place}[{index}]' if item is not spec else place
            components.find(item['type'], mm.WEIGHT_INITIALIZERS, inside)


def _check_dataloader(spec: Any, place: str, components: Components) -> None:
    if not isinstance(spec, Mapping):
        raise Problem(place, f'expected a dict, got {spec!r}')
    allowed = {*arguments_of(DataLoader).accepted, *_LOADER_KEYS}
    for key in spec:
        if key not in allowed:
            hint = did_you_mean(key, allowed)
            raise Problem(f'{place}.{key}', f'a dataloader has no key {key!r}{hint}')
    if wrong := text_for_number(DataLoader, spec):
        raise Problem(f'{place}.{wrong[0]}', wrong[1])
    sized = ('batch_sampler',) if spec.get('batch_sampler') else ('batch_size',)
    for key in ('dataset', 'sampler', *sized):
        if key not in spec:
            raise Problem(place, f'a dataloader needs the key {key!r}')
    _check_dataset(spec['dataset'], f'{place}.dataset', components)
    given = ('dataset', 'seed')
    components.check(spec['sampler'], mm.DATA_SAMPLERS, f'{place}.sampler', given)
    if spec.get('batch_sampler'):
        given = ('sampler', 'batch_size')
        inside = f'{place}.batch_sampler'
        components.check(spec['batch_sampler'], mm.DATA_SAMPLERS, inside, given)
    for key in ('collate_fn', 'worker_init_fn'):
        if isinstance(spec.get(key), Mapping):
            inside = f'{place}.{key}'
            components.check(spec[key], mm.FUNCTIONS, inside, complete=False)


def _check_dataset(spec: Any, place: str, components: Components) -> None:
    components.check(spec, mm.DATASETS, place)
    for key, inner in spec.items():
        items = inner if isinstance(inner, list | tuple) else [inner]
        check = _DATASET_PARTS.get(key)
        if check is None or not all(isinstance(item, Mapping) for item in items):
            continue
        for index, item in enumerate(items):
            inside = f'{place}.{key}' + (f'[{index}]' if items is inner else '')
            check(item, inside, components)


def _check_transform(spec: Any, place: str, components: Components) -> None:
    components.check(spec, mm.TRANSFORMS, place)
    for index, inner in enumerate(spec.get('transforms') or ()):
        if isinstance(inner, Mapping):
            _check_transform(inner, f'{place}.transforms[{index}]', components)


_DATASET_PARTS: dict[str, Callable] = dict(
    dataset=_check_dataset, datasets=_check_dataset, pipeline=_check_transform
)


def _check_evaluator(spec: Any, place: str, components: Components) -> None:
    metrics, inside = spec, place
    if isinstance(spec, Mapping) and 'metrics' in spec:
        components.check(spec, mm.EVALUATOR, place, default='Evaluator')
        metrics, inside = spec['metrics'], f'{place}.metrics'
    if not isinstance(metrics, list | tuple):
        components.check(metrics, mm.METRICS, inside)
        return
    for index, metric in enumerate(metrics):
        components.check(metric, mm.METRICS, f'{inside}[{index}]')


def _check_train_loop(spec: Any, place: str, components: Components) -> None:
    if isinstance(spec, Mapping) and 'type' in spec and 'by_epoch' in spec:
        raise Problem(
            f'{place}.by_epoch',
            'give either a type or by_epoch, not both: a type says'
            ' itself whether it counts epochs or iterations',
        )
    default = 'EpochBasedTrainLoop'
    if is_iteration_based(spec):
        default = 'ResumableIterLoop'
        _check_counts(spec, place)
    given = ('runner', 'dataloader')
    components.check(spec, mm.LOOPS, place, given, ('by_epoch',), default)


def _check_counts(spec: Mapping[str, Any], place: str) -> None:
    """Before the first stage is trained; the loop of a later one is built after it."""
    for name in ('max_iters', 'val_interval', 'accumulate'):
        value = spec.get(name, 1)
        if not isinstance(value, int) or value < 1:
            problem = f'it must be a whole number >= 1, got {value!r}'
            raise Problem(f'{place}.{name}', problem)


def _check_loop(spec: Any, place: str, components: Components) -> None:
    default = 'ValLoop' if place == 'val_cfg' else 'TestLoop'
    given = ('runner', 'dataloader', 'evaluator')
    components.check(spec, mm.LOOPS, place, given, default=default)


def _check_optim_wrapper(spec: Any, place: str, components: Components) -> None:
    if not isinstance(spec, Mapping):
        raise Problem(place, f'expected a dict, got {spec!r}')
    constructor = spec.get('constructor')
    if constructor is not None:
        inside = f'{place}.constructor'
        components.find(constructor, mm.OPTIM_WRAPPER_CONSTRUCTORS, inside)
    if 'optimizer' in spec:
        _check_one_wrapper(spec, place, components)
        return
    if constructor is None:
        raise Problem(
            place,
            "it needs an optimizer, or constructor='MultiOptimWrapperConstructor' with "
            'one dict for the generator and one for the discriminator',
        )
    for key, inner in spec.items():
        if key not in ('constructor', 'paramwise_cfg', 'type'):
            _check_one_wrapper(inner, f'{place}.{key}', components)


def _check_one_wrapper(spec: Any, place: str, components: Components) -> None:
    if isinstance(spec, Mapping) and 'accumulative_counts' in spec:
        raise Problem(
            f'{place}.accumulative_counts',
            'gradients are accumulated by train_cfg=dict(accumulate=...), which keeps '
            'all optimizers in step',
        )
    extra = ('constructor', 'paramwise_cfg', 'optimizer')
    default = 'OptimWrapper'
    given = ('optimizer',)
    components.check(spec, mm.OPTIM_WRAPPERS, place, given, extra, default)
    inside = f'{place}.optimizer'
    components.check(spec.get('optimizer'), mm.OPTIMIZERS, inside, ('params',))


def _check_schedulers(spec: Any, place: str, components: Components) -> None:
    if isinstance(spec, Mapping) and 'type' not in spec:
        for key, inner in spec.items():
            _check_schedulers(inner, f'{place}.{key}', components)
        return
    many = isinstance(spec, list | tuple)
    for index, item in enumerate(spec if many else [spec]):
        inside = f'{place}[{index}]' if many else place
        given, extra = ('optimizer',), ('convert_to_iter_based',)
        components.check(item, mm.PARAM_SCHEDULERS, inside, given, extra)


def _check_default_hooks(spec: Any, place: str, components: Components) -> None:
    if not isinstance(spec, Mapping):
        raise Problem(place, f'expected a dict of hooks by name, got {spec!r}')
    for name, hook in spec.items():
        if hook is not None:
            _check_hook(hook, f'{place}.{name}', components)


def _check_custom_hooks(spec: Any, place: str, components: Components) -> None:
    if not isinstance(spec, list | tuple):
        raise Problem(place, f'expected a list of hooks, got {spec!r}')
    for index, hook in enumerate(spec):
        _check_hook(hook, f'{place}[{index}]', components)


def _check_hook(spec: Any, place: str, components: Components) -> None:
    hook = components.check(spec, mm.HOOKS, place, extra=('priority',))
    if is_kind(hook, CheckpointHook) and spec.get('save_best'):
        _check_rule(spec['save_best'], spec.get('rule'), place)


def _check_rule(save_best: Any, rule: Any, place: str) -> None:
    """MMEngine guesses the rule from names that no metric of this field has."""
    keys = [save_best] if isinstance(save_best, str) else list(save_best)
    rules = [rule] if isinstance(rule, str) or rule is None else list(rule)
    fits = len(rules) in (1, len(keys)) and {*rules} <= {'greater', 'less'}
    if not fits:
        raise Problem(
            f'{place}.save_best',
            f"save_best={save_best!r} needs rule='greater' or 'less', one for all keys "
            f'or one each, got {rule!r}',
        )


def _check_visualizer(spec: Any, place: str, components: Components) -> None:
    given = ('name', 'save_dir')
    components.check(spec, mm.VISUALIZERS, place, given, default='Visualizer')
    for index, backend in enumerate(spec.get('vis_backends') or ()):
        inside = f'{place}.vis_backends[{index}]'
        components.check(backend, mm.VISBACKENDS, inside, ('save_dir',))


def _check_log_processor(spec: Any, place: str, components: Components) -> None:
    components.check(spec, mm.LOG_PROCESSORS, place, default='LogProcessor')


def _check_wrapper(spec: Any, place: str, components: Components) -> None:
    default = 'MMSeparateDistributedDataParallel'
    components.check(spec, mm.MODEL_WRAPPERS, place, ('module',), default=default)


# What Runner.setup_env reads, by the function that it passes a dict on to.
_ENV_KEYS = ('cudnn_benchmark', 'mp_cfg', 'dist_cfg', 'resource_limit')
_MP_KEYS = tuple(
    key for key in arguments_of(set_multi_processing).accepted if key != 'distributed'
)
_DIST_KEYS = tuple(
    key
    for function in (init_dist, init_process_group)
    for key in arguments_of(function).accepted
    if key not in ('launcher', 'rank', 'world_size')
)


def _check_env(spec: Any, place: str, components: Components) -> None:
    _check_settings(spec, place, _ENV_KEYS)
    for key, allowed in dict(mp_cfg=_MP_KEYS, dist_cfg=(*_DIST_KEYS, 'port')).items():
        if key in spec:
            _check_settings(spec[key], f'{place}.{key}', allowed)


def _check_randomness(spec: Any, place: str, components: Components) -> None:
    _check_settings(spec, place, arguments_of(set_random_seed).accepted)


def _check_compile(spec: Any, place: str, components: Components) -> None:
    accepted = arguments_of(compile_networks).accepted
    _check_settings(spec, place, [name for name in accepted if name != 'model'])
    if not spec.get('networks'):
        raise Problem(
            f'{place}.networks',
            'it must name the sub-networks to compile, as in '
            "compile=dict(networks=('generator', 'discriminators'))",
        )


def _check_settings(spec: Any, place: str, allowed: Iterable[str]) -> None:
    """A dict without a type: MMEngine ignores a wrong key, or fails far from it."""
    if not isinstance(spec, Mapping):
        raise Problem(place, f'expected a dict, got {spec!r}')
    for key in spec:
        if key not in allowed:
            known = sorted({*allowed})
            raise Problem(
                f'{place}.{key}',
                f'there is no such key{did_you_mean(key, known)}; there are '
                f'{", ".join(known)}',
            )


_SECTIONS: dict[str, Callable[[Any, str, Components], None]] = dict(
    compile=_check_compile,
    model=_check_model,
    data_preprocessor=_check_parts,
    train_dataloader=_check_dataloader,
    val_dataloader=_check_dataloader,
    test_dataloader=_check_dataloader,
    val_evaluator=_check_evaluator,
    test_evaluator=_check_evaluator,
    train_cfg=_check_train_loop,
    val_cfg=_check_loop,
    test_cfg=_check_loop,
    optim_wrapper=_check_optim_wrapper,
    param_scheduler=_check_schedulers,
    default_hooks=_check_default_hooks,
    custom_hooks=_check_custom_hooks,
    visualizer=_check_visualizer,
    log_processor=_check_log_processor,
    model_wrapper_cfg=_check_wrapper,
    env_cfg=_check_env,
    randomness=_check_randomness,
)


# -- what must agree -------------------------------------------------------------------


def _check_schedulers_fit(cfg: Mapping[str, Any]) -> None:
    """Schedulers by name go with optimisers by name."""
    schedulers, wrappers = cfg.get('param_scheduler'), cfg.get('optim_wrapper') or {}
    if not isinstance(schedulers, Mapping) or 'type' in schedulers:
        return
    optimizers = [] if 'optimizer' in wrappers else [*wrappers]
    optimizers = [k for k in optimizers if k not in ('constructor', 'paramwise_cfg')]
    for name in sorted({*schedulers} ^ {*optimizers}):
        raise Problem(
            f'param_scheduler.{name}',
            f'schedulers are given for {sorted(schedulers)} and optimizers for '
            f'{sorted(optimizers)}; the names must be the same',
        )


def _check_by_epoch(cfg: Mapping[str, Any], components: Components) -> None:
    """Under an iteration-based loop nothing may count epochs: there is but one."""
    if not _counts_iterations(cfg.get('train_cfg'), components):
        return
    flags = [('log_processor', 'by_epoch', cfg.get('log_processor') or {})]
    for name, hook in _hooks(cfg):
        kind = components.find(hook['type'], mm.HOOKS, name)
        if is_kind(kind, CheckpointHook):
            flags.append((name, 'by_epoch', hook))
        elif is_kind(kind, LoggerHook):
            flags.append((name, 'log_metric_by_epoch', hook))
    for place, spec in _schedulers(cfg.get('param_scheduler'), 'param_scheduler'):
        kind = components.find(spec['type'], mm.PARAM_SCHEDULERS, place)
        # A scheduler that waits for validation counts neither.
        waits = getattr(kind, 'need_val_args', False)
        if not waits and not spec.get('convert_to_iter_based'):
            flags.append((place, 'by_epoch', spec))
    for place, flag, spec in flags:
        if spec.get(flag, True):
            raise Problem(
                f'{place}.{flag}',
                f'{flag}=False is needed here, because train_cfg '
                'counts iterations, and an iteration-based loop is one long epoch',
            )


def _counts_iterations(spec: Any, components: Components) -> bool:
    if not isinstance(spec, Mapping):
        return False
    if 'type' not in spec:
        return is_iteration_based(spec)
    loop = components.find(spec['type'], mm.LOOPS, 'train_cfg')
    return is_kind(loop, IterBasedTrainLoop)


def _hooks(cfg: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    named = (cfg.get('default_hooks') or {}).items()
    hooks = [(f'default_hooks.{name}', hook) for name, hook in named if hook]
    custom = enumerate(cfg.get('custom_hooks') or ())
    return hooks + [(f'custom_hooks[{index}]', hook) for index, hook in custom]


def _schedulers(spec: Any, place: str) -> list[tuple[str, Mapping[str, Any]]]:
    if spec is None:
        return []
    if isinstance(spec, Mapping) and 'type' in spec:
        return [(place, spec)]
    if isinstance(spec, Mapping):
        items = [(f'{place}.{key}', inner) for key, inner in spec.items()]
    else:
        items = [(f'{place}[{index}]', inner) for index, inner in enumerate(spec)]
    return [found for where, inner in items for found in _schedulers(inner, where)]
