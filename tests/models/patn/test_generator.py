"""PATN's generator: shapes, sizes, the flow of gradients, the published start."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from posegen.codecs import keypoints_to_heatmaps
from posegen.models.patn import PATNGenerator
from posegen.models.patn.blocks import PoseAttentionalBlock, norm_layer

NORMS = ('batch', 'instance')


def small(**changes) -> PATNGenerator:
    torch.manual_seed(0)
    return PATNGenerator(**dict(dict(base_channels=4, num_blocks=3), **changes))


def inputs(size: tuple[int, int], count: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    image = torch.rand(count, 3, *size, generator=generator) * 2 - 1
    joints = torch.rand(2, count, 18, 3, generator=generator)
    joints[..., :2] *= torch.tensor([size[1], size[0]]) - 1.0
    return image, joints[0], joints[1]


# Layer by layer at width 64: (inputs, outputs, side of the kernel, bias).
def published_convs(norm: str) -> list[tuple[int, int, int, bool]]:
    bias = norm == 'instance'
    encoder = [(64, 128, 3, bias), (128, 256, 3, bias)]
    convs = [(3, 64, 7, bias), *encoder, (36, 64, 7, bias), *encoder]
    for block in range(9):
        width = 256 if block == 0 else 512
        convs += [(256, 256, 3, bias)] * 2
        convs += [(width, width, 3, bias), (width, 256, 3, bias)]
    return [*convs, (256, 128, 3, bias), (128, 64, 3, bias), (64, 3, 7, True)]


def published_norms() -> list[int]:
    encoder = [64, 128, 256]
    blocks = [256, 256, 256] + 8 * [256, 256, 512]
    return [*encoder, *encoder, *blocks, 128, 64]


@pytest.mark.parametrize(
    ('norm', 'total'), [('batch', 41365763), ('instance', 41358019)]
)
def test_parameters_are_those_of_the_publication(norm: str, total: int) -> None:
    with torch.device('meta'):
        net = PATNGenerator(norm=norm)
    assert sum(p.numel() for p in net.parameters()) == total
    by_layer = sum(i * o * k * k + b * o for i, o, k, b in published_convs(norm))
    by_layer += 2 * sum(published_norms()) * (norm == 'batch')
    assert by_layer == total


@pytest.mark.parametrize(('norm', 'count'), [('batch', 221), ('instance', 90)])
def test_number_of_tensors_is_that_of_published_files(norm: str, count: int) -> None:
    with torch.device('meta'):
        assert len(PATNGenerator(norm=norm).state_dict()) == count


@pytest.mark.parametrize('norm', NORMS)
@pytest.mark.parametrize('size', [(32, 16), (16, 44)])
def test_image_of_the_size_of_the_source(norm: str, size: tuple[int, int]) -> None:
    out = small(norm=norm)(*inputs(size))['image']
    assert out.shape == (2, 3, *size)
    assert out.abs().max() <= 1


@pytest.mark.parametrize('norm', NORMS)
def test_every_used_parameter_gets_a_gradient(norm: str) -> None:
    net = small(norm=norm)
    net(*inputs((32, 16)))['image'].square().sum().backward()
    lacking = {name for name, p in net.named_parameters() if p.grad is None}
    assert not lacking


@pytest.mark.parametrize('norm', NORMS)
def test_weights_survive_a_round_trip(norm: str) -> None:
    net, other = small(norm=norm), small(norm=norm, dropout=0.0)
    net(*inputs((32, 16)))  # running statistics move
    with torch.no_grad():
        for p in other.parameters():
            p.add_(1)
    other.load_state_dict(net.state_dict(), strict=True)
    data = inputs((32, 16))
    images = [each.eval()(*data)['image'] for each in (net, other)]
    assert torch.equal(*images)


def test_dropout_acts_in_training_only() -> None:
    net, data = small(norm='instance'), inputs((32, 16))
    assert not torch.equal(net(*data)['image'], net(*data)['image'])
    net.eval()
    assert torch.equal(net(*data)['image'], net(*data)['image'])
    assert net.blocks[0].image_branch[4].p == 0.5


def test_block_is_a_masked_residual_and_passes_logits_on() -> None:
    block = PoseAttentionalBlock(4, 8, 'instance', dropout=0.5).eval()
    image, pose = torch.randn(2, 4, 6, 5), torch.randn(2, 8, 6, 5)
    moved, passed = block(image, pose)
    logits = block.pose_branch(pose)
    expected = image + block.image_branch(image) / (1 + torch.exp(-logits))
    torch.testing.assert_close(moved, expected)
    assert torch.equal(passed, torch.cat([logits, moved], 1))


def test_pose_stream_sees_the_source_first() -> None:
    net, data = small().eval(), inputs((32, 16))
    seen = []
    net.pose_encoder[0].register_forward_hook(lambda _, x, y: seen.append(x[0]))
    net(*data)
    assert torch.equal(seen[0][:, :18], keypoints_to_heatmaps(data[1], (32, 16), 6.0))
    assert torch.equal(seen[0][:, 18:], keypoints_to_heatmaps(data[2], (32, 16), 6.0))


@pytest.mark.parametrize('mode', ['delta', 'disc'])
def test_joints_may_be_drawn_in_other_ways(mode: str) -> None:
    joints = inputs((32, 16))[1]
    maps = small(heatmap=mode, heatmap_sigma=4.0).heatmaps(joints, (32, 16))
    assert torch.equal(maps, keypoints_to_heatmaps(joints, (32, 16), 4.0, mode=mode))
    assert set(maps.unique().tolist()) == {0, 1}


def test_starts_with_the_published_weights() -> None:
    net = small(base_channels=16)
    convs = [m for m in net.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    weights = torch.cat([m.weight.flatten() for m in convs])
    assert weights.mean().abs() < 1e-3
    assert weights.std().item() == pytest.approx(0.02, rel=0.01)
    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    scales = torch.cat([m.weight for m in norms])
    assert scales.mean().item() == pytest.approx(1, abs=0.01)
    assert scales.std().item() == pytest.approx(0.02, rel=0.2)
    biases = [m.bias for m in (*convs, *norms) if m.bias is not None]
    assert biases and all((bias == 0).all() for bias in biases)


def test_mistakes_are_named() -> None:
    with pytest.raises(ValueError, match="norm must be one of .* got 'layer'"):
        norm_layer('layer', 4)
    with pytest.raises(ValueError, match='multiples of 4; got 30x16'):
        small()(*inputs((30, 16)))
