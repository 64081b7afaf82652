"""Memory of the deformable skips, counted allocation by allocation."""

from __future__ import annotations

import pytest
import torch

from posegen.models.def_gan.benchmark import (
    CopiesWarp,
    benchmark_memory,
    format_memory,
    peak_memory,
)
from posegen.models.def_gan.warp import INTERPOLATIONS, PartAffineWarp
from tests.models.def_gan.helpers import keypoints


def test_peak_is_what_is_there_at_once() -> None:
    def run() -> None:
        first = torch.zeros(1_000_000, dtype=torch.float32)
        second = first + 1
        del first
        third = second[:500_000] + 1
        del second, third

    assert peak_memory(run) == pytest.approx(8.0, rel=1e-3)


@pytest.mark.parametrize('interpolation', INTERPOLATIONS)
def test_both_ways_are_the_same_function(interpolation: str) -> None:
    joints = keypoints(2), keypoints(2, seed=1)
    feat = torch.randn(2, 3, 32, 16)
    found = []
    for way in (PartAffineWarp, CopiesWarp):
        warp = way(interpolation=interpolation)
        found.append(warp(feat, warp.geometry(*joints, (64, 32))))
    assert torch.equal(*found)


def test_a_running_maximum_takes_a_fourth_at_most() -> None:
    report = benchmark_memory((64, 64), base_channels=8)
    skips = report['skips']
    assert skips['ratio'] >= 4
    extra = skips['ways']['ten copies']['extra']
    # At least the ten products that the maximum is taken of, at all four levels.
    levels = sum(8 * 2**i * (64 >> i) ** 2 for i in range(4))
    assert extra > 10 * levels * 4 / 1e6
    text = format_memory(report)
    assert f'{extra:.1f}' in text and f'{skips["ratio"]:.1f}x' in text
