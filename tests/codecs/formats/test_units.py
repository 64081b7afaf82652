"""Fractions against pixels, a person at a time."""

from __future__ import annotations

import numpy as np
import pytest

from posegen.codecs.formats import are_fractions, fractions_to_pixels
from posegen.utils.errors import DataError


def person(*points: tuple[float, float]) -> np.ndarray:
    joints = np.zeros((18, 3), np.float32)
    for index, (x, y) in enumerate(points):
        joints[index] = x, y, 1
    return joints


@pytest.mark.parametrize(
    ('points', 'expected'),
    [
        ([(0.2, 0.3), (0.5, 0.9)], True),
        ([(0.2, 0.3), (0.5, 1.2)], True),  # a foot below the picture
        ([(0.2, 0.3), (-0.02, 0.9)], True),
        ([(-0.5, -0.9), (0.5, 0.9)], True),  # [-1, 1]
        ([(0.2, 0.3)], True),
        ([(0.0, 0.0), (1.0, 1.0), (0.5, 0.5)], True),
        ([(0.0, 0.0)], False),  # the corner
        ([(0, 0), (0, 0)], False),  # missing ones of some tools
        ([(1, 2), (2, 2)], False),  # whole numbers
        ([(2.5, 0.5)], False),
        ([(-0.5, -2), (-0.5, -2)], False),
        ([(2.5, 0.5), (2.5, 4.5)], False),
        ([(30.2, 20.1), (30.9, 20.4)], False),  # eyes of a small person
        ([], False),
    ],
)
def test_who_is_measured_in_fractions(points, expected):
    assert bool(are_fractions(person(*points))) is expected


def test_people_are_judged_one_by_one():
    people = np.stack([person((0.1, 0.2), (0.5, 0.9)), person((9, 8), (30, 40.5))])
    assert are_fractions(people).tolist() == [True, False]
    assert are_fractions(people[None]).tolist() == [[True, False]]
    assert are_fractions(people[:0]).shape == (0,)


def test_edges_are_half_a_pixel_off():
    joints = person((0, 0), (1, 1), (0.5, 0.25))
    pixels = fractions_to_pixels(joints, (200, 100), 'a', 'give it')
    assert pixels[:3, :2].tolist() == [[-0.5, -0.5], [99.5, 199.5], [49.5, 49.5]]
    assert pixels.dtype == np.float32 and not pixels[3:].any()


@pytest.mark.parametrize(
    ('points', 'size', 'message'),
    [
        ([(0.2, 0.3), (0.5, 0.9)], None, 'a has fractions of the picture .* give it'),
        ([(-0.5, -0.9), (0.5, 0.9)], (9, 9), r'a has coordinates around 0 .*\[-1, 1\]'),
    ],
)
def test_what_cannot_be_multiplied(points, size, message):
    with pytest.raises(DataError, match=message):
        fractions_to_pixels(person(*points), size, 'a', 'give it')
