"""Several small batches give the weights of one that holds them all.

And mixed precision gives nearly the losses of full precision.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
import torch
from mmengine.optim import OptimWrapperDict
from torch import Tensor, nn

from posegen.engine import MultiOptimWrapperConstructor, StagedRunner, load_config
from posegen.models.phase import as_batches, optimize
from posegen.registry import MODELS
from posegen.utils.errors import NonFiniteError
from posegen.utils.paths import configs_root

#: Method and stage, with what makes a step the mean over its samples: no dropout, no
#: norm over the batch, no pool of earlier images, one batch for all phases, no power
#: iteration.
CASES = {
    'spig-flow': {},
    'spig-full': {'discriminators.image.net.spectral': False},
    'gfla-flow': {},
    'gfla-full': {'discriminators.image.net.spectral': False},
    'patn-full': {
        'pool_size': 0,
        'generator.dropout': 0.0,
        'generator.norm': 'instance',
        **{
            f'discriminators.{name}.net.{key}': value
            for name in ('pp', 'pb')
            for key, value in dict(norm='instance', dropout=0.0).items()
        },
    },
    'def_gan-full': {'separate_batches': False, 'generator.dropout': 0.0},
    'vunet-full': {'generator.dropout': 0.0},
    'limbwarp-flow': {},
    'limbwarp-full': {},
}
SIZE = (64, 64)


@pytest.fixture
def double_precision() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def build(
    case: str, changes: dict | None = None, kind: str = 'OptimWrapper', lr: float = 1e-2
) -> tuple[nn.Module, OptimWrapperDict]:
    method, stage = case.split('-')
    options = {f'model.{key}': value for key, value in (changes or {}).items()}
    path = configs_root() / method / f'{method}_synthetic-128x64_tiny.py'
    runner = StagedRunner.from_cfg(load_config(path, {'work_dir': '-', **options}))
    name = stage if stage in runner.stage_names else runner.stage_names[-1]
    cfg = runner.stage_config(name)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    wrappers = cfg.optim_wrapper.to_dict()
    wrappers.pop('constructor')
    for wrapper in wrappers.values():
        wrapper['type'] = kind
        # Adam would make much of the sign of gradients that are nearly 0.
        wrapper['optimizer'] = dict(type='SGD', lr=lr)
    return model, MultiOptimWrapperConstructor(wrappers)(model)


def batch(count: int, seed: int = 0) -> dict:
    generator = torch.Generator().manual_seed(seed)
    scale = torch.tensor([SIZE[1], SIZE[0], 1.0]) * 0.9
    sides = {}
    for side in ('source', 'target'):
        sides[f'{side}_image'] = torch.randint(
            0, 256, (count, 3, *SIZE), generator=generator, dtype=torch.uint8
        )
        points = torch.rand(count, 18, 3, generator=generator).float() * scale.float()
        points[..., 2] = 1
        sides[f'{side}_keypoints'] = points
        sides[f'{side}_name'] = [f'{side}{i}.png' for i in range(count)]
    shape = (count, *SIZE)
    truth = dict(
        flow=torch.randn(count, 2, *SIZE, generator=generator),
        visibility=torch.rand(shape, generator=generator) < 0.5,
        part_labels=torch.randint(4, shape, generator=generator).byte(),
    )
    return sides | truth


def cut(whole: dict, size: int) -> list[dict]:
    total = len(whole['source_name'])
    return [
        {key: value[start : start + size] for key, value in whole.items()}
        for start in range(0, total, size)
    ]


@pytest.mark.usefixtures('double_precision')
@pytest.mark.parametrize('case', [case for case in CASES if case != 'vunet-full'])
def test_accumulated_batches_equal_the_large_one(case: str) -> None:
    """VU-Net draws latents: other numbers in other batches."""
    results = []
    for data in (batch(4), cut(batch(4), 2)):
        model, optimizers = build(case, CASES[case])
        start = {k: v.clone() for k, v in model.state_dict().items()}
        logs = {}
        for _ in range(2):
            logs = model.train_step(data, optimizers)
        results.append((model.state_dict(), logs))
    (whole, whole_logs), (parts, logs) = results
    assert any(not torch.equal(start[key], value) for key, value in whole.items())
    for key, value in whole.items():
        torch.testing.assert_close(parts[key], value, rtol=0, atol=1e-10, msg=key)
    assert logs.keys() == whole_logs.keys()
    for key, value in whole_logs.items():
        torch.testing.assert_close(logs[key], value, rtol=1e-9, atol=1e-10, msg=key)


@pytest.mark.parametrize('case', CASES)
def test_bfloat16_gives_nearly_the_losses_of_float32(case: str) -> None:
    """Also in the second step, whose discriminators are those after the first.

    VU-Net draws latents in the type it computes in: other numbers.
    """
    tolerance = 0.3 if case.startswith('vunet') else 0.06
    logs = []
    for kind in ('OptimWrapper', 'AmpOptimWrapper'):
        model, optimizers = build(case, kind=kind, lr=1e-3)
        for step in range(2):
            torch.manual_seed(step)
            found = model.train_step(batch(3, seed=step), optimizers)
        logs.append({k: float(v) for k, v in found.items()})
        assert {p.dtype for p in model.parameters()} == {torch.float32}
    full, half = logs
    assert full.keys() == half.keys()
    losses = [key for key in full if key.startswith('loss_')]
    assert losses
    for key in losses:
        assert half[key] == pytest.approx(full[key], rel=tolerance, abs=0.02), key


class Net(nn.Module):
    """One weight, and what a wrapper for distributed training has."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(0.0))
        self.unsynced = 0

    @contextlib.contextmanager
    def no_sync(self) -> Iterator[None]:
        self.unsynced += 1
        yield


def wrapper_of(net: nn.Module):
    cfg = dict(optimizer=dict(type='SGD', lr=1.0))
    model = nn.Module()
    model.net = net
    return MultiOptimWrapperConstructor(dict(net=cfg))(model)['net']


def test_processes_exchange_gradients_once_a_step() -> None:
    net = Net()
    wrapper = wrapper_of(net)

    def losses_of(x: float) -> tuple[dict[str, Tensor], dict[str, float]]:
        return dict(loss_x=net.weight * x), dict(x=x)

    logs = optimize([(wrapper, None)], net, [1.0, 2.0, 6.0], losses_of)
    assert net.unsynced == 2
    assert net.weight.item() == -3
    assert logs['x'] == 3 and not logs['loss_x'].requires_grad


def test_each_optimizer_minimises_its_own_losses() -> None:
    nets = Net(), Net()
    shares = [(wrapper_of(net), [f'loss_{i}']) for i, net in enumerate(nets)]

    def losses_of(x: float) -> tuple[dict[str, Tensor], dict]:
        return {f'loss_{i}': net.weight * (i + x) for i, net in enumerate(nets)}, {}

    optimize(shares, nn.Identity(), [1.0], losses_of)
    assert [net.weight.item() for net in nets] == [-1, -2]


def test_the_losses_of_a_refused_step_are_named() -> None:
    net = Net()
    shares = [(wrapper_of(net), None)]

    def losses_of(x: float) -> tuple[dict[str, Tensor], dict]:
        return dict(loss_a=net.weight * x, loss_b=net.weight * 2), {}

    with pytest.raises(NonFiniteError) as caught:
        optimize(shares, net, [float('inf')], losses_of)
    assert caught.value.found.keys() == {'loss_a', 'loss_b', 'grad_norm_net'}
    assert net.weight.item() == 0


def test_one_batch_or_a_list() -> None:
    assert as_batches(dict(a=1)) == [dict(a=1)]
    assert as_batches([dict(a=1), dict(a=2)]) == [dict(a=1), dict(a=2)]
