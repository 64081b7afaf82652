"""Moving averages of the generator: their values, where they are used, resuming."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mmengine.hooks import Hook
from torch import Tensor

from posegen.engine import GeneratorEMAHook, StagedRunner
from posegen.engine.hooks.ema import averaged_weights
from posegen.engine.stage_record import read_record
from posegen.registry import HOOKS
from posegen.utils.errors import Preempted, WeightsError
from tests.helpers.toy_training import toy_config

EMA = dict(type='GeneratorEMAHook', decay=0.5)


def saved(path: Path) -> tuple[dict[str, Tensor], dict[str, Tensor] | None]:
    """Weights of the generator and their means."""
    content = torch.load(path, weights_only=True)
    weights = {
        k: v for k, v in content['state_dict'].items() if k.startswith('generator.')
    }
    return weights, content['posegen'].get('ema')


def assert_same(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        torch.testing.assert_close(found[key], value, rtol=0, atol=1e-7)


def differ(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return any(not torch.equal(value, other[key]) for key, value in one.items())


@pytest.mark.parametrize('start', [0, 2])
def test_means_follow_the_weights(start: int, train: Callable, tmp_path: Path) -> None:
    train(iters=4, checkpoint=1, stage='flow', custom_hooks=[EMA | dict(start=start)],
          default_hooks=all_checkpoints())  # fmt: skip
    mean = None
    for iteration in range(1, 5):
        weights, found = saved(tmp_path / 'run/flow' / f'iter_{iteration}.pth')
        if iteration <= start + 1:  # the first that is averaged is its own mean
            mean = weights
        else:
            mean = {
                key: 0.5 * mean[key] + 0.5 * value for key, value in weights.items()
            }
        assert_same(found, mean)
    assert differ(weights, mean)


def all_checkpoints() -> dict:
    hooks = toy_config()['default_hooks']
    return hooks | dict(checkpoint=dict(type='CheckpointHook', interval=1))


def test_training_is_the_same_with_and_without(train: Callable, tmp_path: Path) -> None:
    train(iters=4, stage='flow', custom_hooks=[EMA])
    train(iters=4, stage='flow', work_dir=str(tmp_path / 'without'))
    weights, _ = saved(tmp_path / 'run/flow/iter_4.pth')
    plain, none = saved(tmp_path / 'without/flow/iter_4.pth')
    assert none is None and not differ(weights, plain)


def test_validation_and_the_test_afterwards_take_the_means(
    train: Callable, tmp_path: Path
) -> None:
    runner = train(iters=4, stage='flow', custom_hooks=[EMA])
    train(iters=4, stage='flow', work_dir=str(tmp_path / 'without'))
    with_means = read_record(tmp_path / 'run/flow').metrics
    plain = read_record(tmp_path / 'without/flow').metrics
    assert with_means['toy_error'] != pytest.approx(plain['toy_error'], abs=1e-4)
    assert runner.test(tmp_path / 'run/flow/iter_4.pth') == with_means


def test_a_resumed_run_keeps_its_means(train: Callable, tmp_path: Path) -> None:
    train(
        iters=4, stage='flow', custom_hooks=[EMA], work_dir=str(tmp_path / 'straight')
    )
    train(iters=2, stage='flow', custom_hooks=[EMA])
    train(iters=4, stage='flow', custom_hooks=[EMA], resume=True)
    straight, resumed = (
        saved(tmp_path / run / 'flow/iter_4.pth') for run in ('straight', 'run')
    )
    assert not differ(straight[0], resumed[0]) and not differ(straight[1], resumed[1])


def test_a_checkpoint_from_within_a_validation_holds_both(
    train: Callable, tmp_path: Path
) -> None:
    tell = dict(type='SigtermHook', iteration=2, moment='val')
    config = toy_config(iters=3)
    config['stages'][0]['train_cfg']['val_interval'] = 2
    for hooks in ([EMA, tell], [EMA]):
        name = f'{len(hooks)}'
        settings = dict(
            stages=config['stages'],
            checkpoint=100,
            custom_hooks=hooks,
            work_dir=str(tmp_path / name),
        )
        if len(hooks) == 2:
            with pytest.raises(Preempted):
                train(stage='flow', **settings)
            settings['custom_hooks'] = [EMA]
            train(stage='flow', resume=True, **settings)
        else:
            train(stage='flow', **settings)
    stopped, straight = (saved(tmp_path / n / 'flow/iter_3.pth') for n in ('2', '1'))
    assert not differ(straight[0], stopped[0]) and not differ(straight[1], stopped[1])


def test_a_checkpoint_without_means_is_refused(train: Callable) -> None:
    train(iters=2, stage='flow')
    with pytest.raises(WeightsError, match='iteration 2 holds no moving averages'):
        train(iters=4, stage='flow', custom_hooks=[EMA], resume=True)
    train(iters=4, stage='flow', custom_hooks=[EMA | dict(start=2)], resume=True)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(decay=1.0), r'decay must lie in \[0, 1\)'),
        (dict(start=-1), 'start must be'),
    ],
)
def test_arguments_out_of_range(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GeneratorEMAHook(**arguments)


@HOOKS.register_module(force=True)
class LookHook(Hook):
    """Compares what the generator holds inside and outside of the block."""

    found: list[bool] = []

    def after_train_iter(self, runner, *args, **kwargs) -> None:
        weight = runner.model.generator.flow.conv.weight
        before = weight.clone()
        with averaged_weights(runner):
            self.found.append(torch.equal(weight, before))
        assert torch.equal(weight, before)


@pytest.mark.parametrize('hooks', [[EMA], []])
def test_means_in_the_place_of_weights_for_a_while(hooks: list, tmp_path: Path) -> None:
    LookHook.found = []
    config = toy_config(
        iters=3, custom_hooks=[*hooks, dict(type='LookHook', priority=55)]
    )
    StagedRunner.from_cfg(config | dict(work_dir=str(tmp_path))).train('flow')
    # The first mean is the weight itself.
    assert LookHook.found == ([True, False, False] if hooks else [True] * 3)
