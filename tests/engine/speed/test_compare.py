"""Ways are called by turns, and their results compared."""

from __future__ import annotations

import pytest
import torch

from posegen.engine.benchmark import Amount
from posegen.engine.speed import Comparison, Way, compare
from posegen.engine.speed.compare import largest_difference


def test_each_way_is_timed_once_a_round() -> None:
    calls = []

    def way(name: str, size: int, value: float) -> Way:
        def run():
            calls.append(name)
            extra = torch.ones(size)
            return [extra[:1] * value], [torch.tensor([value, 0.0])]

        return Way(name, run)

    ways = [way('a', 250_000, 2.0), way('b', 500_000, 2.5)]
    first, second = compare(Comparison('ones', ways), Amount(3, 1), 'cpu')
    # Results, memory, a round to warm up, and then by turns.
    assert calls == [*'ab', *'ab', *'ab', *'ababab']
    assert (first['what'], first['way'], second['way']) == ('ones', 'a', 'b')
    assert first['output_error'] == 0 and second['output_error'] == 0.25
    assert second['gradient_error'] == 0.25
    assert first['peak_mb'] == pytest.approx(1.0, rel=1e-2)
    assert second['peak_mb'] == pytest.approx(2.0, rel=1e-2)
    for row in (first, second):
        assert 0 < row['ms_min'] <= row['ms_p50'] and row['first_s'] > 0
    assert first['times_as_fast'] == 1
    ratio = first['ms_p50'] / second['ms_p50']
    assert second['times_as_fast'] == pytest.approx(ratio)


def test_differences_are_of_the_largest_value_of_all() -> None:
    expected = [torch.tensor([1.0, -4.0]), torch.tensor([0.0])]
    found = [torch.tensor([1.0, -4.0]), torch.tensor([0.5])]
    assert largest_difference(expected, found) == 0.125
    assert largest_difference([torch.zeros(2)], [torch.ones(2)]) == 1
    assert largest_difference([], []) is None
    with pytest.raises(ValueError):
        largest_difference(expected, found[:1])
