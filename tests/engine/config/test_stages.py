"""Stages merge over the top level."""

from __future__ import annotations

import pytest
from mmengine.config import Config

from posegen.engine.config import merge_stage, stage_entries
from posegen.utils.errors import ConfigError


def test_an_entry_merges_deeply_and_leaves_the_whole_alone() -> None:
    cfg = Config(
        dict(
            model=dict(a=1, inner=dict(b=2, c=3)),
            stages=[
                dict(name='one', model=dict(inner=dict(b=4))),
                dict(name='two', model=dict(inner=dict(_delete_=True, d=5))),
            ],
        )
    )
    one, two = (merge_stage(cfg, entry) for entry in stage_entries(cfg))
    assert one.model == dict(a=1, inner=dict(b=4, c=3))
    assert two.model == dict(a=1, inner=dict(d=5))
    assert 'stages' not in one and 'name' not in one
    assert cfg.model == dict(a=1, inner=dict(b=2, c=3))
    assert cfg.stages[1].model.inner._delete_ is True


def test_a_config_without_stages_is_one() -> None:
    assert stage_entries(Config(dict(model=dict()))) == [dict(name='train')]


@pytest.mark.parametrize(
    ('stages', 'message'),
    [
        ([], 'stages must be a list of dicts'),
        (dict(name='a'), 'stages must be a list of dicts'),
        (['a'], r"stages\[0\] must be a dict, got 'a'"),
        ([dict(model=dict())], r'stages\[0\] needs a name'),
        ([dict(name='a/b')], r"stages\[0\] needs a name .* got 'a/b'"),
        ([dict(name='a'), dict(name='a')], "the name 'a' is given to two stages"),
    ],
)
def test_stages_that_make_no_sense(stages: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        stage_entries(Config(dict(stages=stages)))
