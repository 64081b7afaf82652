from __future__ import annotations

import math

import pytest
import torch
from torch.autograd import gradcheck

from posegen.models.ops import FLOW_LIMBS, limb_flow

SIZE = (64, 48)
#: A person who stands, facing the camera, in the frame of SIZE.
STANDING = torch.tensor(
    [
        [24, 8],
        [24, 14],
        [18, 14],
        [15, 22],
        [14, 30],
        [30, 14],
        [33, 22],
        [34, 30],
        [20, 32],
        [19, 44],
        [19, 56],
        [28, 32],
        [29, 44],
        [29, 56],
        [22, 6],
        [26, 6],
        [20, 7],
        [28, 7],
    ],
    dtype=torch.float64,
)


def person(points=STANDING, joints=range(18)):
    """(1, 18, 3) with the named joints present."""
    score = torch.zeros(18, 1, dtype=torch.float64)
    score[list(joints)] = 1
    return torch.cat([points, score], 1)[None]


def grid():
    rows, columns = torch.meshgrid(*map(torch.arange, SIZE), indexing='ij')
    return torch.stack([columns, rows]).double()


def test_has_twenty_one_limbs():
    assert len(set(FLOW_LIMBS)) == 21


def test_same_pose_does_not_move():
    flow, nearness = limb_flow(person(), person(), SIZE)
    assert flow.shape == (1, 2, *SIZE) and nearness.shape == (1, 1, *SIZE)
    assert flow.abs().max() < 1e-9


def test_translation_is_constant():
    flow, _ = limb_flow(person(STANDING + torch.tensor([5.0, -3.0])), person(), SIZE)
    expected = torch.tensor([5.0, -3.0], dtype=torch.float64)[:, None, None]
    torch.testing.assert_close(flow[0], expected.expand(2, *SIZE))


def test_rotation_about_a_joint():
    angle, center = math.radians(30), STANDING[1]
    turn = torch.tensor(
        [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]],
        dtype=torch.float64,
    )
    turned = (STANDING - center) @ turn.T + center
    flow, _ = limb_flow(person(turned), person(), SIZE)
    offset = grid() - center[:, None, None]
    expected = torch.einsum('ij,jhw->ihw', turn, offset) - offset
    torch.testing.assert_close(flow[0], expected)


def test_longer_limb_stretches_along_it_alone():
    """A forearm of 8 pixels in the target is 16 pixels long in the source."""
    target = STANDING.clone()
    target[3], target[4] = torch.tensor([10.0, 20.0]), torch.tensor([10.0, 28.0])
    source = target.clone()
    source[4, 1] = 36
    flow, _ = limb_flow(person(source, [3, 4]), person(target, [3, 4]), SIZE)
    rows = torch.arange(64, dtype=torch.float64)
    near = flow[0, :, 20:29, 8:13]
    torch.testing.assert_close(near[0], torch.zeros_like(near[0]), atol=1e-4, rtol=0)
    expected = (rows[20:29] - 20)[:, None].expand(9, 5)
    torch.testing.assert_close(near[1], expected, atol=1e-3, rtol=0)


def test_nearness_falls_with_the_distance_from_the_limb():
    points = torch.zeros_like(STANDING)
    points[3], points[4] = torch.tensor([10.0, 20.0]), torch.tensor([10.0, 40.0])
    _, nearness = limb_flow(person(points, [3, 4]), person(points, [3, 4]), SIZE)
    at = nearness[0, 0]
    assert at[30, 10] == pytest.approx(1, abs=1e-5)
    assert at[30, 14].item() == pytest.approx(math.exp(-4 / 2), rel=1e-6)
    assert at[43, 14].item() == pytest.approx(math.exp(-5 / 2), rel=1e-6)


@pytest.mark.parametrize('joints', [[], [3, 4]])
def test_no_common_joint(joints):
    others = [j for j in range(18) if j not in joints] if joints else []
    flow, nearness = limb_flow(person(joints=joints), person(joints=others), SIZE)
    assert not flow.any() and not nearness.any()


def test_one_common_joint_is_a_translation():
    source = person(STANDING + 4, [0])
    flow, nearness = limb_flow(source, person(joints=[0, 1]), SIZE)
    torch.testing.assert_close(flow, torch.full_like(flow, 4))
    assert not nearness.any()


@pytest.mark.parametrize('missing', range(18))
def test_any_joint_may_be_missing(missing):
    source = person(STANDING + torch.tensor([2.0, 1.0]))
    source[0, missing] = torch.tensor([torch.nan, torch.nan, 0])
    flow, nearness = limb_flow(source, person(), SIZE)
    torch.testing.assert_close(flow[0, 0], torch.full(SIZE, 2.0).double())
    assert nearness.isfinite().all()


def test_joints_on_one_spot_stay_finite():
    points = torch.full_like(STANDING, 20).requires_grad_()
    flow, nearness = limb_flow(person(points), person(points), SIZE)
    (flow.sum() + nearness.sum()).backward()
    assert flow.isfinite().all() and points.grad.isfinite().all()


def test_samples_do_not_mix():
    source = torch.cat([person(STANDING + 3), person(joints=[])])
    target = torch.cat([person(), person()])
    flow, _ = limb_flow(source, target, SIZE)
    torch.testing.assert_close(flow[:1], limb_flow(source[:1], target[:1], SIZE)[0])
    assert not flow[1].any()


def test_scales_with_the_frame():
    """Twice the size: the same flow, counted in pixels of half the width."""
    source, target = person(STANDING * 1.1 + 1), person()
    flow, _ = limb_flow(source, target, SIZE)
    double = [
        torch.cat([(k[..., :2] + 0.5) * 2 - 0.5, k[..., 2:]], -1)
        for k in (source, target)
    ]
    large, _ = limb_flow(*double, (128, 96))
    pooled = torch.nn.functional.avg_pool2d(large, 2) / 2
    torch.testing.assert_close(pooled, flow, atol=0.05, rtol=0)


def test_gradients():
    torch.manual_seed(0)
    source = (STANDING / 4 + torch.rand_like(STANDING)).requires_grad_()
    target = (STANDING / 4 + torch.rand_like(STANDING)).requires_grad_()

    def run(source, target):
        return limb_flow(person(source), person(target), (6, 5))

    assert gradcheck(run, (source, target))


@pytest.mark.parametrize('shape', [(18, 3), (1, 17, 3), (1, 18, 2)])
def test_refuses_other_shapes(shape):
    with pytest.raises(ValueError, match='source_keypoints must be'):
        limb_flow(torch.zeros(shape), person(), SIZE)


def test_refuses_other_batches():
    with pytest.raises(ValueError, match='one batch, got 2 and 1'):
        limb_flow(person().repeat(2, 1, 1), person(), SIZE)
