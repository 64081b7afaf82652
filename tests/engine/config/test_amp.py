"""Mixed precision for every optimizer of every stage."""

from __future__ import annotations

import pytest
import torch
from mmengine.config import Config

from posegen.engine.config import use_amp
from posegen.utils.errors import ConfigError
from tests.helpers.toy_training import adam, toy_config


@pytest.fixture(autouse=True)
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)


def test_every_wrapper_changes_its_type() -> None:
    cfg = Config(toy_config(optim_wrapper=adam()))
    use_amp(cfg)
    assert cfg.optim_wrapper.type == 'AmpOptimWrapper'
    wrappers = cfg.stages[1].optim_wrapper
    assert wrappers.generator.type == wrappers.discriminator.type == 'AmpOptimWrapper'
    assert wrappers.generator.optimizer.type == 'Adam'


def test_a_wrapper_of_its_own_type_is_an_error() -> None:
    cfg = Config(dict(optim_wrapper={**adam(), 'type': 'Mine'}))
    with pytest.raises(ConfigError, match='cannot change a wrapper of type Mine'):
        use_amp(cfg)
