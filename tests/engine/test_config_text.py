"""The text is MMEngine's, and is made once."""

from __future__ import annotations

import copy

import pytest
from mmengine.config import Config
from mmengine.config import config as upstream

from posegen.engine.config_text import OnceFormatted


def test_the_text_is_that_of_mmengine_and_made_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = dict(type='A', parts=[1, dict(b=2)])
    cfg = Config(dict(model=model), cfg_text='#', filename='a.py')
    expected = cfg.pretty_text
    calls, formatter = [], upstream.FormatCode

    def format_code(text: str, **options) -> tuple[str, bool]:
        calls.append(text)
        return formatter(text, **options)

    monkeypatch.setattr(upstream, 'FormatCode', format_code)
    mine = OnceFormatted.of(cfg)
    assert (mine.pretty_text, mine.filename) == (expected, 'a.py')
    assert copy.deepcopy(mine).pretty_text == expected
    assert mine.dump() == expected
    assert len(calls) == 1
    mine.model.type = 'B'
    assert mine.pretty_text == expected.replace("'A'", "'B'")
    assert cfg.model.type == 'A'
    assert len(calls) == 2
