"""The standard non-local block: what it computes, and that it fits where pnb stands."""

from __future__ import annotations

import pytest
import torch
from mmcv.cnn import NonLocal2d
from mmengine.registry import DefaultScope
from torch import nn

from posegen.engine.config import check_config, load_config
from posegen.models.def_gan.benchmark import peak_memory
from posegen.models.layers import NonLocalBlock, PyramidNonLocalBlock
from posegen.registry import MODELS
from posegen.utils.paths import configs_root
from tests.configs.test_configs import batch_of_one

FUSED = pytest.mark.parametrize('fused', [True, False])


def trained(block: NonLocalBlock) -> NonLocalBlock:
    """As after some steps: embeddings that tell positions apart, an open output."""
    torch.manual_seed(0)
    for parameter in block.parameters():
        nn.init.normal_(parameter)
    return block.double()


def feature(*shape: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


@FUSED
def test_starts_as_the_identity_and_learns(fused: bool) -> None:
    block = NonLocalBlock(4, fused=fused)
    x = torch.randn(2, 4, 6, 3, requires_grad=True)
    out = block(x)
    torch.testing.assert_close(out, x)
    out.square().sum().backward()
    assert block.out.weight.grad.abs().sum() > 0
    assert all(p.grad is not None for p in block.parameters())


@FUSED
def test_is_the_weighted_sum_over_all_positions(fused: bool) -> None:
    block = trained(NonLocalBlock(4, inner_channels=3, fused=fused))
    x = feature(1, 4, 3, 2)
    theta, phi, g = (m(x).flatten(2)[0] for m in (block.theta, block.phi, block.g))
    mixed = torch.zeros_like(g)
    for i in range(6):
        weights = torch.stack([theta[:, i] @ phi[:, j] for j in range(6)]).softmax(0)
        mixed[:, i] = sum(weights[j] * g[:, j] for j in range(6))
    expected = x + block.out(mixed.view(1, 3, 3, 2))
    torch.testing.assert_close(block(x), expected)


@FUSED
def test_agrees_with_mmcv(fused: bool) -> None:
    block = trained(NonLocalBlock(6, fused=fused))
    reference = NonLocal2d(6, use_scale=False).double()
    names = dict(theta='theta', phi='phi', g='g', conv_out='out')
    for theirs, ours in names.items():
        state = getattr(block, ours).state_dict()
        getattr(reference, theirs).conv.load_state_dict(state)
    x = feature(2, 6, 5, 4)
    torch.testing.assert_close(block(x), reference(x))


def test_both_ways_have_the_same_gradients() -> None:
    found = []
    for fused in (True, False):
        block = trained(NonLocalBlock(4, fused=fused))
        x = feature(2, 4, 5, 3).requires_grad_()
        block(x).square().sum().backward()
        found.append([x.grad, *(p.grad for p in block.parameters())])
    torch.testing.assert_close(*found)


def test_without_pooling_the_pyramid_is_this_block() -> None:
    pyramid = PyramidNonLocalBlock(4, sizes=(5,))
    block = trained(NonLocalBlock(4))
    pyramid.double().scales[0].load_state_dict(block.state_dict())
    x = feature(2, 4, 5, 5)
    torch.testing.assert_close(block(x), pyramid(x))


def test_relation_maps_have_rows_of_weights() -> None:
    block = trained(NonLocalBlock(4))
    maps = block.relation_maps(feature(2, 4, 5, 3))
    assert list(maps) == [(5, 3)]
    assert maps[5, 3].shape == (2, 15, 15)
    torch.testing.assert_close(
        maps[5, 3].sum(-1), torch.ones(2, 15, dtype=torch.float64)
    )


@FUSED
def test_takes_channels_last(fused: bool) -> None:
    block = trained(NonLocalBlock(4, fused=fused))
    x = feature(2, 4, 5, 3)
    last = x.to(memory_format=torch.channels_last)
    torch.testing.assert_close(block(last), block(x))


def test_fused_holds_no_map_of_all_positions() -> None:
    torch.manual_seed(0)
    peaks = {}
    for fused in (True, False):
        block, x = NonLocalBlock(8, fused=fused), torch.randn(1, 8, 32, 32)
        x.requires_grad_()
        peaks[fused] = peak_memory(lambda b=block, x=x: b(x).mean().backward())
    one_map = (32 * 32) ** 2 * 4 / 1e6
    assert peaks[True] < one_map < peaks[False]


def test_stands_in_the_place_of_the_pyramid_in_a_config() -> None:
    cfg = load_config(configs_root() / 'spig' / 'spig_synthetic-128x64_tiny.py')
    cfg.model.generator.pnb = dict(type='NonLocalBlock')
    check_config(cfg)
    DefaultScope.overwrite_default_scope('posegen').__enter__()
    generator = MODELS.build(cfg.model.generator)
    assert isinstance(generator.pnb, NonLocalBlock)
    batch = batch_of_one((128, 64))
    image = batch['source_image'].float().div(127.5).sub(1)
    joints = batch['source_keypoints'], batch['target_keypoints']
    maps = generator.relation_maps(image, *joints)
    assert maps[32, 16].shape == (1, 512, 512)
    assert generator(image, *joints)['image'].shape == image.shape
