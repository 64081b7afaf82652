"""One optimizer for the generator, another for the discriminators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmengine.model import is_model_wrapper
from mmengine.optim import (
    DefaultOptimWrapperConstructor,
    OptimWrapper,
    OptimWrapperDict,
)
from torch import nn

from posegen.registry import OPTIM_WRAPPER_CONSTRUCTORS, OPTIM_WRAPPERS, OPTIMIZERS

#: Names of optimizers that are not the name of the module which they train.
MODULE_NAMES = dict(discriminator='discriminators')


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class MultiOptimWrapperConstructor:
    """Builds an optimizer for each named part of a model.

    In a config::

        optim_wrapper = dict(
            constructor='MultiOptimWrapperConstructor',
            generator=dict(optimizer=dict(type='Adam', lr=1e-4)),
            discriminator=dict(optimizer=dict(type='Adam', lr=1e-5)),
        )

    ``generator`` trains ``model.generator``, ``discriminator`` trains
    ``model.discriminators``, ``discriminator_<name>`` the one of them with that name;
    any other name is the name of the module itself. Only parameters that ask for a
    gradient are given to the optimizer.

    Args:
        optim_wrapper_cfg: Config of a wrapper by name; each may have a
            ``paramwise_cfg`` of its own, as MMEngine's default constructor reads it.
        paramwise_cfg: Not for several optimizers; part of MMEngine's interface.

    Raises:
        ValueError: ``paramwise_cfg`` is given for all optimizers together.
        TypeError: A wrapper's config is no dict.
    """

    def __init__(
        self,
        optim_wrapper_cfg: Mapping[str, Any],
        paramwise_cfg: Mapping[str, Any] | None = None,
    ) -> None:
        if paramwise_cfg is not None:
            raise ValueError(
                'paramwise_cfg belongs to one optimizer: put it into '
                f'{" or ".join(optim_wrapper_cfg)}'
            )
        for name, cfg in optim_wrapper_cfg.items():
            if not isinstance(cfg, Mapping):
                raise TypeError(f'{name} must be a dict with an optimizer, got {cfg!r}')
        self.cfgs = {name: dict(cfg) for name, cfg in optim_wrapper_cfg.items()}

    def __call__(self, model: nn.Module) -> OptimWrapperDict:
        """Build the wrappers.

        Args:
            model: The model, bare or wrapped for distributed training.

        Returns:
            The wrappers by name.

        Raises:
            ValueError: The model has no such part, or nothing in it can be trained.
        """
        model = unwrap(model)
        return OptimWrapperDict(
            **{
                name: _name(_build(name, cfg, model), name)
                for name, cfg in self.cfgs.items()
            }
        )


def unwrap(module: nn.Module) -> nn.Module:
    """The module itself, without a wrapper for distributed training."""
    while is_model_wrapper(module):
        module = module.module
    return module


def _find(name: str, model: nn.Module) -> tuple[str, nn.Module | None]:
    """The module that an optimizer is named after, and what it is called."""
    attribute = MODULE_NAMES.get(name, name)
    one = name.removeprefix('discriminator_')
    if hasattr(model, attribute) or one == name:
        return attribute, getattr(model, attribute, None)
    every = unwrap(getattr(model, 'discriminators', None))
    return f'discriminators.{one}', dict(getattr(every, 'nets', {})).get(one)


def _build(name: str, cfg: Mapping[str, Any], model: nn.Module) -> OptimWrapper:
    attribute, part = _find(name, model)
    if not isinstance(part, nn.Module):
        raise ValueError(
            f'optimizer {name!r}: {type(model).__name__} has no module {attribute!r}'
        )
    parameters = [p for p in part.parameters() if p.requires_grad]
    if not parameters:
        raise ValueError(
            f'optimizer {name!r}: no parameter of {attribute!r} can be trained'
        )
    cfg = dict(cfg)
    if cfg.get('paramwise_cfg') is not None:
        paramwise = cfg.pop('paramwise_cfg')
        return DefaultOptimWrapperConstructor(cfg, paramwise)(unwrap(part))
    cfg.pop('paramwise_cfg', None)
    optimizer = OPTIMIZERS.build(dict(cfg['optimizer'], params=parameters))
    return OPTIM_WRAPPERS.build({'type': 'OptimWrapper', **cfg, 'optimizer': optimizer})


def _name(wrapper: OptimWrapper, name: str) -> OptimWrapper:
    """For the log; a wrapper of a user's own need not know about names."""
    wrapper.name = name
    return wrapper
