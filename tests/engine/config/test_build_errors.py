"""A constructor that fails is named with its place."""

from __future__ import annotations

import pytest

from posegen.engine.config import explain_build_error
from posegen.registry import MODELS
from posegen.utils.errors import WeightsError
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
