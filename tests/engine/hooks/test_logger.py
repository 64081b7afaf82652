"""The metrics of a test are written by one process."""

from __future__ import annotations

import inspect

import pytest
from mmengine.hooks import LoggerHook as UpstreamHook

from posegen.engine.hooks import LoggerHook, logger
from posegen.registry import HOOKS


def test_upstream_writes_in_every_process():
    source = inspect.getsource(UpstreamHook.after_test_epoch)
    assert 'dump(' in source and 'main' not in source
    assert 'master_only' not in source


@pytest.mark.parametrize('is_main', [True, False])
def test_the_first_process_writes_the_metrics(is_main, monkeypatch):
    written = []
    monkeypatch.setattr(logger, 'is_main_process', lambda: is_main)
    monkeypatch.setattr(
        UpstreamHook, 'after_test_epoch', lambda *arguments: written.append(arguments)
    )
    hook = HOOKS.build(dict(type='LoggerHook', interval=3))
    assert type(hook) is LoggerHook
    assert hook.interval == 3
    hook.after_test_epoch(None, {})
    assert len(written) == is_main
