"""The generator: published sizes, what flows where, and where latents come from."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch

from posegen.engine.config import load_config
from posegen.models.vunet import VUNetGenerator
from posegen.models.vunet.blocks import WeightNormConv2d, channel_moments
from posegen.models.vunet.crops import DEFAULT_CROPS, PART_NAMES
from posegen.registry import MODELS
from posegen.utils.errors import ConfigError
from posegen.utils.paths import configs_root
from tests.models.vunet.helpers import SIZE, build_generator, keypoints, smooth_images


def count(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def inputs(batch: int = 2, seed: int = 0) -> tuple[torch.Tensor, ...]:
    return smooth_images(batch, seed), keypoints(batch, 1), keypoints(batch, 2)


@pytest.mark.parametrize(
    ('name', 'total'),
    [('deepfashion-256x256', 47_272_966), ('market1501-128x64', 47_419_654)],
)
def test_configs_have_the_published_size(name: str, total: int) -> None:
    cfg = load_config(configs_root() / f'vunet/vunet_{name}.py')
    with torch.device('meta'):
        assert count(MODELS.build(cfg.model.generator)) == total


def test_every_network_has_the_published_size() -> None:
    with torch.device('meta'):
        net = VUNetGenerator()
        eight_parts = VUNetGenerator(crop_level=1, parts=DEFAULT_CROPS)
    assert {name: count(child) for name, child in net.named_children()} == dict(
        appearance_encoder=2_071_296,
        posterior=3_085_568,
        shape_encoder=2_253_216,
        decoder=39_862_016,
        head=870,
    )
    assert count(eight_parts) == 47_419_270
    # What the published graph has behind its last latent; nothing reads it.
    unread = [p for p in net.parameters() if not p.requires_grad]
    assert sum(p.numel() for p in unread) == 1_230_848


def test_shapes() -> None:
    out = build_generator()(*inputs())
    assert out['image'].shape == (2, 3, *SIZE)
    latents = [(2, 8, 4, 2), (2, 8, 8, 4)]
    assert [tuple(m.shape) for m in out['posteriors']] == latents
    assert [tuple(m.shape) for m in out['priors']] == latents


def test_backward_reaches_everything_that_is_trained() -> None:
    net = build_generator()
    out = net(*inputs())
    divergence = sum(
        (q - p).square().sum() for q, p in zip(out['posteriors'], out['priors'])
    )
    (out['image'].square().sum() + divergence).backward()
    for name, parameter in net.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, name
            assert name.endswith('.b') or parameter.grad.any(), name


def test_weights_go_round() -> None:
    net = build_generator().eval()
    net.calibrate(*inputs(4)[:2])
    other = build_generator().eval()
    assert not torch.equal(other(*inputs())['image'], net(*inputs())['image'])
    other.load_state_dict(deepcopy(net.state_dict()), strict=True)
    assert torch.equal(other(*inputs())['image'], net(*inputs())['image'])
    assert other.is_calibrated


def test_calibration_gives_unit_variance_all_the_way() -> None:
    net = build_generator().train()
    data = smooth_images(8, 0), keypoints(8, 1)
    assert not net.is_calibrated
    torch.manual_seed(5)
    net.calibrate(*data)
    assert net.is_calibrated
    seen = {}
    for name, layer in net.named_modules():
        if isinstance(layer, WeightNormConv2d):
            layer.register_forward_hook(
                lambda _, __, out, name=name: seen.update({name: out.detach()})
            )
    torch.manual_seed(5)  # the same latents are drawn
    net(*data, data[1])
    # All but what nothing reads: a residual, an upsampling, another residual.
    assert len(seen) == sum(isinstance(m, WeightNormConv2d) for m in net.modules()) - 5
    for name, out in seen.items():
        mean, variance = channel_moments(out)
        assert mean.abs().max() < 1e-3, name
        assert (variance - 1).abs().max() < 5e-2, name


def test_the_published_transfer_takes_means_and_repeats() -> None:
    net = build_generator().eval()
    image, source, target = inputs()
    out = net(image, source, target)
    assert torch.equal(net(image, source, target)['image'], out['image'])
    feats = net.appearance_encoder(net.crops(image, source))
    means, _ = net.posterior(feats, sample=False)
    assert all(map(torch.equal, out['posteriors'], means))


@pytest.mark.parametrize('latents', ['sample', 'prior'])
def test_drawn_latents_follow_the_seed(latents: str) -> None:
    net = build_generator(latents=latents).eval()
    images = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        images.append(net(*inputs())['image'])
    assert torch.equal(images[0], images[1])
    assert not torch.equal(images[0], images[2])


def test_appearance_drawn_from_the_prior_does_not_see_the_source() -> None:
    net = build_generator(latents='prior').eval()
    image, source, target = inputs()
    images = []
    for shift in (0.0, 0.5):
        torch.manual_seed(0)
        images.append(net(image + shift, source, target)['image'])
    assert torch.equal(*images)


def test_training_draws_latents_whatever_inference_does() -> None:
    net = build_generator(latents='mean').train()
    torch.manual_seed(0)
    first, second = (net(*inputs())['image'] for _ in range(2))
    assert not torch.equal(first, second)


def test_appearance_comes_from_the_crops_and_shape_from_the_target_alone() -> None:
    net = build_generator().eval()
    image, source, target = inputs()
    nobody = torch.zeros_like(source)
    torch.testing.assert_close(
        net(image, nobody, target)['image'], net(image + 1, nobody, target)['image']
    )
    plain = net(image, source, target)['image']
    assert not torch.allclose(plain, net(image, source, source)['image'])
    assert not torch.allclose(plain, net(-image, source, target)['image'])


def test_samples_of_a_batch_do_not_mix() -> None:
    net = build_generator().eval()
    both = net(*inputs(2))['image']
    alone = net(*(x[1:] for x in inputs(2)))['image']
    torch.testing.assert_close(both[1:], alone, rtol=1e-4, atol=1e-4)


def test_crops_have_the_shape_of_the_image() -> None:
    net = build_generator(parts=PART_NAMES)
    assert net.crops(*inputs()[:2]).shape == (2, 30, SIZE[0] // 2, SIZE[1] // 2)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(latents='mode'), "latents must be one of .* got 'mode'"),
        (dict(num_latents=4), r'num_levels - crop_level = 4; got 4'),
        (dict(num_latents=0), 'num_latents must be at least 1 .* got 0'),
        (dict(parts=('tail',)), r"parts must list names .* got \('tail',\)"),
    ],
)
def test_impossible_settings_are_named(changes: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build_generator(**changes)


def test_an_impossible_size_is_named() -> None:
    with pytest.raises(ValueError, match='multiples of 32; got 64x48'):
        build_generator()(smooth_images(1, 0, (64, 48)), *inputs(1)[1:])
