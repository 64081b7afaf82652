"""Phases of a training step: every part of it counted once."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from posegen.engine.benchmark import phases
from posegen.engine.benchmark.phases import PhaseClock, phase_rows, watched
from posegen.engine.benchmark.subject import build_subject
from tests.engine.benchmark.helpers import STAGES, averaged_file, tiny_case


@pytest.fixture(name='seconds')
def _seconds(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A second passes between any two looks at the clock."""
    ticks = itertools.count()
    monkeypatch.setattr(phases.time, 'perf_counter', lambda: float(next(ticks)))
    return ticks


def test_time_goes_to_the_innermost_phase(seconds: Iterator[int]) -> None:
    clock = PhaseClock('cpu')
    clock.start()
    with clock.phase('outer'), clock.phase('inner'):
        pass
    with clock.phase('outer'):
        pass
    clock.stop()
    assert clock.seconds == {(): 3, ('outer',): 3, ('outer', 'inner'): 1}


def test_a_phase_that_fails_is_closed(seconds: Iterator[int]) -> None:
    clock = PhaseClock('cpu')
    clock.start()
    with pytest.raises(KeyError), clock.phase('outer'):
        raise KeyError
    clock.stop()
    assert clock.seconds == {(): 2, ('outer',): 1}


def test_rows_add_up_and_name_the_rest() -> None:
    seconds = {(): 1.0, ('a',): 2.0, ('a', 'b'): 4.0, ('c',): 1.0, ('a', 'd'): 2.0}
    rows = phase_rows(seconds, steps=2)
    assert [(row['phase'], row['ms'], row['share']) for row in rows] == [
        (['a'], 4000, 0.8),
        (['a', 'b'], 2000, 0.4),
        (['a', 'd'], 1000, 0.2),
        (['a', 'rest'], 1000, 0.2),
        (['c'], 500, 0.1),
        (['rest'], 500, 0.1),
    ]


EXPECTED = dict(
    flow=[
        *('data preprocessing', 'generator forward', 'losses', 'backward', 'optimizer'),
        *('losses / feature net', 'losses / sam'),
    ],
    full=[
        *('data preprocessing', 'generator forward', 'losses', 'backward', 'optimizer'),
        *('losses / feature net', 'losses / per'),
    ],
)
ADVERSARIAL = [
    'discriminator step',
    *(
        f'discriminator step / {name}'
        for name in ('discriminators forward', 'adv', 'backward', 'optimizer')
    ),
    'losses / discriminators forward',
    'losses / adv',
]


@pytest.mark.parametrize(('method', 'stage'), STAGES)
def test_all_phases_of_every_method_are_found(method: str, stage: str) -> None:
    subject = build_subject(tiny_case(method, stage, size=(128, 64)), training=True)
    subject.train_step()
    clock = PhaseClock('cpu')
    with watched(subject, clock):
        clock.start()
        subject.train_step()
        clock.stop()
    rows = phase_rows(clock.seconds, steps=1)
    found = {' / '.join(row['phase']): row for row in rows}
    expected = EXPECTED[stage]
    if subject.model.trains_discriminators:
        expected = expected + ADVERSARIAL
    assert set(expected) <= set(found)
    assert len(found) == len(rows)
    outer = [row['share'] for row in rows if len(row['phase']) == 1]
    assert sum(outer) == pytest.approx(1)
    assert found['rest']['share'] < 0.2
    for name in expected:
        assert found[name]['ms'] > 0


def test_watching_ends_with_the_block() -> None:
    subject = build_subject(tiny_case('patn'), training=True)
    model = subject.model
    before = {name: vars(m).copy() for name, m in model.named_modules()}
    clock = PhaseClock('cpu')
    with watched(subject, clock):
        assert 'training_batch' in vars(model)
    subject.train_step()
    assert not clock.seconds
    after = {name: vars(m) for name, m in model.named_modules()}
    assert {n: v.keys() for n, v in after.items()} == {
        n: v.keys() for n, v in before.items()
    }
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())
    assert not any('step' in vars(w) for w in subject.optimizers.values())


def test_a_moving_average_is_a_phase(tmp_path: Path) -> None:
    case = tiny_case(config=averaged_file(tmp_path, 'vunet'))
    subject = build_subject(case, training=True)
    clock = PhaseClock('cpu')
    with watched(subject, clock):
        clock.start()
        subject.train_step()
    assert clock.seconds['EMA',] > 0
