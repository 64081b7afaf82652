"""Pictures of flows and visibility."""

from __future__ import annotations

import colorsys
import math

import numpy as np
import pytest
import torch

from posegen.visualization import flow_to_rgb, part_flows_to_rgb, visibility_to_rgb

SIZE = (40, 40)


def _constant(dx, dy, size=(10, 10)):
    return torch.tensor([dx, dy]).float().view(2, 1, 1).expand(2, *size)


def _hsv(pixel):
    return colorsys.rgb_to_hsv(*(np.asarray(pixel) / 255))


@pytest.mark.parametrize('degrees', range(0, 360, 30))
def test_the_direction_is_the_hue(degrees):
    angle = math.radians(degrees)
    picture = flow_to_rgb(_constant(math.cos(angle), math.sin(angle)))
    assert picture.shape == (10, 10, 3) and picture.dtype == np.uint8
    hue, saturation, value = _hsv(picture[5, 5])
    assert (hue - degrees / 360 + 0.5) % 1 - 0.5 == pytest.approx(0, abs=2e-3)
    assert saturation == pytest.approx(1, abs=1e-2) and value == 1


def test_main_directions():
    assert tuple(flow_to_rgb(_constant(3, 0))[0, 0]) == (255, 0, 0)
    assert tuple(flow_to_rgb(_constant(-3, 0))[0, 0]) == (0, 255, 255)
    assert tuple(flow_to_rgb(np.zeros((2, 3, 3)))[0, 0]) == (255, 255, 255)


def test_the_length_is_the_saturation():
    flow = torch.cat([_constant(length, 0) for length in (0, 2, 4, 8)], dim=2)
    own = flow_to_rgb(flow)[0, ::10, 1].tolist()
    assert own == [255, 191, 128, 0]
    fixed = flow_to_rgb(flow, max_magnitude=4)[0, ::10, 1].tolist()
    assert fixed == [255, 128, 0, 0]


def test_refuses_other_shapes():
    with pytest.raises(ValueError, match=r'flow must be \(2, H, W\), got \(3, 4, 4\)'):
        flow_to_rgb(torch.zeros(3, 4, 4))


@pytest.fixture
def keypoints():
    """The nose at the top, the left ankle at the bottom."""
    keypoints = torch.zeros(18, 3)
    keypoints[0] = torch.tensor([20, 5, 1])
    keypoints[13] = torch.tensor([20, 35, 1])
    return keypoints


FLOWS = dict(head=_constant(2, 0), torso=_constant(0, 2), leg=_constant(-2, 0))


def test_each_pixel_shows_the_closest_part(keypoints):
    picture = part_flows_to_rgb(FLOWS, None, keypoints, SIZE)
    assert picture.shape == (*SIZE, 3)
    assert tuple(picture[5, 20]) == (255, 0, 0)
    assert tuple(picture[35, 20]) == (0, 255, 255)
    assert picture[20, 0].max() < 10  # far from the person


def test_invisible_parts_are_dark(keypoints):
    visibility = {name: torch.ones(1, 10, 10) for name in FLOWS}
    visibility['head'] = torch.zeros(1, 10, 10)
    picture = part_flows_to_rgb(FLOWS, visibility, keypoints, SIZE)
    assert picture[5, 20].max() < 10
    assert tuple(picture[35, 20]) == (0, 255, 255)


def test_a_part_of_any_name_may_hold_all_joints(keypoints):
    picture = part_flows_to_rgb({'all': _constant(2, 0)}, None, keypoints, SIZE)
    assert tuple(picture[5, 20]) == tuple(picture[35, 20]) == (255, 0, 0)


def test_visibility_tints():
    one, none = torch.ones(1, 10, 10), torch.zeros(1, 10, 10)
    half = torch.full((1, 10, 10), 0.5)
    maps = dict(head=one, torso=half, leg=none)
    assert tuple(visibility_to_rgb(maps, SIZE)[0, 0]) == (255, 128, 0)
    assert tuple(visibility_to_rgb({'all': half}, SIZE)[0, 0]) == (128, 128, 128)
