"""End-point error of part flows."""

from __future__ import annotations

import math

import pytest
import torch

from posegen.evaluation.functional import PixelMean, flow_end_point_error

SIZE = (16, 8)


def _constant(dx, dy, size=SIZE):
    return torch.tensor([dx, dy]).float().view(2, 1, 1).expand(2, *size)


@pytest.fixture
def truth():
    """Head moves by (4, 0), torso by (0, 8), legs by (-4, 4); rows 12.. background."""
    labels = torch.zeros(SIZE, dtype=torch.uint8)
    labels[:4], labels[4:8], labels[8:12] = 1, 2, 3
    flow = torch.zeros(2, *SIZE)
    flow[0, :4], flow[1, 4:8] = 4, 8
    flow[0, 8:12], flow[1, 8:12] = -4, 4
    return dict(
        truth=flow, visibility=torch.ones(SIZE, dtype=torch.bool), part_labels=labels
    )


def test_every_pixel_is_judged_by_its_part(truth):
    # Quarter-size maps count in quarter pixels.
    small = (4, 2)
    flows = dict(
        head=_constant(1, 0, small), torso=_constant(0, 2, small), leg=_constant(0, 0)
    )
    errors = flow_end_point_error(flows, **truth)
    leg = math.hypot(4, 4)
    assert errors['epe_head'].value == pytest.approx(0)
    assert errors['epe_torso'].value == pytest.approx(0)
    assert errors['epe_leg'].value == pytest.approx(leg)
    assert errors['epe'].value == pytest.approx(leg / 3)
    assert errors['epe_zero_flow'].value == pytest.approx((4 + 8 + leg) / 3)


def test_only_visible_person_pixels_count(truth):
    truth['visibility'][:8] = False
    errors = flow_end_point_error({'all': _constant(-4, 4)}, **truth)
    assert errors['epe'] == PixelMean(0.0, 4 * SIZE[1])
    assert errors['epe_head'].count == 0
    assert math.isnan(errors['epe_head'].value)


def test_both_axes_have_their_own_scale(truth):
    flow = _constant(1, 2, (4, 4))  # 4 times smaller in y, 2 times in x
    errors = flow_end_point_error({'all': flow}, **truth)
    assert errors['epe_torso'].value == pytest.approx(2)


def test_means_pool_over_images():
    assert PixelMean(6.0, 2).merge(PixelMean(0.0, 1)).value == 2


def test_missing_part(truth):
    flows = dict(head=_constant(0, 0), torso=_constant(0, 0))
    with pytest.raises(ValueError, match=r"parts \['leg'\] .* has \['head', 'torso'\]"):
        flow_end_point_error(flows, **truth)


def test_limb_flow_is_judged_on_the_same_pixels(truth):
    """Both poses are one, but for a shift: all limbs lead there."""
    generator = torch.Generator().manual_seed(0)
    target = torch.rand(18, 3, generator=generator) * torch.tensor([8.0, 16, 1])
    source = target + torch.tensor([4.0, 0, 0])
    flows = {'all': _constant(0, 0)}
    errors = flow_end_point_error(flows, **truth, keypoints=(source, target))
    leg, torso = math.hypot(8, 4), math.hypot(4, 8)
    expected = (0 + torso + leg) / 3
    assert errors['epe_limb_flow'].value == pytest.approx(expected, abs=1e-4)
    assert errors['epe_limb_flow'].count == errors['epe'].count
    assert 'epe_limb_flow' not in flow_end_point_error(flows, **truth)
