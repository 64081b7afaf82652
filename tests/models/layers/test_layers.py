"""Shapes, gradients, parameter counts and analytic cases of the shared layers."""

from __future__ import annotations

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from posegen.models.layers import (
    EncoderBlock,
    FeatureEncoder,
    HybridDilatedBlock,
    Jump,
    OutputHead,
    PoseFlowNet,
    PyramidNonLocalBlock,
    ResBlock,
    ResBlockDecoder,
    ResBlockEncoder,
    ResidualDecoder,
)
from posegen.models.layers.blocks import norm_layer
from posegen.models.layers.pyramid_nonlocal import relation_map
from posegen.utils.errors import ConfigError

LAYERS = {
    'EncoderBlock': (lambda: EncoderBlock(4, 6), (6, 8, 4)),
    'ResBlock': (lambda: ResBlock(4), (4, 16, 8)),
    'ResBlockDecoder': (lambda: ResBlockDecoder(4, 6, 5), (6, 32, 16)),
    'ResBlockEncoder': (lambda: ResBlockEncoder(4, 6, 5), (6, 8, 4)),
    'Jump': (lambda: Jump(4), (4, 16, 8)),
    'OutputHead': (lambda: OutputHead(4), (3, 16, 8)),
    'FeatureEncoder': (lambda: FeatureEncoder(4, level=2, base_channels=3), (6, 4, 2)),
    'ResidualDecoder': (
        lambda: ResidualDecoder(4, level=2, min_channels=2),
        (3, 64, 32),
    ),
    'HybridDilatedBlock': (lambda: HybridDilatedBlock(4), (4, 16, 8)),
    'HybridDilatedBlock, pre-activation': (
        lambda: HybridDilatedBlock(4, norm=None, pre_activation=True),
        (4, 16, 8),
    ),
    'PyramidNonLocalBlock': (lambda: PyramidNonLocalBlock(4), (4, 16, 8)),
    'FeatureEncoder, linear path': (
        lambda: FeatureEncoder(4, level=2, base_channels=3, linear_levels=(2,)),
        (6, 4, 2),
    ),
    'ResidualDecoder, linear path': (
        lambda: ResidualDecoder(4, level=2, min_channels=2, linear_levels=(1, 2)),
        (3, 64, 32),
    ),
    'FeatureEncoder, layer norm': (
        lambda: FeatureEncoder(4, level=2, base_channels=3, norm='layer'),
        (6, 4, 2),
    ),
}


@pytest.fixture(params=LAYERS, name='layer_and_shape')
def _layer_and_shape(request: pytest.FixtureRequest):
    torch.manual_seed(0)
    build, shape = LAYERS[request.param]
    return build(), shape


def test_shape_and_gradients(layer_and_shape) -> None:
    layer, shape = layer_and_shape
    x = torch.randn(2, 4, 16, 8, requires_grad=True)
    out = layer(x)
    assert out.shape == (2, *shape)
    out.square().sum().backward()
    assert x.grad.abs().sum() > 0
    # A convolution that starts at zero hides those before it from the first step.
    starts_at_zero = isinstance(layer, PyramidNonLocalBlock)
    for name, parameter in layer.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        # A bias that a norm takes out again has no gradient but rounding.
        if name.endswith('weight') and not starts_at_zero:
            assert parameter.grad.abs().sum() > 0, name


def test_state_dict_round_trip(layer_and_shape) -> None:
    layer, _ = layer_and_shape
    layer.eval()
    x = torch.randn(1, 4, 16, 8)
    before = layer(x)
    state = {key: value.clone() for key, value in layer.state_dict().items()}
    for parameter in layer.parameters():
        nn.init.normal_(parameter)
    layer.load_state_dict(state)
    torch.testing.assert_close(layer(x), before)


@pytest.mark.parametrize(
    ('levels', 'parameters'), [((3, 2), 6_608_212), ((2,), 6_604_753)]
)
def test_flow_net_has_the_published_number_of_parameters(levels, parameters) -> None:
    net = PoseFlowNet(num_joints=18, levels=levels, use_image=True)
    assert sum(p.numel() for p in net.parameters()) == parameters


@pytest.mark.parametrize('size', [(64, 32), (32, 64)])
def test_flow_net_starts_from_the_identity_warp(size) -> None:
    torch.manual_seed(0)
    net = PoseFlowNet(num_joints=5, levels=(2, 3), base_channels=4, num_downs=4)
    pose = torch.rand(2, 5, *size)
    out = net(pose, pose.flip(0))
    assert list(out) == [3, 2]
    for level, (flow, visibility) in out.items():
        assert flow.shape == (2, 2, size[0] // 2**level, size[1] // 2**level)
        assert visibility.shape == (2, 1, *flow.shape[-2:])
        assert flow.abs().max() < 0.05
        assert (visibility - 0.5).abs().max() < 0.05


def test_visibility_heads_do_not_reach_the_flow() -> None:
    net = PoseFlowNet(num_joints=3, base_channels=4, num_downs=3)
    flow, _ = net(torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32))[2]
    flow.sum().backward()
    heads = {id(p) for p in net.visibility_parameters(2)}
    assert heads
    for name, parameter in net.named_parameters():
        assert (parameter.grad is None) == (id(parameter) in heads), name


def test_flow_net_names_what_it_cannot_do() -> None:
    with pytest.raises(ValueError, match=r'levels must lie in 1\.\.3'):
        PoseFlowNet(num_joints=3, levels=(4,), num_downs=4)
    net = PoseFlowNet(
        num_joints=3, base_channels=4, num_downs=2, use_image=True, levels=(1,)
    )
    with pytest.raises(ValueError, match='needs the source_image'):
        net(torch.rand(1, 3, 8, 8), torch.rand(1, 3, 8, 8))
    net = PoseFlowNet(num_joints=3, base_channels=4, num_downs=4)
    with pytest.raises(ConfigError, match='multiples of 16; got 24x32: change image_'):
        net(torch.rand(1, 3, 24, 32), torch.rand(1, 3, 24, 32))


def test_hybrid_dilated_block_is_eq_4_for_each_rate() -> None:
    block = HybridDilatedBlock(1, dilations=(2,), norm=None)
    conv = block.body[0]
    nn.init.zeros_(conv.weight)
    conv.weight.data[0, 0, 0, 2] = 1.0  # reads 2 rows up and 2 columns to the right
    x = torch.rand(1, 1, 8, 8)
    expected = x + F.pad(x, (0, 2, 2, 0))[:, :, :8, 2:]
    torch.testing.assert_close(block(x), expected)


def test_pyramid_non_local_starts_as_the_identity() -> None:
    block = PyramidNonLocalBlock(4)
    x = torch.randn(2, 4, 12, 6)
    torch.testing.assert_close(block(x), x)


def test_relation_rows_are_weights_and_equal_features_relate_equally() -> None:
    block = PyramidNonLocalBlock(4, sizes=(4, 6))
    maps = block.relation_maps(torch.randn(2, 4, 24, 12))
    assert {size: tuple(r.shape) for size, r in maps.items()} == {
        4: (2, 16, 16),
        6: (2, 36, 36),
    }
    for relations in maps.values():
        torch.testing.assert_close(relations.sum(-1), torch.ones(relations.shape[:2]))
    same = torch.ones(1, 3, 5)
    torch.testing.assert_close(relation_map(same, same), torch.full((1, 5, 5), 0.2))


def test_non_local_response_is_the_weighted_sum_over_all_positions() -> None:
    torch.manual_seed(0)
    scale = PyramidNonLocalBlock(3, sizes=(4,), inner_channels=2).scales[0].double()
    nn.init.normal_(scale.out.weight)
    x = torch.randn(1, 3, 4, 4, dtype=torch.float64)
    theta, phi, g = (m(x).flatten(2)[0] for m in (scale.theta, scale.phi, scale.g))
    mixed = torch.zeros(2, 16, dtype=torch.float64)
    for i in range(16):
        weights = torch.stack([theta[:, i] @ phi[:, j] for j in range(16)]).softmax(0)
        for j in range(16):
            mixed[:, i] += weights[j] * g[:, j]
    torch.testing.assert_close(scale(x), scale.out(mixed.view(1, 2, 4, 4)))


def test_layer_norm_keeps_the_ratio_of_colours_and_instance_norm_does_not() -> None:
    """Why a part image, with grey around it, is better not normalised by channel."""
    picture = torch.zeros(1, 3, 8, 8)
    picture[:, :, 2:6, 2:6] = torch.tensor([0.8, 0.4, 0.2]).reshape(1, 3, 1, 1)

    def inside(kind: str) -> torch.Tensor:
        out = norm_layer(kind, 3)(picture)
        return (out[0, :, 4, 4] - out[0, :, 0, 0]).detach()

    torch.testing.assert_close(
        inside('layer') / inside('layer')[0], torch.tensor([1, 0.5, 0.25])
    )
    torch.testing.assert_close(
        inside('instance') / inside('instance')[0], torch.ones(3), rtol=1e-2, atol=0
    )


def test_unknown_norm_is_refused() -> None:
    with pytest.raises(ValueError, match="got 'batch'"):
        norm_layer('batch', 3)


@pytest.mark.parametrize('gain', [0.02, 0.5])
@pytest.mark.parametrize(
    'build',
    [
        partial(FeatureEncoder, 4, level=1, base_channels=8),
        partial(ResidualDecoder, 4, level=1),
        partial(HybridDilatedBlock, 8),
    ],
)
def test_weights_start_orthogonal_with_the_gain(build, gain: float) -> None:
    convolutions = [m for m in build(init_gain=gain).modules() if hasattr(m, 'stride')]
    assert convolutions
    for layer in convolutions:
        rows = layer.weight.detach().flatten(1)
        rows = rows if rows.shape[0] <= rows.shape[1] else rows.T
        identity = torch.eye(len(rows)) * gain**2
        torch.testing.assert_close(rows @ rows.T, identity, rtol=1e-4, atol=1e-5)
