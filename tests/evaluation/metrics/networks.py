"""Small random networks in place of those whose weights would be downloaded."""

from __future__ import annotations

import torch
from torch import nn

from posegen.evaluation import extractors
from posegen.evaluation.networks import LPIPSNet, build_inception, inception

DIM = 6


class SmallInception(nn.Module):
    """Layers of the names that InceptionNet takes from the packages' networks."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, DIM, 7, stride=7)
        self.rectifier = nn.ReLU()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(DIM, 5)


def _seeded(make):
    """The same network whatever was made before, and in every process."""

    def build(*options):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return make(*options)

    return build


def install(monkeypatch) -> None:
    """Let every network that a protocol asks for be a small or random one."""
    for name, (_, url, sha256) in inception._BUILDERS.items():
        entry = (SmallInception, url, sha256)
        monkeypatch.setitem(inception._BUILDERS, name, entry)
    make = _seeded(lambda weights, norm: build_inception(weights, norm, 'random'))
    monkeypatch.setattr(extractors, 'build_inception', make)
    make = _seeded(lambda net, limits: LPIPSNet(net, limits, 'random'))
    monkeypatch.setattr(extractors, 'build_lpips', make)
    extractors.load_network.cache_clear()
