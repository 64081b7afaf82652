"""A flow net on a prior predicts what the flow of the limbs lacks."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from posegen.models.layers import PoseFlowNet
from posegen.models.ops import limb_flow, resize_flow

SIZE = (64, 32)


def keypoints(batch: int = 2, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    scale = torch.tensor([SIZE[1] - 1.0, SIZE[0] - 1.0])
    points = torch.rand(batch, 18, 2, generator=generator) * scale
    return torch.cat([points, torch.ones(batch, 18, 1)], dim=-1)


def build(**changes) -> PoseFlowNet:
    torch.manual_seed(0)
    arguments = dict(num_joints=3, levels=(2, 3), base_channels=4, num_downs=4)
    return PoseFlowNet(**(arguments | changes))


def poses() -> tuple[Tensor, Tensor]:
    return tuple(torch.rand(2, 2, 3, *SIZE, generator=torch.Generator().manual_seed(1)))


def with_zero_heads(net: PoseFlowNet) -> PoseFlowNet:
    for head in net.flow_heads.values():
        nn.init.zeros_(head.weight)
    return net


def test_zero_heads_give_the_flow_of_the_limbs() -> None:
    source, target = keypoints(), keypoints(seed=1)
    net = with_zero_heads(build(prior='limbs'))
    flows = net(*poses(), source_keypoints=source, target_keypoints=target)
    whole, _ = limb_flow(source, target, SIZE)
    for level, (flow, _) in flows.items():
        scale = torch.tensor([1 / 2**level] * 2 + [1.0])
        shift = torch.tensor([(0.5 / 2**level - 0.5)] * 2 + [0.0])
        expected, _ = limb_flow(
            source * scale + shift, target * scale + shift, tuple(flow.shape[-2:])
        )
        torch.testing.assert_close(flow, expected)
        # The limbs' flow of the image, but for the interpolation of a resized map.
        resized = resize_flow(whole, tuple(flow.shape[-2:]))
        assert (flow - resized).abs().mean() < 0.05 * resized.abs().mean()


def test_a_shifted_pose_is_a_constant_flow_in_pixels_of_each_level() -> None:
    source = keypoints()
    target = source - torch.tensor([4.0, -8.0, 0.0])
    net = with_zero_heads(build(prior='limbs'))
    flows = net(*poses(), source_keypoints=source, target_keypoints=target)
    for level, (flow, _) in flows.items():
        expected = torch.tensor([4.0, -8.0]).view(1, 2, 1, 1) / 2**level
        torch.testing.assert_close(flow, expected.expand_as(flow), atol=1e-4, rtol=0)


def test_the_prior_is_added_and_changes_nothing_else() -> None:
    joints = dict(source_keypoints=keypoints(), target_keypoints=keypoints(seed=1))
    plain, prior = build(), build(prior='limbs')
    assert [*plain.state_dict()] == [*prior.state_dict()]
    prior.load_state_dict(plain.state_dict())
    start = with_zero_heads(build(prior='limbs'))(*poses(), **joints)
    expected, found = plain(*poses(), **joints), prior(*poses(), **joints)
    for level, (flow, visibility) in found.items():
        residual = expected[level][0]
        torch.testing.assert_close(flow, start[level][0] + residual)
        assert torch.equal(visibility, expected[level][1])


def test_joints_mean_nothing_without_a_prior() -> None:
    net = build()
    joints = dict(source_keypoints=keypoints(), target_keypoints=keypoints(seed=1))
    for level, pair in net(*poses()).items():
        for one, other in zip(pair, net(*poses(), **joints)[level]):
            assert torch.equal(one, other)


def test_the_residual_is_trained() -> None:
    net = build(prior='limbs')
    flows = net(
        *poses(), source_keypoints=keypoints(), target_keypoints=keypoints(seed=1)
    )
    sum(flow.square().sum() for flow, _ in flows.values()).backward()
    assert all(head.weight.grad.abs().sum() > 0 for head in net.flow_heads.values())


def test_a_prior_without_joints_is_an_error() -> None:
    net = build(prior='limbs')
    for joints in ({}, dict(source_keypoints=keypoints())):
        with pytest.raises(ValueError, match="prior='limbs' needs source_keypoints"):
            net(*poses(), **joints)


def test_an_unknown_prior_is_refused() -> None:
    with pytest.raises(ValueError, match="prior must be 'limbs' or None, got 'hands'"):
        build(prior='hands')
