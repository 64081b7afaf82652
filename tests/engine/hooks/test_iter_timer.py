"""The time that is left, as the console shows it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from mmengine.hooks import Hook

from posegen.engine.hooks import iter_timer
from posegen.registry import HOOKS

FIRST, STEP, VALIDATION = 100.0, 2.0, 30.0  # seconds


class Clock:
    """Goes on only when it is told; the times left that were seen, by iteration."""

    def __init__(self) -> None:
        self.now = 0.0
        self.left: dict[int, float] = {}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    clock = Clock()

    class Work(Hook):
        """The work of a step; comes before the timer."""

        priority = 'VERY_HIGH'

        def before_train(self, runner) -> None:
            self.first = runner.iter

        def after_train_iter(self, runner, *args, **kwargs) -> None:
            clock.now += STEP if runner.iter > self.first else FIRST

        def after_val_epoch(self, runner, metrics=None) -> None:
            clock.now += VALIDATION

    class Look(Hook):
        """What the timer says; comes after it."""

        priority = 'LOWEST'

        def after_train_iter(self, runner, *args, **kwargs) -> None:
            clock.left[runner.iter + 1] = runner.message_hub.get_info('eta')

    for name, hook in dict(ClockWork=Work, ClockLook=Look).items():
        HOOKS.register_module(name=name, module=hook, force=True)
    fake = SimpleNamespace(monotonic=lambda: clock.now, time=time.time)
    monkeypatch.setattr(iter_timer, 'time', fake)
    yield clock
    for name in ('ClockWork', 'ClockLook'):
        HOOKS.module_dict.pop(name)


def options(iters: int, val_interval: int) -> dict:
    """The first stage, with the clock's hooks."""
    stage = dict(
        name='flow',
        model=dict(train_stage='flow'),
        train_cfg=dict(max_iters=iters, val_interval=val_interval),
        optim_wrapper=dict(
            constructor='MultiOptimWrapperConstructor',
            generator=dict(optimizer=dict(type='Adam', lr=1e-2)),
        ),
    )
    hooks = [dict(type='ClockWork'), dict(type='ClockLook')]
    return dict(stages=[stage], custom_hooks=hooks, checkpoint=4)


def test_validation_counts_and_the_first_iteration_does_not(
    train: Callable, clock: Clock
) -> None:
    train(**options(iters=8, val_interval=3))
    assert clock.left[2] == 6 * STEP
    assert clock.left[3] == 5 * STEP
    # Three steps and the validation behind the third, for four iterations more.
    assert clock.left[4] == pytest.approx(4 * (3 * STEP + VALIDATION) / 3)
    assert clock.left[8] == 0


def test_a_resumed_run_knows_its_own_speed_only(train: Callable, clock: Clock) -> None:
    train(**options(iters=4, val_interval=4))
    clock.left.clear()
    train(resume=True, **options(iters=12, val_interval=12))
    assert list(clock.left) == list(range(5, 13))
    assert clock.left[6] == 6 * STEP and clock.left[11] == STEP


def lines_of(folder: Path, kind: str) -> list[str]:
    (log,) = folder.glob('*/*.log')
    return [line for line in log.read_text().splitlines() if f'Iter({kind})' in line]


def test_lines_tell_place_time_left_and_speed(train: Callable, tmp_path: Path) -> None:
    model = dict(
        type='ToyTransfer',
        generator=dict(type='ToyGenerator', block=dict(type='ToyBlock')),
        seconds=0.2,
    )
    runner = train(iters=8, stage='flow', model=model)
    lines = lines_of(tmp_path / 'run' / 'flow', 'train')
    found = re.search(
        r'\[4/8\].* eta: (\d+):(\d\d):(\d\d)  time: (\S+)  data_time: (\S+)', lines[1]
    )
    hours, minutes, seconds = map(int, found.groups()[:3])
    assert timedelta(hours=hours, minutes=minutes, seconds=seconds).seconds in (0, 1)
    assert 0.2 <= float(found[4]) < 0.6 and float(found[5]) < 0.2
    runner.test(tmp_path / 'run' / 'flow' / 'iter_8.pth')
    for folder, kind in (('flow', 'val'), ('test', 'test')):
        line = lines_of(tmp_path / 'run' / folder, kind)[0]
        assert re.search(r'\[2/2\] .* eta: 0:00:00  time: ', line), line


def test_waiting_for_data_is_not_saving(train: Callable, tmp_path: Path) -> None:
    class Slow(Hook):
        """As slow as a large checkpoint or a picture."""

        priority = 'VERY_LOW'

        def after_train_iter(self, runner, *args, **kwargs) -> None:
            time.sleep(0.1)

        def after_val_epoch(self, runner, metrics=None) -> None:
            time.sleep(0.1)

    HOOKS.register_module(name='SlowHook', module=Slow, force=True)
    try:
        train(iters=4, stage='flow', custom_hooks=[dict(type='SlowHook')])
    finally:
        HOOKS.module_dict.pop('SlowHook')
    for line in lines_of(tmp_path / 'run' / 'flow', 'train'):
        values = re.search(r' time: (\S+)  data_time: (\S+)', line).groups()
        assert max(map(float, values)) < 0.1, line
