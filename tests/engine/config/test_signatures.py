"""Arguments of components."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from mmengine.hooks import CheckpointHook, EMAHook
from mmengine.optim import LinearLR
from torch import nn
from torch.optim import Adam
from torch.utils.data import DataLoader

from posegen.engine.config.signatures import (
    arguments_of,
    did_you_mean,
    missing_argument,
    text_for_number,
    unknown_argument,
)


def function(a: int, b: int = 2, *, c: int) -> None: ...


class Open(nn.Module):
    def __init__(self, a: int, *args: int, **kwargs: int) -> None: ...


def test_functions_and_keyword_only_arguments() -> None:
    assert arguments_of(function) == (('a', 'b', 'c'), ('a', 'c'), False)
    assert missing_argument(function, {'a'}) == "function needs the argument 'c'"
    assert missing_argument(function, {'a', 'c'}) is None


@pytest.mark.parametrize(
    ('component', 'argument', 'known'),
    [
        (function, 'd', False),
        (Open, 'd', True),
        (EMAHook, 'momentum', True),  # passed on to the average
        (CheckpointHook, 'momentum', False),  # swallowed
        (LinearLR, 'start_factor', True),
        (LinearLR, 'start', False),
        (dict, 'anything', True),  # no signature to read
    ],
)
def test_unknown_arguments(component: type, argument: str, known: bool) -> None:
    assert (unknown_argument(component, [argument]) is None) == known


def test_hidden_arguments_are_not_spoken_of() -> None:
    name, sentence = unknown_argument(function, ['d'], hidden=['a'])
    assert name == 'd'
    assert sentence.endswith('it takes b, c')


def typed(
    a: int = 0,
    b: float | None = None,
    c: bool = True,
    d: int | str = 0,
    e=0,
    f: Sequence[int] = (),
) -> None: ...


@pytest.mark.parametrize(
    ('component', 'argument', 'value', 'sentence'),
    [
        (typed, 'a', 'abc', "typed takes a number here, got 'abc'"),
        (typed, 'b', '1e-3', "typed takes a number here, got '1e-3'"),
        (typed, 'c', 'no', "typed takes True or False here, got 'no'"),
        (typed, 'a', 3, None),
        (typed, 'd', 'abc', None),
        (typed, 'e', 'abc', None),  # nothing says what it is
        (typed, 'f', 'abc', None),  # what becomes of a text, the component knows
        (typed, 'unknown', 'abc', None),
        (Adam, 'lr', 'abc', "Adam takes a number here, got 'abc'"),
        (CheckpointHook, 'interval', 'a', 'CheckpointHook takes a number here, got'),
        (DataLoader, 'num_workers', 'two', 'DataLoader takes a number here, got'),
        (CheckpointHook, 'save_best', 'auto', None),
        (dict, 'anything', 'abc', None),
    ],
)
def test_a_text_in_the_place_of_a_number(
    component: type, argument: str, value: object, sentence: str | None
) -> None:
    found = text_for_number(component, {argument: value})
    if sentence is None:
        assert found is None
    else:
        assert found[0] == argument
        assert found[1].startswith(sentence)


@pytest.mark.parametrize(
    ('name', 'hint'),
    [('kernel', " (did you mean 'kernel_size'?)"), ('SIZE', ''), ('xyz', '')],
)
def test_close_names_are_suggested(name: str, hint: str) -> None:
    assert did_you_mean(name, ['kernel_size', 'channels']) == hint
