"""Random states are brought back exactly, and are plain."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import torch

from posegen.engine.random_state import preserved, random_state, restore_random_state


def draw() -> tuple:
    return random.random(), np.random.rand(), torch.rand(1).item()  # noqa: NPY002


def test_a_state_is_brought_back_from_a_file(tmp_path: Path) -> None:
    torch.save(random_state(), tmp_path / 'state.pth')
    first = draw()
    restore_random_state(torch.load(tmp_path / 'state.pth', weights_only=True))
    assert draw() == first


def test_preserved_hides_what_is_drawn_inside() -> None:
    before = random_state()
    with preserved():
        draw()
        inside = random_state()
        with preserved():
            draw()
    outside = draw()
    restore_random_state(before)
    assert draw() == outside
    restore_random_state(inside)  # what training goes on with, not what was inside
    assert draw() == outside
