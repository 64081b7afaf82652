from __future__ import annotations

import numpy as np
import pytest

from posegen.datasets.synthetic.generate import person_generator
from posegen.datasets.synthetic.scene import first_yaw, next_yaw, sample_pairs
from tests.datasets.synthetic.conftest import require_synthetic


def test_pairs_are_distinct_and_ordered_both_ways():
    pairs = sample_pairs(np.random.default_rng(0), views=4, pairs=12)
    assert len(set(pairs)) == 12
    assert all(a != b for a, b in pairs)
    assert len(sample_pairs(np.random.default_rng(0), 4, 5)) == 5


def test_yaws_mix_small_and_large_turns():
    rng = np.random.default_rng(0)
    yaws = np.array([first_yaw(rng) for _ in range(400)])
    turns = np.array([abs(next_yaw(rng, 0.0)) for _ in range(400)])
    assert 0.6 < (np.abs(yaws) < 50).mean() < 0.85
    assert (turns < 50).mean() > 0.6
    assert (turns > 90).mean() > 0.05


@pytest.mark.parametrize(('background', 'same'), [('plain', True), ('street', False)])
def test_backgrounds_of_a_pair(background, same):
    require_synthetic()
    from posegen.datasets.synthetic.scene import make_person

    rng = person_generator(1, 'train', 0)
    person = make_person(rng, (48, 32), 2, 1, background)
    corners = [view.image[:3, :3].astype(int) for view in person.views]
    assert (np.abs(corners[0] - corners[1]).max() <= 1) == same
