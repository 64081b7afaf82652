"""Parameters that nothing of the loss reaches."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner
from torch import nn
from torch.utils.hooks import RemovableHandle

from posegen.engine.agreement import control_group, from_all
from posegen.engine.optim import unwrap
from posegen.engine.weights import plain_keys
from posegen.registry import HOOKS
from posegen.utils.errors import ConfigError

_SHOWN = 5


@HOOKS.register_module()
class UnusedParametersHook(Hook):
    """Looks in the first iteration whether all that is to be trained gets a gradient.

    What gets none stays as it was initialised, and processes that train together cannot
    go on: torch's wrapper waits for every gradient of a network before it exchanges the
    last of them, and in the next iteration stops with the places of parameters in a
    list. Here they are named, by a warning of a single process, and by an error of
    several. A network that is not run at all, as discriminators in a first stage, may
    rest.

    ``find_unused_parameters=True`` of a config turns the error into the warning too: it
    lets torch look for such parameters in every iteration.
    """

    # Before anything else that an iteration leads to is done.
    priority = 'VERY_HIGH'

    def __init__(self) -> None:
        self._names: list[str] = []
        self._reached: set[str] = set()
        self._handles: list[RemovableHandle] = []
        self._has_looked = False

    def before_train_iter(self, runner: Runner, *args, **kwargs) -> None:
        """Note in the first iteration which parameters get a gradient."""
        if self._has_looked or self._handles:
            return
        for name, parameter in trained(unwrap(runner.model)):
            self._names.append(name)
            self._handles.append(
                parameter.register_post_accumulate_grad_hook(
                    lambda _, name=name: self._reached.add(name)
                )
            )

    def after_train_iter(self, runner: Runner, *args, **kwargs) -> None:
        """Say which got none.

        Raises:
            ConfigError: Several processes train, and there are such parameters.
        """
        if self._has_looked:
            return
        self._has_looked = True
        for handle in self._handles:
            handle.remove()
        found = from_all(missing(self._names, self._reached))
        names = list(dict.fromkeys(name for some in found for name in some))
        if names:
            _report(names, bool(runner.cfg.get('find_unused_parameters')))


def _report(names: list[str], allowed: bool) -> None:
    message = describe(names)
    if control_group() is None or allowed:
        print_log(message, 'current', logging.WARNING)
        return
    raise ConfigError(
        f'{message}; processes that train together wait for the gradient of every '
        'parameter'
    )


def trained(model: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """Parameters that ask for a gradient, by their names in the bare model."""
    names = plain_keys(model)
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            yield names.get(name, name), parameter


def missing(names: Iterable[str], reached: Iterable[str]) -> list[str]:
    """The names that are not among the reached ones, of networks that have any there.

    Args:
        names: ``<network>.<...>`` of all parameters that ask for a gradient.
        reached: Those that got one.
    """
    reached = set(reached)
    networks = {name.partition('.')[0] for name in reached}
    return [
        name
        for name in names
        if name not in reached and name.partition('.')[0] in networks
    ]


def describe(names: list[str]) -> str:
    """A sentence, without its full stop, on parameters without a gradient."""
    shown = ', '.join(names[:_SHOWN])
    more = f' and {len(names) - _SHOWN} more' if len(names) > _SHOWN else ''
    return (
        f'{shown}{more} got no gradient in the first iteration, so that nothing trains '
        'them: freeze them with requires_grad_(False), or build the component without '
        'them'
    )
