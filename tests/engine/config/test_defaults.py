"""What a config may leave out."""

from __future__ import annotations

import pytest
from mmengine.config import Config

from posegen.engine.config import fill_data_root, fill_defaults, merge_stage
from tests.helpers.toy_training import adam, loader, toy_config


def stage_of(**changes) -> Config:
    cfg = Config(toy_config(**changes))
    return fill_defaults(merge_stage(cfg, cfg.stages[1]))


def test_iterations_are_counted_everywhere() -> None:
    cfg = stage_of()
    assert cfg.train_cfg.by_epoch is False
    assert cfg.log_processor.by_epoch is False
    assert cfg.default_hooks.checkpoint.by_epoch is False
    assert cfg.default_hooks.logger.log_metric_by_epoch is False


def test_epochs_are_left_as_they_are() -> None:
    config = toy_config()
    config['stages'][1]['train_cfg'] = dict(by_epoch=True, max_epochs=1)
    cfg = Config(config)
    cfg = fill_defaults(merge_stage(cfg, cfg.stages[1]))
    assert 'log_processor' not in cfg
    assert 'by_epoch' not in cfg.default_hooks.checkpoint


def test_own_hooks_are_added_once_and_taken_away_by_none() -> None:
    hooks = stage_of().default_hooks
    assert {'plain_checkpoint', 'finite_loss', 'checkpoint', 'logger'} <= set(hooks)
    assert 'sample_grid' not in hooks  # None in the toy config
    own = dict(type='SampleGridHook', interval=7)
    hooks = stage_of(default_hooks=dict(), custom_hooks=[own]).default_hooks
    assert 'sample_grid' not in hooks
    assert stage_of(default_hooks=dict(timer=None)).default_hooks.timer is None


def test_validation_needs_data_and_metrics_only() -> None:
    assert stage_of().val_cfg == {}
    off = stage_of(val_cfg=None)
    assert off.val_dataloader is None and off.val_evaluator is None
    none = stage_of(val_dataloader=None, val_evaluator=None, val_cfg=dict())
    assert none.val_cfg is None


def test_data_root_reaches_every_dataset_that_takes_one() -> None:
    own = loader(False)
    own['dataset']['data_root'] = 'mine'
    wrapped = loader(True)
    wrapped['dataset'] = dict(
        type='RepeatDataset', times=2, dataset=dict(type='ToyPairs')
    )
    cfg = Config(
        toy_config(data_root='shared', train_dataloader=wrapped, val_dataloader=own)
    )
    fill_data_root(cfg)
    assert cfg.train_dataloader.dataset == dict(
        type='RepeatDataset',
        times=2,
        dataset=dict(type='ToyPairs', data_root='shared'),
    )
    assert cfg.val_dataloader.dataset.data_root == 'mine'
    assert cfg.test_dataloader.dataset.data_root == 'shared'


def test_the_given_config_is_not_changed() -> None:
    cfg = Config(dict(optim_wrapper=adam(), train_cfg=dict(max_iters=1)))
    fill_defaults(cfg)
    assert set(cfg) == {'optim_wrapper', 'train_cfg'}


WORKERS = dict(
    multiprocessing_context='spawn',
    persistent_workers=True,
    prefetch_factor=4,
    timeout=60,
)


@pytest.mark.parametrize('section', ['train', 'val', 'test'])
@pytest.mark.parametrize('setting', WORKERS)
def test_a_loader_without_workers_keeps_none_of_their_settings(
    section: str, setting: str
) -> None:
    settings = loader(section == 'train') | {setting: WORKERS[setting]}
    changed = stage_of(**{f'{section}_dataloader': settings})
    assert setting not in changed[f'{section}_dataloader']
    settings['num_workers'] = 1
    kept = stage_of(**{f'{section}_dataloader': settings})
    assert kept[f'{section}_dataloader'][setting] == WORKERS[setting]
