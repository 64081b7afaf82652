"""Pictures of fixed samples while training goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from posegen import visualization
from posegen.engine.hooks import SampleGridHook
from tests.engine.conftest import weights_of


def test_pictures_come_every_interval_and_at_the_end(
    train: Callable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, finished_run: Path
) -> None:
    drawn: list[list[dict]] = []

    def sample_grid(samples: list[dict]) -> np.ndarray:
        drawn.append(samples)
        return np.zeros((5, 7, 3), np.uint8)

    monkeypatch.setattr(visualization, 'sample_grid', sample_grid)
    hook = dict(type='SampleGridHook', interval=3, num_samples=2)
    train(iters=4, custom_hooks=[hook], stage='flow')
    folder = tmp_path / 'run' / 'flow'
    names = sorted(path.name for path in (folder / 'samples').iterdir())
    assert names == ['0000003.png', '0000004.png']
    assert Image.open(folder / 'samples' / names[0]).size == (7, 5)
    sources = [[sample['source_name'] for sample in samples] for samples in drawn]
    assert sources == [['people/0_a.png', 'people/1_a.png']] * 2
    assert drawn[0][0]['image'].dtype == torch.uint8
    # Drawing does not change training.
    with_pictures = weights_of(folder / 'iter_4.pth')
    without = weights_of(finished_run / 'flow' / 'iter_4.pth')
    assert all(torch.equal(with_pictures[key], without[key]) for key in without)


@pytest.mark.parametrize('arguments', [dict(interval=0), dict(num_samples='4')])
def test_numbers_must_be_whole_and_positive(arguments: dict) -> None:
    with pytest.raises(ValueError, match='must be a whole number >= 1'):
        SampleGridHook(**arguments)
