"""A short training with all that a checkpoint can hold, and its undisturbed run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from posegen.engine.stage_record import read_record
from tests.helpers.faults import assert_same_checkpoint, read_names
from tests.helpers.forked import run
from tests.helpers.toy_training import toy_config, write_config

ITERATIONS = 8


def busy_config(*hooks: dict, iters: int = ITERATIONS, **changes) -> dict:
    """Two stages, in which everything that changes with time is there.

    A checkpoint every 2 iterations, validation every 4 with the best kept, schedulers
    of which one waits for validation, a moving average of the weights.

    Args:
        *hooks: Custom hooks.
        iters: Iterations of a stage.
        **changes: Top-level keys.
    """
    config = toy_config(iters=iters)
    config['custom_imports']['imports'].append('tests.helpers.faults')
    config['custom_hooks'] = [
        dict(type='NamesHook'),
        dict(type='GeneratorEMAHook', decay=0.9),
        *hooks,
    ]
    config['default_hooks']['checkpoint'].update(save_best='toy_error', rule='less')
    for entry in config['stages']:
        entry['train_cfg']['val_interval'] = 4
        names = [name for name in entry['optim_wrapper'] if name != 'constructor']
        entry['param_scheduler'] = {name: schedulers() for name in names}
    return config | changes


def schedulers() -> list[dict]:
    """A slow start, and halves of the rate whenever the error does not fall."""
    waiting = dict(monitor='toy_error', rule='less', factor=0.5, patience=0)
    return [
        dict(type='LinearLR', start_factor=0.5, by_epoch=False, end=6),
        dict(type='ReduceOnPlateauLR', threshold=1.0, **waiting),
    ]


@pytest.fixture(scope='session')
def busy(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Write the config file of a busy training; arguments as of `busy_config`."""
    folder = tmp_path_factory.mktemp('busy')

    def write(*hooks: dict, **changes) -> Path:
        name = f'busy_{len(list(folder.glob("*.py")))}.py'
        return write_config(folder / name, busy_config(*hooks, **changes))

    return write


@pytest.fixture(scope='session')
def straight(
    busy: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The work dir of a run that nothing disturbed; leave it as it is."""
    folder = tmp_path_factory.mktemp('straight')
    run('train', busy(), '--work-dir', folder / 'run', log=folder / 'log')
    return folder / 'run'


def assert_same_results(found: Path, expected: Path, samples: bool = True) -> None:
    """Two work dirs hold the same results, bit for bit.

    Args:
        found: A work dir.
        expected: That of an undisturbed run.
        samples: Whether the same samples were read in every iteration.
    """
    for stage in ('flow', 'full'):
        folder, other = found / stage, expected / stage
        files = sorted(path.name for path in folder.glob('*.pth'))
        assert files == sorted(path.name for path in other.glob('*.pth'))
        for name in files:
            assert_same_checkpoint(folder / name, other / name)
        assert (folder / 'latest.pth').readlink().name == files[-2]
        records = [asdict(read_record(each)) for each in (folder, other)]
        for record in records:
            record.pop('seconds')
        assert records[0] == records[1]
        assert not list(folder.glob('.*'))
    if samples:
        assert read_names(found) == read_names(expected)
