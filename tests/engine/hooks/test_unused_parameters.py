"""Parameters without a gradient are named, in one process and in several."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from torch import nn

from posegen.engine.hooks.unused_parameters import describe, missing
from posegen.registry import MODELS
from tests.helpers.forked import run, start_ranks
from tests.helpers.toy_training import ToyGenerator, toy_config, write_config


@MODELS.register_module(force=True)
class IdleGenerator(ToyGenerator):
    """Has a convolution that its output does not depend on."""

    def __init__(self, block: dict, width: int = 3) -> None:
        super().__init__(block, width)
        self.idle = nn.Conv2d(width, width, 1)


@pytest.fixture
def config(tmp_path: Path) -> Callable[..., Path]:
    """A toy config whose generator has an idle convolution."""

    def write(**changes) -> Path:
        settings = toy_config(iters=3, **changes)
        settings['custom_imports']['imports'].append(__name__)
        settings['model']['generator']['type'] = 'IdleGenerator'
        return write_config(tmp_path / 'idle.py', settings)

    return write


SENTENCE = 'generator.idle.weight, generator.idle.bias got no gradient'


def test_a_single_process_is_warned_once_a_stage(config: Callable, tmp_path: Path):
    command = run('train', config(), '--work-dir', tmp_path / 'run', log=tmp_path / 'l')
    assert command.shown().count(f'WARNING: {SENTENCE}') == 2


def test_two_processes_stop_with_the_names(config: Callable, tmp_path: Path):
    ranks = start_ranks(
        'train', config(), '--work-dir', tmp_path / 'run', log=tmp_path / 'log'
    )
    assert [rank.wait() for rank in ranks] == [2, 2]
    assert f'posegen: error: {SENTENCE}' in ranks[0].shown()
    assert 'Traceback' not in ranks[0].shown() + ranks[1].shown()


def test_torch_may_be_asked_to_look_for_them(config: Callable, tmp_path: Path):
    ranks = start_ranks(
        *('train', config(find_unused_parameters=True), '--stage', 'flow'),
        *('--work-dir', tmp_path / 'run'),
        log=tmp_path / 'log',
    )
    assert [rank.wait() for rank in ranks] == [0, 0], ranks[0].shown()
    assert f'WARNING: {SENTENCE}' in ranks[0].shown()


def test_a_network_that_is_not_run_may_rest():
    names = ['generator.a', 'generator.b', 'discriminators.c']
    assert missing(names, ['generator.a']) == ['generator.b']
    assert missing(names, names) == []


def test_long_lists_are_cut():
    text = describe([f'generator.{index}' for index in range(7)])
    assert text.startswith('generator.0, generator.1, ')
    assert 'generator.4 and 2 more got no gradient' in text
