"""Which checkpoints stay, and that old ones go last."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mmengine import registry as mm
from mmengine.hooks import CheckpointHook as UpstreamHook

from posegen.engine import CheckpointHook, StagedRunner
from posegen.engine.hooks.checkpoint import too_old
from posegen.engine.stage_runner import StageRunner
from posegen.registry import MODELS
from posegen.utils.errors import ConfigError
from tests.helpers.toy_training import ToyGenerator, toy_config


@MODELS.register_module(force=True)
class HeavyGenerator(ToyGenerator):
    """As large as a small real one, 2 MB."""

    def __init__(self, **kwargs) -> None:
        super().__init__(**kwargs)
        self.register_buffer('ballast', torch.zeros(500_000))


def hooks(**settings) -> dict:
    """Default hooks with a checkpoint in every iteration."""
    base = dict(type='CheckpointHook', interval=1)
    return toy_config()['default_hooks'] | dict(checkpoint=base | settings)


def names(folder: Path) -> list[str]:
    return sorted(
        path.name for path in folder.glob('*.pth') if path.name != 'latest.pth'
    )


def test_the_name_in_a_config_means_this_hook() -> None:
    with mm.HOOKS.switch_scope_and_registry('posegen') as registry:
        hook = registry.build(dict(type='CheckpointHook', interval=3))
    assert type(hook) is CheckpointHook
    assert isinstance(hook, UpstreamHook)


@pytest.mark.parametrize(
    ('settings', 'expected'),
    [
        (dict(), [1, 2, 3, 4, 5, 6, 7]),
        (dict(max_keep_ckpts=1), [7]),
        (dict(max_keep_ckpts=2), [6, 7]),
        (dict(max_keep_ckpts=1, keep_every=3), [3, 6, 7]),
        (dict(max_keep_ckpts=3, keep_every=2), [2, 4, 5, 6, 7]),
        (dict(interval=3, max_keep_ckpts=2), [6, 7]),
        (dict(interval=3, max_keep_ckpts=2, save_last=False), [3, 6]),
        (dict(save_begin=5, max_keep_ckpts=9), [5, 6, 7]),
    ],
)
def test_what_is_kept(
    settings: dict, expected: list[int], train: Callable, tmp_path: Path
) -> None:
    train(iters=7, stage='flow', default_hooks=hooks(**settings))
    found = set(names(tmp_path / 'run' / 'flow'))
    kept = {f'iter_{number}.pth' for number in expected}
    # The result is written whatever the hook does.
    assert found == kept | {'iter_7.pth'}


def test_a_resumed_run_keeps_as_many(train: Callable, tmp_path: Path) -> None:
    train(iters=3, stage='flow', default_hooks=hooks())
    folder = tmp_path / 'run' / 'flow'
    (folder / '.iter_4.pth.partial').touch()  # of a killed run
    settings = hooks(max_keep_ckpts=2, keep_every=2)
    train(iters=5, stage='flow', default_hooks=settings, resume=True)
    assert names(folder) == ['iter_2.pth', 'iter_4.pth', 'iter_5.pth']
    assert not list(folder.glob('.*'))


def test_epochs_are_counted_as_well(train: Callable, tmp_path: Path) -> None:
    config = toy_config()
    entry = config['stages'][0]
    entry['train_cfg'] = dict(by_epoch=True, max_epochs=3, val_interval=1)
    data = config['train_dataloader'] | dict(
        sampler=dict(type='DefaultSampler', shuffle=True)
    )
    settings = hooks(max_keep_ckpts=1)
    train(stages=[entry], train_dataloader=data, default_hooks=settings)
    assert names(tmp_path / 'run' / 'flow') == ['epoch_3.pth']


@pytest.mark.parametrize('metrics', ['toy_error', ['toy_error', 'toy_count']])
def test_old_ones_go_after_the_new_one_is_complete(
    metrics: str | list[str],
    train: Callable,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """MMEngine removes first: with one to keep, there are moments with none."""
    folder, seen = tmp_path / 'run' / 'flow', []
    save = StageRunner.save_checkpoint

    def look(self: StageRunner, out_dir: str, filename: str, *args, **kwargs) -> None:
        before = names(folder)
        save(self, out_dir, filename, *args, **kwargs)
        seen.append((filename, before))
        assert set(names(folder)) == {filename, *before}

    monkeypatch.setattr(StageRunner, 'save_checkpoint', look)
    entry = toy_config()['stages'][0]
    entry['train_cfg'] = dict(max_iters=4, val_interval=1)
    settings = hooks(max_keep_ckpts=1, save_best=metrics, rule='less')
    train(stages=[entry], default_hooks=settings)
    written: dict[str, str] = {}
    for name, before in seen:
        kind = name.rpartition('iter_')[0]
        assert written.get(kind, name) in (name, *before)
        written[kind] = name
    assert len({name for name, _ in seen if name.startswith('best_toy_error')}) > 1
    assert names(folder) == sorted(written.values())


def test_files_of_others_are_left_alone(tmp_path: Path) -> None:
    for name in (
        *('iter_2.pth', 'iter_4.pth', 'iter_6.pth', 'iter_9.pth', 'epoch_1.pth'),
        *('best_ssim_iter_2.pth', 'nonfinite_iter_3.pth', 'iter_1.pth.old'),
    ):
        (tmp_path / name).touch()
    found = [path.name for path in too_old(tmp_path / 'iter_6.pth', 1)]
    assert found == ['iter_4.pth', 'iter_2.pth']
    assert too_old(tmp_path / 'iter_6.pth', 1, keep_every=2) == []


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(max_keep_ckpts=0), 'max_keep_ckpts must be a whole number >= 1, or -1'),
        (dict(max_keep_ckpts=1.5), 'max_keep_ckpts must be a whole number'),
        (dict(keep_every=0, max_keep_ckpts=1), 'keep_every must be a whole number'),
        (dict(keep_every=5), 'max_keep_ckpts=-1 removes none: give it a number'),
    ],
)
def test_settings_that_make_no_sense(settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CheckpointHook(**settings)


@pytest.mark.parametrize('argument', ['out_dir', 'filename_tmpl', 'published_keys'])
def test_what_a_resume_would_not_find_is_refused(argument: str, tmp_path: Path) -> None:
    config = toy_config(work_dir=str(tmp_path), default_hooks=hooks(**{argument: 'x'}))
    with pytest.raises(
        ConfigError, match=f'CheckpointHook has no argument {argument!r}'
    ):
        StagedRunner.from_cfg(config)
    with pytest.raises(ConfigError, match='takes a number here'):
        StagedRunner.from_cfg(
            toy_config(work_dir=str(tmp_path), default_hooks=hooks(interval='a'))
        )


def test_the_size_does_not_grow_with_training(train: Callable, tmp_path: Path) -> None:
    """MMEngine's files do: they hold every value that was ever logged."""
    entry = toy_config()['stages'][1]
    entry['train_cfg'] = dict(max_iters=400, val_interval=400)
    entry['model']['generator'] = dict(type='HeavyGenerator')
    settings = hooks(interval=10)
    settings['logger'] = dict(type='LoggerHook', interval=1)
    train(stages=[entry], default_hooks=settings)
    folder = tmp_path / 'run' / 'full'
    sizes = {n: (folder / f'iter_{n}.pth').stat().st_size for n in (10, 200, 400)}
    assert sizes[400] < 1.01 * sizes[10]
    assert abs(sizes[400] - sizes[200]) < 1000
    kept = torch.load(folder / 'iter_400.pth', weights_only=True)['posegen']['scalars']
    assert len(kept['train/loss_rec'][0]) == 100
