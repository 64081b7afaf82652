"""PATN's training step: what it computes, in which order, and what is kept of it."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
import torch.nn.functional as F
from mmengine.optim import OptimWrapper
from torch import nn

from posegen.utils.errors import ConfigError
from tests.models.patn.helpers import MODEL, SIZE, batch, build, wrappers


def changed(model: nn.Module, before: dict) -> set[str]:
    return {k for k, v in model.state_dict().items() if not torch.equal(v, before[k])}


@pytest.mark.parametrize('norm', ['batch', 'instance'])
def test_a_step_trains_all_three_nets(norm: str) -> None:
    model = build(dict(norm=norm))
    before = deepcopy(model.state_dict())
    logs = model.train_step(batch(), wrappers(model))
    terms = {'loss_rec', 'loss_adv', 'loss_per'}
    assert {key for key in logs if 'loss' in key} == terms | {'loss_d_pp', 'loss_d_pb'}
    still = set(before) - changed(model, before)
    # A bias in front of an instance norm has no effect and moves by noise at most.
    assert not [key for key in still if key.endswith('weight')]


def test_generator_goes_first_then_each_discriminator_in_order() -> None:
    model, order = build(), []

    class Noted(OptimWrapper):
        def step(self, **kwargs) -> None:
            order.append(self.name)
            super().step(**kwargs)

    optimisers = wrappers(model)
    for name in list(optimisers.keys()):
        noted = Noted(optimisers[name].optimizer)
        noted.name = name
        optimisers.optim_wrappers[name] = noted
    model.train_step(batch(), optimisers)
    assert order == ['generator', 'discriminator_pp', 'discriminator_pb']


def test_values_are_those_of_the_published_losses() -> None:
    model = build(dict(norm='instance', dropout=0.0), pool_size=0)
    for module in model.discriminators.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    data = model.data_preprocessor(batch(), training=True)
    real, source = data['target_image'], data['source_image']
    pose = model.pose_maps(data['target_keypoints'], SIZE)
    with torch.no_grad():
        fake = model.run_generator(data)['image']
        nets = model.discriminators.nets
        seen = {
            label: dict(
                pp=nets['pp'](torch.cat([image, source], 1)).sigmoid(),
                pb=nets['pb'](torch.cat([image, pose], 1)).sigmoid(),
            )
            for label, image in dict(real=real, fake=fake).items()
        }
    logs = model.train_step(batch(), wrappers(model, lr=0.0))

    def bce(maps: torch.Tensor, label: float) -> torch.Tensor:
        return F.binary_cross_entropy(maps, torch.full_like(maps, label))

    expected = dict(
        loss_rec=10 * (fake - real).abs().mean(),
        loss_adv=(5 * bce(seen['fake']['pb'], 1) + 5 * bce(seen['fake']['pp'], 1)) / 2,
    )
    for name in ('pp', 'pb'):
        of_real, of_fake = bce(seen['real'][name], 1), bce(seen['fake'][name], 0)
        expected[f'loss_d_{name}'] = 0.5 * (5 * of_real + 5 * of_fake)
    for key, value in expected.items():
        torch.testing.assert_close(logs[key], value, rtol=1e-4, atol=1e-5)


def test_discriminators_may_share_an_optimizer() -> None:
    model = build()
    optimisers = wrappers(model)
    for name in ('discriminator_pp', 'discriminator_pb'):
        del optimisers.optim_wrappers[name]
    adam = torch.optim.Adam(model.discriminators.parameters(), lr=1e-3)
    optimisers.optim_wrappers['discriminator'] = OptimWrapper(adam)
    before = deepcopy(model.state_dict())
    model.train_step(batch(), optimisers)
    moved = changed(model, before)
    for name in ('pp', 'pb'):
        assert f'discriminators.nets.{name}.layers.1.weight' in moved


def test_an_optimizer_that_is_missing_is_named() -> None:
    model = build()
    optimisers = wrappers(model)
    del optimisers.optim_wrappers['discriminator_pb']
    with pytest.raises(ConfigError, match=r"\['pb'\].*needs discriminator_pb \(one"):
        model.train_step(batch(), optimisers)


def test_pools_keep_what_each_discriminator_sees() -> None:
    model = build()
    optimisers = wrappers(model)
    for seed in range(3):
        model.train_step(batch(seed=seed), optimisers)
    shapes = {k: [tuple(i.shape) for i in p.items] for k, p in model.pools.items()}
    assert shapes == dict(pp=[(6, *SIZE)] * 3, pb=[(21, *SIZE)] * 3)
    # Each fake is kept with the condition that it was made under.
    sources = [
        model.data_preprocessor(batch(seed=seed), training=True)['source_image']
        for seed in range(3)
    ]
    conditions = [item[3:] for item in model.pools['pp'].items]
    for condition in conditions:
        assert any(torch.equal(condition, source) for source in torch.cat(sources))


def test_discriminators_are_shown_old_fakes() -> None:
    model = build(pool_size=2)
    optimisers = wrappers(model)
    model.train_step(batch(), optimisers)
    marks = [torch.full_like(item, 9) for item in model.pools['pp'].items]
    model.pools['pp'].items = marks
    seen = []
    first = model.discriminators.nets['pp'].layers[0]
    first.register_forward_hook(lambda _, x, y: seen.append(x[0].detach().clone()))
    for _ in range(4):
        model.train_step(batch(), optimisers)
    assert any((image == 9).all() for images in seen for image in images)


def test_the_pools_come_back_with_the_training_state() -> None:
    model, resumed = build(), build()
    model.train_step(batch(), wrappers(model))
    resumed.load_training_state(model.training_state())
    for name, pool in model.pools.items():
        assert len(pool.items) == 2
        assert all(map(torch.equal, pool.items, resumed.pools[name].items))


def test_trains_without_discriminators() -> None:
    losses = dict(rec=MODEL['losses']['rec'])
    model = build(discriminators=None, losses=losses, feature_net=None)
    logs = model.train_step(batch(), wrappers(model))
    assert set(logs) == {'loss_rec'}
    assert model.training_state() == {}


def test_predict_gives_one_plain_dict_a_sample() -> None:
    sample = build().eval().val_step(batch())[1]
    assert sample['image'].dtype == torch.uint8
    assert sample['image'].shape == (3, *SIZE)
    assert sample['target_name'] == 't1.jpg'


def test_weights_round_trip() -> None:
    model, other = build(), build(dict(dropout=0.1))
    model.train_step(batch(), wrappers(model))
    other.load_state_dict(model.state_dict(), strict=True)
    outs = [each.eval().val_step(batch())[0]['image'] for each in (model, other)]
    assert torch.equal(*outs)


def test_a_negative_pool_is_refused() -> None:
    with pytest.raises(ValueError, match='size must be at least 0, got -1'):
        build(pool_size=-1)
