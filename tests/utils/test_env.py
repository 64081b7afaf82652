"""Versions and devices."""

from __future__ import annotations

import mmengine
import torch

import posegen
from posegen.utils.env import describe_env


def test_versions_are_those_that_are_imported() -> None:
    env = describe_env()
    assert env['posegen'] == posegen.__version__
    assert env['torch'].split('+')[0] == torch.__version__.split('+')[0]
    assert env['mmengine'] == mmengine.__version__
    assert env['device'].startswith('cpu') != torch.cuda.is_available()
