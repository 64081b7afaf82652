"""What a checkpoint overrules is found, and nothing else."""

from __future__ import annotations

from mmengine.optim import LinearLR, OptimWrapper, OptimWrapperDict
from torch import nn
from torch.optim import Adam

from posegen.engine.resumed_settings import not_taken, settings_of


def wrapper(lr: float = 0.1, betas: tuple[float, float] = (0.5, 0.9)) -> OptimWrapper:
    return OptimWrapper(Adam(nn.Linear(1, 1).parameters(), lr=lr, betas=betas))


def test_the_rate_is_that_before_any_schedule() -> None:
    several = OptimWrapperDict(a=wrapper(), b=wrapper(lr=0.2))
    before = settings_of(several)
    assert before['b'][0]['lr'] == 0.2
    assert before['a'][0]['betas'] == [0.5, 0.9]
    LinearLR(several['a'].optimizer, start_factor=0.5, by_epoch=False)
    assert not [*not_taken(before, settings_of(several))]
    assert list(settings_of(wrapper())) == ['optim_wrapper']


def test_differences_are_named() -> None:
    config = settings_of(wrapper(lr=0.3, betas=(0.0, 0.9)))
    (sentence,) = not_taken(config, settings_of(wrapper()))
    assert sentence == (
        'optim_wrapper: betas=[0.5, 0.9] goes on, [0.0, 0.9] of the config does not '
        'count; lr=0.1 goes on, 0.3 of the config does not count'
    )
