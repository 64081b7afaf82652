"""Weights are loaded strictly, into bare and wrapped models."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from mmengine.model import MMDistributedDataParallel
from torch import Tensor, nn

from posegen.engine.weights import (
    fill_model,
    newest_checkpoint,
    numbered_checkpoints,
    plain_keys,
)
from posegen.utils.errors import WeightsError


class Model(nn.Module):
    """Its generator has a child that is called as a wrapper's child is."""

    def __init__(self, width: int = 2) -> None:
        super().__init__()
        self.generator = nn.ModuleDict(dict(module=nn.Linear(2, width)))
        self.discriminators = nn.Linear(1, 1)


class Wrapper(MMDistributedDataParallel):
    def __init__(self, module: nn.Module) -> None:
        nn.Module.__init__(self)
        self.module = module


def wrapped() -> nn.Module:
    model = Model()
    model.generator = Wrapper(model.generator)
    return Wrapper(model)


def equal(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return first.keys() == second.keys() and all(
        torch.equal(first[key], second[key]) for key in first
    )


def test_names_are_those_of_the_bare_model() -> None:
    assert sorted(plain_keys(wrapped()).values()) == sorted(Model().state_dict())
    assert 'module.generator.module.module.weight' in plain_keys(wrapped())


def test_weights_pass_between_bare_and_wrapped() -> None:
    bare, other = Model(), wrapped()
    fill_model(other, bare.state_dict(), 'bare')
    plain = plain_keys(other)
    weights = {plain[key]: value for key, value in other.state_dict().items()}
    assert equal(weights, bare.state_dict())
    third = Model()
    fill_model(third, weights, 'wrapped')
    assert equal(third.state_dict(), bare.state_dict())


def test_discriminators_may_be_missing_as_a_whole() -> None:
    model, other = Model(), Model()
    own = model.discriminators.weight.clone()
    weights = {k: v for k, v in other.state_dict().items() if 'generator' in k}
    fill_model(model, weights, 'published')
    assert torch.equal(model.discriminators.weight, own)
    assert equal(model.generator.state_dict(), other.generator.state_dict())


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda w: w.pop('generator.module.weight'), '1 missing: generator.module.we'),
        (lambda w: w.pop('discriminators.bias'), '1 missing: discriminators.bias'),
        (lambda w: w.update(more=torch.zeros(1)), '1 unexpected: more'),
        (
            lambda w: w.update({'generator.module.bias': torch.zeros(9)}),
            r'1 mismatched: generator.module.bias \(\(9,\) in the file, \(2,\)',
        ),
    ],
)
def test_anything_else_that_does_not_fit_is_an_error(change, message: str) -> None:
    weights = Model().state_dict()
    change(weights)
    with pytest.raises(WeightsError, match=rf'^old\.pth: .*{message}'):
        fill_model(Model(), weights, 'old.pth')


def test_checkpoints_are_ordered_by_number(tmp_path: Path) -> None:
    for name in (
        'iter_9.pth',
        'iter_10.pth',
        'best_ssim_iter_11.pth',
        'iter_8.pth.old',
    ):
        (tmp_path / name).touch()
    (tmp_path / 'latest.pth').symlink_to('iter_10.pth')
    names = [path.name for path in numbered_checkpoints(tmp_path)]
    assert names == ['iter_10.pth', 'iter_9.pth']


def test_a_truncated_checkpoint_is_passed_over_loudly(
    tmp_path: Path, messages: list[str]
) -> None:
    assert newest_checkpoint(tmp_path) is None
    for number in (1, 2):
        torch.save(dict(state_dict={}, number=number), tmp_path / f'iter_{number}.pth')
    latest = tmp_path / 'iter_2.pth'
    latest.write_bytes(latest.read_bytes()[:-200])
    path, content = newest_checkpoint(tmp_path)
    assert (path.name, content['number']) == ('iter_1.pth', 1)
    assert messages[0].startswith(f'CHECKPOINT PASSED OVER: {latest}')
    path.write_bytes(b'')
    with pytest.raises(WeightsError, match='none of the 2 checkpoints'):
        newest_checkpoint(tmp_path)
