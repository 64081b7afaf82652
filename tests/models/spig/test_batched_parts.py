"""The parts' networks in one pass give what they give one after the other."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from posegen.models.layers import init_orthogonal
from posegen.models.spig import SPIG
from posegen.utils.errors import ConfigError
from tests.helpers.forked import run_ranks
from tests.models.spig.test_spig import (
    ENCODER,
    GENERATOR,
    TWO_LEVELS,
    batch,
    build,
    wrappers,
)

FLOW = GENERATOR['flow']
#: What a config may change -> generator arguments.
CHANGES = {
    'as the paper': {},
    'two levels': TWO_LEVELS,
    'flow at two levels': dict(flow=FLOW | dict(levels=(2, 3))),
    'flow nets see the image': dict(flow=FLOW | dict(use_image=True)),
    'flow nets on a prior': dict(flow=FLOW | dict(prior='limbs', levels=(2, 3))),
    'linear path and pre-activation': dict(
        image_encoder=ENCODER | dict(linear_levels=(2,)),
        hdc=dict(type='HybridDilatedBlock', norm=None, pre_activation=True),
        decoder=GENERATOR['decoder'] | dict(norm=None, linear_levels=(2,)),
    ),
    'layer norm': dict(image_encoder=ENCODER | dict(norm='layer')),
    'no dilated block': dict(hdc=None),
    'warp with weights': dict(warp=dict(type='LocalAttentionWarp', hidden_channels=4)),
    'one part': dict(parts=dict(body=tuple(range(18))), crop=False),
}
PAIR = [dict(batched_parts=False), dict(batched_parts=True)]


def data_of(model: SPIG, dtype: torch.dtype) -> dict:
    data = batch(2)
    # A part that the source lacks is part of the game.
    data['source_keypoints'][0, list(GENERATOR['parts']['leg']), 2] = 0
    data = model.data_preprocessor(data, training=True)
    return {k: v.to(dtype) if isinstance(v, Tensor) else v for k, v in data.items()}


def results(model: SPIG, dtype: torch.dtype) -> dict[str, Tensor]:
    """Losses, outputs and gradients of a training step's generator phase."""
    model = model.to(dtype)
    data = data_of(model, dtype)
    out = model.run_generator(data)
    losses, monitors = model.generator_losses(data, out)
    sum(losses.values()).backward()
    found = {**losses, **monitors}
    if 'image' in out:
        found['image'] = out['image']
    for part, levels in out['flows'].items():
        for level, pair in levels.items():
            found |= {f'{part}.{level}.{i}': x for i, x in enumerate(pair)}
    found |= {
        name: p.grad
        for name, p in model.generator.named_parameters()
        if p.grad is not None
    }
    return {name: value.detach() for name, value in found.items()}


def lively(changes: dict) -> SPIG:
    """A model whose weights are not as small as those that training starts from."""
    model = build(changes)
    torch.manual_seed(1)
    init_orthogonal(model.generator, gain=0.2)
    return model


@pytest.mark.parametrize(
    ('dtype', 'tolerance'), [(torch.float32, 1e-5), (torch.float64, 1e-10)]
)
@pytest.mark.parametrize('name', CHANGES)
def test_losses_outputs_and_gradients_are_equal(
    name: str, dtype: torch.dtype, tolerance: float
) -> None:
    alone, together = (
        results(lively(deepcopy(CHANGES[name]) | batched), dtype) for batched in PAIR
    )
    assert alone.keys() == together.keys()
    for key, expected in alone.items():
        # Relative to the largest entry: float32 has no more digits than that.
        scale = max(float(expected.abs().max()), 1.0)
        difference = float((together[key] - expected).abs().max())
        assert difference <= tolerance * scale, key


def test_stage_flow_trains_the_same_parameters() -> None:
    gradients = []
    for batched in PAIR:
        model = build(batched, train_stage='flow')
        found = results(model, torch.float64)
        gradients.append({k for k in found if k.startswith('flow_nets.')})
        trained = {n for n, p in model.generator.named_parameters() if p.requires_grad}
        assert gradients[-1] == trained
    assert gradients[0] == gradients[1]
    assert not any('visibility_heads' in name for name in gradients[1])


def test_state_dicts_are_the_same() -> None:
    for changes in ({}, TWO_LEVELS):
        alone, together = (build(changes | batched) for batched in PAIR)
        assert [*alone.state_dict()] == [*together.state_dict()]
        together.load_state_dict(alone.state_dict(), strict=True)
        names = [n for n, _ in alone.named_parameters()]
        assert names == [n for n, _ in together.named_parameters()]


def test_training_and_copies_go_on_with_the_new_weights() -> None:
    model = build(dict(batched_parts=True))
    before = deepcopy(model)
    model.train_step(batch(), wrappers(model))
    reference = build(dict(batched_parts=False))
    for trained in (model, before, deepcopy(model)):
        reference.load_state_dict(trained.state_dict(), strict=True)
        expected = reference.eval().val_step(batch())[0]
        found = trained.eval().val_step(batch())[0]
        torch.testing.assert_close(found['flow'], expected['flow'])
        difference = found['image'].int() - expected['image'].int()
        assert difference.abs().max() <= 1


def test_a_block_of_ones_own_is_named() -> None:
    class OwnBlock(nn.Conv2d):
        def __init__(self, channels: int) -> None:
            super().__init__(channels, channels, 1)

    hdc = dict(type=OwnBlock)
    with pytest.raises(ConfigError, match='batched_parts=True cannot run OwnBlock'):
        build(dict(hdc=hdc, batched_parts=True))


def rank_main(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    store = dist.FileStore(f'{folder}/store', 2)
    dist.init_process_group('gloo', store=store, rank=rank, world_size=2)
    model = lively(dict(batched_parts=True)).double()
    # Not told to look for unused parameters: every one must report its gradient.
    model.generator = DistributedDataParallel(model.generator)
    data = {k: v[rank : rank + 1] for k, v in data_of(model, torch.float64).items()}
    out = model.run_generator(data)
    image = out['image'].square().mean()
    flow = sum(f.square().mean() for x in out['flows'].values() for f, _ in x.values())
    (image + flow).backward()
    grads = {n: p.grad for n, p in model.generator.module.named_parameters()}
    torch.save(grads, f'{folder}/grads{rank}.pt')
    dist.destroy_process_group()


def test_two_processes_have_the_gradient_of_one(tmp_path: Path) -> None:
    run_ranks(rank_main, str(tmp_path))
    first, second = (torch.load(tmp_path / f'grads{rank}.pt') for rank in range(2))
    model = lively(dict(batched_parts=False)).double()
    out = model.run_generator(data_of(model, torch.float64))
    flow = sum(f.square().mean() for x in out['flows'].values() for f, _ in x.values())
    (out['image'].square().mean() + flow).backward()
    for name, parameter in model.generator.named_parameters():
        assert torch.equal(first[name], second[name]), name
        torch.testing.assert_close(first[name], parameter.grad, rtol=0, atol=1e-10)
