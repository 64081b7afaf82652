"""A hook that compares the weights of all processes at the end of a stage.

Importing this module registers it; a config names it in ``custom_imports``.
"""

from __future__ import annotations

import torch.distributed as dist
from mmengine.hooks import Hook
from mmengine.runner import Runner

from posegen.engine.agreement import from_all
from posegen.registry import HOOKS


@HOOKS.register_module(force=True)
class InStepHook(Hook):
    """Fails where processes do not hold the same parameters, to the last bit.

    Args:
        backend: What gradients must travel through.
    """

    def __init__(self, backend: str = 'gloo') -> None:
        self.backend = backend

    def before_train(self, runner: Runner) -> None:
        assert dist.get_backend() == self.backend

    def after_train(self, runner: Runner) -> None:
        named = dict(runner.model.named_parameters())
        sums = {name: value.double().sum().item() for name, value in named.items()}
        first, *others = from_all(sums)
        assert first
        for other in others:
            different = [name for name in first if first[name] != other[name]]
            assert not different, different
