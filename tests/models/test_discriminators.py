"""The residual discriminator and the set of named discriminators."""

from __future__ import annotations

import pytest
import torch

from posegen.models.discriminators import DiscriminatorSet, ResDiscriminator

TINY = dict(type='ResDiscriminator', base_channels=4, num_downs=2)


@pytest.mark.parametrize(('num_downs', 'parameters'), [(4, 664_577), (3, 238_209)])
def test_published_number_of_parameters(num_downs: int, parameters: int) -> None:
    # The published count includes the two power iteration vectors of each convolution
    # as buffers, not as parameters.
    net = ResDiscriminator(num_downs=num_downs)
    assert sum(p.numel() for p in net.parameters()) == parameters


@pytest.mark.parametrize('size', [(16, 8), (32, 32)])
def test_patch_map_and_gradients(size: tuple[int, int]) -> None:
    net = ResDiscriminator(base_channels=4, num_downs=3)
    logits = net(torch.rand(2, 3, *size))
    assert logits.shape == (2, 1, size[0] // 8, size[1] // 8)
    logits.square().sum().backward()
    assert all(p.grad is not None for p in net.parameters())


def test_spectral_norm_bounds_every_convolution() -> None:
    torch.manual_seed(0)
    net = ResDiscriminator(base_channels=4, num_downs=1)
    for _ in range(30):
        net(torch.rand(1, 3, 8, 8))
    for module in net.modules():
        if isinstance(module, torch.nn.Conv2d):
            norm = torch.linalg.matrix_norm(module.weight.detach().flatten(1), 2)
            assert norm == pytest.approx(1, abs=0.05)


def test_conditions_join_the_image() -> None:
    nets = DiscriminatorSet(
        dict(
            image=dict(net=TINY),
            pose=dict(net=TINY, condition=('source_image', 'target_pose')),
        )
    )
    maps = dict(
        source_image=torch.rand(2, 3, 16, 16), target_pose=torch.rand(2, 18, 16, 16)
    )
    logits = nets(torch.rand(2, 3, 16, 16), maps)
    assert {k: tuple(v.shape) for k, v in logits.items()} == {
        'image': (2, 1, 4, 4),
        'pose': (2, 1, 4, 4),
    }
    logits['pose'].sum().backward()
    assert all(p.grad is None for p in nets.nets['image'].parameters())


def test_misspelt_entry_is_named() -> None:
    with pytest.raises(ValueError, match=r"discriminators\.image .*'condtion', 'net'"):
        DiscriminatorSet(dict(image=dict(net=TINY, condtion=('target_pose',))))


def test_unknown_condition_is_named() -> None:
    with pytest.raises(ValueError, match=r'discriminators\.pp\.condition.*source_imag'):
        DiscriminatorSet(dict(pp=dict(net=TINY, condition=('source_imag',))))
