"""Windows of a place, and which pairs show the same one."""

from __future__ import annotations

import numpy as np
import pytest

from posegen.datasets.synthetic.framing import Window
from posegen.datasets.synthetic.scene import Person


@pytest.mark.parametrize(
    ('zoom', 'shift', 'near'),
    [
        (1.0, (0, 0), True),
        (1.01, (2, -2), True),
        (1.03, (0, 0), False),
        (1.0, (0, 4), False),
    ],
)
def test_windows_that_a_shake_apart_are_near(zoom, shift, near):
    window = Window(2.0, np.array([10.0, 20.0]))
    other = Window(2.0 * zoom, window.shift + shift)
    assert window.near(other) is near


def test_one_place_unless_windows_differ():
    windows = [Window(1.0, np.zeros(2)), Window(1.0, np.ones(2)), Window(2, np.ones(2))]
    person = Person(None, [], [], [], windows)
    assert person.same_place(0, 1) and not person.same_place(0, 2)
    assert Person(None, [], [], []).same_place(0, 2)
