"""What layers keep in float32 under autocast, and what in half precision."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from posegen.models.discriminators import ResDiscriminator
from posegen.models.layers import (
    BilinearWarp,
    LocalAttentionWarp,
    PoseFlowNet,
    PyramidNonLocalBlock,
    VisibilitySelection,
)
from posegen.models.layers.blocks import _FullPrecisionWeight, spectral_conv
from posegen.models.layers.nonlocal_block import NonLocalBlock
from posegen.models.layers.pyramid_nonlocal import relation_map

HALF = [torch.bfloat16, torch.float16]
DEVICES = [
    'cpu',
    pytest.param(
        'cuda',
        marks=[
            pytest.mark.gpu,
            pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU'),
        ],
    ),
]
pytestmark = [
    pytest.mark.parametrize('device', DEVICES),
    pytest.mark.parametrize('dtype', HALF),
]


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def test_flow_and_visibility_are_float32(device: str, dtype: torch.dtype) -> None:
    net = PoseFlowNet(
        3, levels=(2, 3), base_channels=4, max_channels=8, num_downs=4
    ).to(device)
    for head in net.flow_heads.values():
        nn.init.constant_(head.bias, 20.03)
    poses = torch.rand(2, 1, 3, 32, 32, device=device)
    with torch.autocast(device, dtype):
        found = net(*poses)
    for flow, visibility in found.values():
        assert flow.dtype == visibility.dtype == torch.float32
        # bfloat16 knows 20.00 and 20.125.
        assert (flow - 20.03).abs().max() < 0.01
        assert flow.requires_grad and len(flow.unique()) > flow.numel() / 2


def test_warped_and_selected_features_stay_half(
    device: str, dtype: torch.dtype
) -> None:
    source, pose = torch.randn(2, 1, 4, 8, 8, device=device).to(dtype)
    flow = torch.randn(1, 2, 8, 8, device=device)
    visibility = torch.rand(1, 1, 8, 8, device=device)
    for warp in (BilinearWarp(4), LocalAttentionWarp(4, hidden_channels=4)):
        with torch.autocast(device, dtype):
            warped = warp.to(device)(source, pose, flow)
            selected = VisibilitySelection()(warped, pose, visibility)
        assert warped.dtype == selected.dtype == dtype


def test_weights_of_attention_sum_to_one_in_float32(
    device: str, dtype: torch.dtype
) -> None:
    maps = torch.randn(2, 1, 4, 8, 8, device=device)
    warp = LocalAttentionWarp(4, kernel_size=5, hidden_channels=4, init_gain=1.0)
    flow = torch.randn(1, 2, 8, 8, device=device)
    with torch.autocast(device, dtype):
        attention = warp.to(device).attention(*maps, flow)
        relations = relation_map(*(30 * maps).flatten(3))
    for weights, dim in ((attention, 1), (relations, -1)):
        assert weights.dtype == torch.float32
        total = weights.sum(dim)
        torch.testing.assert_close(total, torch.ones_like(total), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    'block', [PyramidNonLocalBlock(4), NonLocalBlock(4, fused=False), NonLocalBlock(4)]
)
def test_non_local_blocks_are_near_float32(
    block: nn.Module, device: str, dtype: torch.dtype
) -> None:
    block = block.to(device)
    for name, parameter in block.named_parameters():
        if name.endswith('out.weight'):
            nn.init.normal_(parameter)
    x = torch.randn(1, 4, 12, 12, device=device)
    with torch.autocast(device, dtype):
        mixed = block(x)
    torch.testing.assert_close(mixed.float(), block(x), rtol=0.05, atol=0.05)
    assert block.relation_maps(x.to(dtype).float())


def test_spectral_norm_is_computed_outside_of_autocast(
    device: str, dtype: torch.dtype
) -> None:
    class Watch(nn.Module):
        def forward(self, weight: torch.Tensor) -> torch.Tensor:
            seen.append(torch.is_autocast_enabled(weight.device.type))
            return weight

    seen: list[bool] = []
    conv = spectral_conv(4, 4, 3, padding=1).to(device)
    nn.utils.parametrize.register_parametrization(conv, 'weight', Watch())
    seen.clear()
    x = torch.randn(1, 4, 8, 8, device=device)
    with torch.autocast(device, dtype):
        out = conv(x)
    assert out.dtype == dtype  # the convolution itself is not
    assert seen == [False]


def test_a_discriminator_keeps_the_names_of_its_weights(
    device: str, dtype: torch.dtype
) -> None:
    net = ResDiscriminator(base_channels=4, num_downs=2).to(device)
    convs = [m for m in net.modules() if isinstance(m, nn.Conv2d)]
    assert len(convs) == 7
    assert all(isinstance(m, _FullPrecisionWeight) for m in convs)
    names = {'weight.0._u', 'weight.0._v', 'weight.original'}
    found = {key.partition('parametrizations.')[2] for key in net.state_dict()}
    assert found == {'', *names}
    with torch.autocast(device, dtype):
        logits = net(torch.rand(1, 3, 16, 16, device=device))
    assert logits.dtype == dtype
