"""Networks of metrics."""

from __future__ import annotations

import pytest

from posegen.evaluation import extractors
from tests.evaluation.metrics import networks


@pytest.fixture
def random_networks(monkeypatch):
    """Small random networks in place of the published ones."""
    networks.install(monkeypatch)
    yield
    extractors.load_network.cache_clear()
