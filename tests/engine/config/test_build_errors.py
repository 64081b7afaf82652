"""A constructor that fails is named with its place."""

from __future__ import annotations

import re

import pytest
from torch.utils.data import DataLoader, Dataset

from posegen.engine.config import explain_build_error
from posegen.registry import MODELS
from posegen.utils.errors import ConfigError, DataError, WeightsError
from tests.helpers.toy_training import toy_config

MODEL = toy_config()['model']


def explained(model: dict) -> Exception:
    with pytest.raises(Exception) as caught:
        MODELS.build(model)
    return explain_build_error(caught.value, dict(model=model))


@pytest.mark.parametrize(
    ('block', 'message'),
    [
        (
            dict(type='ToyBlock', kernel_size='three'),
            'model.generator.block: ToyBlock cannot be built: TypeError: ',
        ),
        (
            dict(type='ToyBlock', kernel_size=4),
            'model.generator.block: ToyBlock cannot be built: ValueError: '
            'kernel_size must be odd, got 4',
        ),
        (3, 'model.generator: ToyGenerator cannot be built: TypeError: '),
    ],
)
def test_the_innermost_component_is_named(block: object, message: str) -> None:
    model = {**MODEL, 'generator': dict(type='ToyGenerator', block=block)}
    error = explained(model)
    assert str(error).startswith(message)
    assert '\n' not in str(error)


def test_errors_for_users_pass_as_they_are() -> None:
    error = WeightsError('no such file')
    assert explain_build_error(error, {}) is error


def test_errors_outside_of_building_pass_as_they_are() -> None:
    error = ValueError('something else')
    assert explain_build_error(error, dict(model=MODEL)) is error


class Unreadable(Dataset):
    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> None:
        raise DataError('a.png cannot be decoded: not an image (pairs.csv, line 2)')


def test_an_error_in_a_process_that_loads_data_is_one_sentence() -> None:
    with pytest.raises(DataError) as caught:
        next(iter(DataLoader(Unreadable(), num_workers=1)))
    assert 'Traceback' in str(caught.value)
    error = explain_build_error(caught.value, {})
    assert isinstance(error, DataError)
    assert str(error) == 'a.png cannot be decoded: not an image (pairs.csv, line 2)'


@pytest.mark.parametrize(
    ('said', 'cure'),
    [
        (
            'DataLoader worker (pid 1) is killed by signal: Bus error. It is possible '
            "that dataloader's workers are out of shared memory.",
            'shared memory .*--shm-size.*num_workers=0',
        ),
        (
            'Caught RuntimeError in DataLoader worker process 0.\nRuntimeError: unable '
            'to allocate shared memory(shm) for file </torch_1_2_3>: No space left',
            'shared memory .*--shm-size',
        ),
        ('received 0 items of ancdata', 'ulimit -n'),
        ('DataLoader worker (pid(s) 1, 2) exited unexpectedly', 'memory runs out'),
        ('DataLoader worker (pid 1) is killed by signal: Killed. ', 'memory runs out'),
    ],
)
def test_workers_that_run_out_of_something_are_a_sentence(said: str, cure: str) -> None:
    error = explain_build_error(RuntimeError(said), {})
    assert isinstance(error, ConfigError)
    assert re.search(cure, str(error)) and '\n' not in str(error)
