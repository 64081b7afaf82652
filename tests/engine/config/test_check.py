"""Every mistake in a config is one sentence with its place."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from mmengine.config import Config

from posegen.engine.config import check_config, check_datasets
from posegen.registry import MODELS
from posegen.utils.errors import ConfigError
from tests.helpers.toy_training import toy_config


def changed(key: str, value: Any) -> Config:
    """The toy config with one value replaced; ``a.0.b`` goes through lists."""
    config = copy.deepcopy(toy_config())
    *path, last = key.split('.')
    inner: Any = config
    for name in path:
        inner = inner[int(name)] if isinstance(inner, list) else inner[name]
    inner[int(last) if isinstance(inner, list) else last] = value
    return Config(config)


def test_a_good_config_passes() -> None:
    check_config(Config(toy_config()))


WRONG = {
    'top-level key': (
        'custom_hook',
        [],
        r"^custom_hook: .*did you mean 'custom_hooks'",
    ),
    'stage key': ('stages.0.optim', {}, r'^stages\.flow\.optim: there is no such key'),
    'no model': ('model', 3, r'^stages\.flow: model=.* in child config cannot inherit'),
    'unknown model': (
        'model.generator.block.type',
        'ToyBlok',
        r"^model\.generator\.block: no model named 'ToyBlok'.*did you mean 'ToyBlock'",
    ),
    'unknown argument': (
        'model.generator.block.kernel',
        3,
        r"block\.kernel: ToyBlock has no argument 'kernel' .*'kernel_size'.*channels",
    ),
    'stage argument': (
        'stages.1.model.train_stag',
        'full',
        r"^stages\.full\.model\.train_stag: .*did you mean 'train_stage'",
    ),
    'text for a number': (
        'model.generator.block.kernel_size',
        'three',
        r"^model\.generator\.block\.kernel_size: ToyBlock takes a number .*'three'",
    ),
    'text for the size of a batch': (
        'train_dataloader.batch_size',
        'two',
        r"^train_dataloader\.batch_size: DataLoader takes a number here, .*'two'",
    ),
    'unknown dataset': (
        'train_dataloader.dataset.type',
        'ToyPair',
        r"^train_dataloader\.dataset: no dataset named 'ToyPair'",
    ),
    'dataset argument': (
        'train_dataloader.dataset.lenght',
        3,
        r"^train_dataloader\.dataset\.lenght: .*did you mean 'length'",
    ),
    'missing argument': (
        'train_dataloader.dataset',
        {'type': 'PosePairDataset', 'data_root': 'x'},
        r"^train_dataloader\.dataset: PosePairDataset needs the argument 'image_dir'",
    ),
    'transform': (
        'train_dataloader.dataset',
        {'type': 'RepeatDataset', 'times': 2, 'dataset': {'type': 'Nothing'}},
        r'^train_dataloader\.dataset\.dataset: no dataset named',
    ),
    'sampler': (
        'val_dataloader.sampler.type',
        'Default',
        r"^val_dataloader\.sampler: no data sampler named 'Default'",
    ),
    'collate function': (
        'train_dataloader.collate_fn.type',
        'default_colate',
        r"^train_dataloader\.collate_fn: .*did you mean 'default_collate'",
    ),
    'dataloader key': (
        'train_dataloader.batchsize',
        3,
        r"^train_dataloader\.batchsize: .*did you mean 'batch_size'",
    ),
    'no sampler': (
        'train_dataloader',
        {'dataset': {'type': 'ToyPairs'}, 'batch_size': 1},
        r"^train_dataloader: a dataloader needs the key 'sampler'",
    ),
    'metric': ('val_evaluator.0.type', 'ToyErr', r"^val_evaluator\[0\]: .*'ToyError'"),
    'hook': (
        'default_hooks.logger.type',
        'LogHook',
        r"^default_hooks\.logger: no hook named 'LogHook'",
    ),
    'swallowed hook argument': (
        'default_hooks.checkpoint.intervall',
        3,
        r"^default_hooks\.checkpoint\.intervall: .*did you mean 'interval'",
    ),
    'custom hook': (
        'custom_hooks',
        [{'type': 'EMAHook', 'priority': 49}, {'type': 'NoHook'}],
        r'^custom_hooks\[1\]: no hook named',
    ),
    'save_best': (
        'default_hooks.checkpoint.save_best',
        'toy_error',
        r"^default_hooks\.checkpoint\.save_best: .*needs rule='greater' or 'less'",
    ),
    'loop argument': (
        'stages.0.train_cfg.max_iter',
        3,
        r"^stages\.flow\.train_cfg\.max_iter: .*did you mean 'max_iters'",
    ),
    'count of a later stage': (
        'stages.1.train_cfg.accumulate',
        0,
        r'^stages\.full\.train_cfg\.accumulate: .* a whole number >= 1, got 0',
    ),
    'fraction of an iteration': (
        'stages.1.train_cfg.max_iters',
        1.5,
        r'^stages\.full\.train_cfg\.max_iters: .* a whole number >= 1, got 1\.5',
    ),
    'accumulation of MMEngine': (
        'stages.1.optim_wrapper.generator.accumulative_counts',
        2,
        r'^stages\.full\.optim_wrapper\.generator\.accumulative_counts: .*accumulate=',
    ),
    'compile as a whole': ('compile', True, r'^compile: expected a dict, got True'),
    'compile nothing': (
        'compile',
        {'mode': 'default'},
        r'^compile\.networks: it must name',
    ),
    'compile option': (
        'compile',
        {'networks': ('generator',), 'mod': 1},
        r"^compile\.mod: .*did you mean 'mode'",
    ),
    'type and by_epoch': (
        'stages.0.train_cfg',
        {'type': 'IterBasedTrainLoop', 'by_epoch': False, 'max_iters': 1},
        r'^stages\.flow\.train_cfg\.by_epoch: give either',
    ),
    'epochs in the log': (
        'log_processor',
        {'by_epoch': True},
        r'^log_processor\.by_epoch: by_epoch=False is needed here',
    ),
    'epochs in checkpoints': (
        'default_hooks.checkpoint.by_epoch',
        True,
        r'^default_hooks\.checkpoint\.by_epoch: ',
    ),
    'epochs in the logger': (
        'default_hooks.logger.log_metric_by_epoch',
        True,
        r'^default_hooks\.logger\.log_metric_by_epoch: ',
    ),
    'epochs in a scheduler': (
        'param_scheduler',
        [{'type': 'LinearLR', 'start_factor': 0.1}],
        r'^param_scheduler\[0\]\.by_epoch: ',
    ),
    'scheduler argument': (
        'param_scheduler',
        {'type': 'LinearLR', 'by_epoch': False, 'start': 0.1},
        r"^param_scheduler\.start: LinearLR has no argument 'start'",
    ),
    'schedulers of other optimizers': (
        'param_scheduler',
        {'critic': {'type': 'ConstantLR', 'by_epoch': False}},
        r'^param_scheduler\.critic: .*the names must be the same',
    ),
    'optimizer': (
        'stages.1.optim_wrapper.generator.optimizer.type',
        'Adm',
        r"^stages\.full\.optim_wrapper\.generator\.optimizer: .*'Adam'",
    ),
    'optimizer argument': (
        'stages.1.optim_wrapper.discriminator.optimizer.beta',
        (0, 1),
        r"discriminator\.optimizer\.beta: Adam has no argument 'beta'.*'betas'",
    ),
    'wrapper argument': (
        'stages.0.optim_wrapper.generator.clip_gradient',
        {},
        r"generator\.clip_gradient: .*did you mean 'clip_grad'",
    ),
    'constructor': (
        'stages.0.optim_wrapper.constructor',
        'MultiOptim',
        r'^stages\.flow\.optim_wrapper\.constructor: no optimizer wrapper constructor',
    ),
    'no optimizer': (
        'stages.0.optim_wrapper',
        {'generator': {}},
        r'^stages\.flow\.optim_wrapper: it needs an optimizer, or constructor=',
    ),
    'no test metrics': (
        'stages.0.optim_wrapper',
        None,
        r'^stages\.flow\.optim_wrapper: it is missing: train_dataloader, train_cfg',
    ),
    'backend': (
        'visualizer',
        {'type': 'Visualizer', 'vis_backends': [{'type': 'TensorBoard'}]},
        r"^visualizer\.vis_backends\[0\]: .*did you mean 'TensorboardVisBackend'",
    ),
    'environment': (
        'env_cfg',
        {'cudnn_benchmrk': True},
        r"^env_cfg\.cudnn_benchmrk: .*did you mean 'cudnn_benchmark'.*resource_limit",
    ),
    'processes': (
        'env_cfg',
        {'mp_cfg': {'start_method': 'fork'}},
        r"^env_cfg\.mp_cfg\.start_method: .*did you mean 'mp_start_method'",
    ),
    'distribution': (
        'env_cfg',
        {'dist_cfg': {'backnd': 'gloo'}},
        r"^env_cfg\.dist_cfg\.backnd: .*did you mean 'backend'",
    ),
    'environment that is no dict': (
        'env_cfg',
        {'dist_cfg': 'gloo'},
        r"^env_cfg\.dist_cfg: expected a dict, got 'gloo'",
    ),
    'seed': (
        'randomness',
        {'sead': 3},
        r"^randomness\.sead: .*did you mean 'seed'.*deterministic, diff_rank_seed",
    ),
    'seed of a stage': (
        'stages.1.randomness',
        {'sead': 3},
        r'^stages\.full\.randomness\.sead: there is no such key',
    ),
    'seed alone': ('randomness', 3, r'^randomness: expected a dict, got 3'),
    'no name': ('model.type', 3.5, r'^model\.type: expected a name, got 3\.5'),
}


@pytest.mark.parametrize('name', WRONG)
def test_a_mistake_is_one_sentence_with_its_place(name: str) -> None:
    key, value, message = WRONG[name]
    with pytest.raises(ConfigError, match=message) as caught:
        check_config(changed(key, value))
    assert '\n' not in str(caught.value)


def test_datasets_are_checked_without_the_rest() -> None:
    pipeline = [dict(type='LoadPairImages'), dict(type='FlipPair', probability=0.5)]
    dataset = dict(type='PosePairDataset', pipeline=pipeline)
    loader = dict(batch_size=2, dataset=dataset, samplr=None)
    cfg = Config(dict(val_dataloader=loader, no_such_key=1))
    with pytest.raises(ConfigError, match=r"^val_dataloader\.dataset: .*'data_root'"):
        check_datasets(cfg)
    for key in ('data_root', 'image_dir', 'annotation_file', 'pair_file'):
        dataset[key] = 'x'
    dataset['image_size'] = (8, 8)
    cfg = Config(dict(stages=[dict(name='a', test_dataloader=loader)]))
    message = r'^stages\.a\.test_dataloader\.dataset\.pipeline\[1\]\.probability: Flip'
    with pytest.raises(ConfigError, match=message):
        check_datasets(cfg)
    pipeline[1] = dict(type='FlipPair')
    check_datasets(Config(dict(train_dataloader=loader)))


def test_validation_is_off_when_a_part_of_it_is_none() -> None:
    check_config(changed('val_evaluator', None))


def test_a_stage_that_changes_a_type_is_told_to_delete() -> None:
    config = toy_config(
        param_scheduler=dict(type='StepLR', step_size=3, by_epoch=False)
    )
    config['stages'][1]['param_scheduler'] = dict(type='ConstantLR')
    with pytest.raises(
        ConfigError, match=r'^param_scheduler\.step_size: .*_delete_=True'
    ):
        check_config(Config(config))
    config['stages'][1]['param_scheduler'] = dict(
        _delete_=True, type='ConstantLR', by_epoch=False
    )
    check_config(Config(config))


def test_a_class_of_the_user_is_found_and_checked() -> None:
    @MODELS.register_module(name='UsersBlock')
    class UsersBlock:
        def __init__(self, channels: int, gates: int = 2, **kwargs) -> None: ...

    try:
        block = dict(type='UsersBlock', anything=1)
        check_config(changed('model.generator.block', block))
        block['norm_cfg'] = dict(type='NoNorm', eps=1)
        with pytest.raises(ConfigError, match=r'block\.norm_cfg: no model named'):
            check_config(changed('model.generator.block', block))
    finally:
        MODELS.module_dict.pop('UsersBlock')


def test_a_sampler_must_take_what_the_runner_gives_it() -> None:
    config = changed('train_dataloader.sampler', dict(type='torch.utils.data.Sampler'))
    with pytest.raises(ConfigError, match="must take the argument 'dataset'"):
        check_config(config)


def test_a_full_environment_passes() -> None:
    env_cfg = dict(
        cudnn_benchmark=True,
        mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
        dist_cfg=dict(backend='nccl', timeout=1800, port=29500),
        resource_limit=4096,
    )
    randomness = dict(seed=1, deterministic=True, diff_rank_seed=True)
    check_config(Config(toy_config(env_cfg=env_cfg, randomness=randomness)))


def test_names_of_the_users_own_are_allowed() -> None:
    check_config(Config(toy_config(_width=3, find_unused_parameters=False)))


def test_a_scheduler_that_waits_for_validation_counts_neither() -> None:
    plateau = dict(type='ReduceOnPlateauLR', monitor='toy_error')
    check_config(Config(toy_config(param_scheduler=plateau)))
