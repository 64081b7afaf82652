"""The training step: what is trained, in which order, on which batch."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch

from posegen.models.def_gan.model import split_batch
from posegen.registry import MODELS
from posegen.utils.errors import ConfigError
from tests.models.def_gan.helpers import MODEL, SIZE, batch, build, wrappers


def test_a_step_trains_discriminator_and_generator() -> None:
    model = build()
    optimisers, before = wrappers(model), deepcopy(model.state_dict())
    logs = model.train_step(batch(), optimisers)
    assert set(logs) == {'loss_d_pair', 'loss_adv', 'loss_per'}
    assert all(value.isfinite() for value in logs.values())
    after = model.state_dict()
    moved = {key.split('.')[0] for key in before if not before[key].equal(after[key])}
    assert moved == {'generator', 'discriminators'}


def test_three_batches_are_judged_in_the_published_order() -> None:
    model, data = build().eval(), batch(6)
    seen, forward = [], model.discriminators.forward

    def record(image, maps):
        seen.append((image.detach(), maps['source_image'], image.requires_grad))
        return forward(image, maps)

    model.discriminators.forward = record
    before = deepcopy(model.state_dict())
    model.train_step(data, wrappers(model))
    images = model.data_preprocessor(data)
    real, generated, own = split_batch(images, 3)
    # The discriminator: real images of the first third, generated ones of the second.
    (first, condition, grad), second, third = seen
    assert torch.equal(first, real['target_image']) and not grad
    assert torch.equal(condition, real['source_image'])
    old = build().eval()
    old.load_state_dict(before)
    with torch.no_grad():
        assert torch.equal(second[0], old.run_generator(generated)['image'])
        # The generator was not changed in between; it is trained on the last third.
        assert torch.equal(third[0], old.run_generator(own)['image'])
    assert torch.equal(second[1], generated['source_image']) and not second[2]
    assert torch.equal(third[1], own['source_image']) and third[2]


def test_one_batch_for_all_runs_the_generator_once() -> None:
    model = build(separate_batches=False)
    calls = []
    model.generator.register_forward_hook(lambda *_: calls.append(1))
    model.train_step(batch(1), wrappers(model))
    assert len(calls) == 1
    assert model.batch_multiple == 1 and build().batch_multiple == 3


def test_a_batch_that_three_do_not_share_is_an_error() -> None:
    model = build()
    with pytest.raises(ConfigError, match='batch_size gives 4 samples.*multiple of 3'):
        model.train_step(batch(4), wrappers(model))


def test_split_batch_shares_out_every_entry() -> None:
    data = batch(6)
    parts = split_batch(data, 3)
    assert [part['source_name'] for part in parts] == [
        ['s0.jpg', 's1.jpg'],
        ['s2.jpg', 's3.jpg'],
        ['s4.jpg', 's5.jpg'],
    ]
    for key in ('target_image', 'source_keypoints'):
        joined = torch.cat([part[key] for part in parts])
        assert torch.equal(joined, data[key])


def test_without_a_discriminator_any_batch_will_do() -> None:
    losses = {'per': MODEL['losses']['per'], 'rec': dict(type='L1Loss')}
    model = build(discriminators=None, losses=losses)
    logs = model.train_step(batch(2), wrappers(model))
    assert set(logs) == {'loss_rec', 'loss_per'}


def test_prediction_is_deterministic() -> None:
    model = build().eval()
    samples = model.val_step(batch(2))
    assert samples[1]['image'].shape == (3, *SIZE)
    assert samples[1]['image'].dtype == torch.uint8
    assert torch.equal(samples[1]['image'], model.val_step(batch(2))[1]['image'])


def test_missing_joints_leave_finite_images_and_losses() -> None:
    model, data = build(separate_batches=False), batch(2)
    data['source_keypoints'][0] = torch.tensor([torch.nan, torch.nan, 0])
    data['target_keypoints'][1] = torch.tensor([torch.nan, torch.nan, 0])
    logs = model.train_step(data, wrappers(model))
    assert all(value.isfinite() for value in logs.values())
    assert all(parameter.isfinite().all() for parameter in model.parameters())


def test_overfits_two_pairs() -> None:
    losses = {'per': MODEL['losses']['per']}
    model = build(dict(dropout=0.0), discriminators=None, losses=losses)
    optimisers, data = wrappers(model, lr=5e-3), batch(2)
    first, *_, last = (
        model.train_step(data, optimisers)['loss_per'].item() for _ in range(20)
    )
    assert last < 0.8 * first


def test_inference_needs_neither_losses_nor_discriminators() -> None:
    model = MODELS.build(
        dict(type='DefGAN', generator=deepcopy(MODEL['generator']))
    ).eval()
    assert model.val_step(batch(1))[0]['image'].shape == (3, *SIZE)
