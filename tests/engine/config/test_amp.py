"""Mixed precision for every optimizer of every stage."""

from __future__ import annotations

import pytest
import torch
from mmengine.config import Config

from posegen.engine.config import use_amp
from posegen.utils.errors import ConfigError
from tests.helpers.toy_training import adam, toy_config


@pytest.mark.parametrize(('kind', 'dtype'), [('bf16', 'bfloat16'), ('fp16', 'float16')])
def test_every_wrapper_changes_its_type(
    kind: str, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    cfg = Config(toy_config(optim_wrapper=adam()))
    use_amp(cfg, kind)
    wrappers = cfg.stages[1].optim_wrapper
    for wrapper in (cfg.optim_wrapper, wrappers.generator, wrappers.discriminator):
        assert (wrapper.type, wrapper.dtype) == ('AmpOptimWrapper', dtype)
    assert wrappers.generator.optimizer.type == 'Adam'


def test_a_wrapper_of_its_own_type_is_an_error() -> None:
    cfg = Config(dict(optim_wrapper={**adam(), 'type': 'Mine'}))
    with pytest.raises(ConfigError, match='cannot change a wrapper of type Mine'):
        use_amp(cfg)


def test_what_cannot_be_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    with pytest.raises(ConfigError, match='fp16 needs a GPU; on a CPU use --amp bf16'):
        use_amp(Config(toy_config()), 'fp16')
    with pytest.raises(ConfigError, match="must be one of .* got 'int8'"):
        use_amp(Config(toy_config()), 'int8')
