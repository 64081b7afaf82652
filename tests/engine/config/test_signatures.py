"""Arguments of components."""

from __future__ import annotations

import pytest
from mmengine.hooks import CheckpointHook, EMAHook
from mmengine.optim import LinearLR
from torch import nn

from posegen.engine.config.signatures import (
    arguments_of,
    did_you_mean,
    missing_argument,
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


@pytest.mark.parametrize(
    ('name', 'hint'),
    [('kernel', " (did you mean 'kernel_size'?)"), ('SIZE', ''), ('xyz', '')],
)
def test_close_names_are_suggested(name: str, hint: str) -> None:
    assert did_you_mean(name, ['kernel_size', 'channels']) == hint
