"""Checks of single components: is the name known, do the arguments fit."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mmengine.registry import Registry

from posegen.engine.config.signatures import (
    arguments_of,
    did_you_mean,
    missing_argument,
    text_for_number,
    unknown_argument,
)

# Keys that the builders take out before they call the component.
_BUILDER_KEYS = frozenset(('type', '_scope_'))


class Problem(Exception):
    """What is wrong, and the dotted place where."""

    def __init__(self, place: str, message: str) -> None:
        super().__init__(f'{place}: {message}')
        self.place = place
        self.message = message


class Components:
    """Looks components up, as MMEngine will, under a config's default scope.

    Args:
        scope: The config's ``default_scope``.
    """

    def __init__(self, scope: str) -> None:
        self.scope = scope

    def find(self, name: str | Callable, registry: Registry, place: str) -> Callable:
        """The class or function of that name.

        Raises:
            Problem: Nothing of that name is registered.
        """
        if not isinstance(name, str):
            if not callable(name):
                raise Problem(f'{place}.type', f'expected a name, got {name!r}')
            return name
        with registry.switch_scope_and_registry(self.scope) as own:
            found = own.get(name)
            if found is None:
                raise Problem(place, _unknown_name(name, own))
        return found

    def check(
        self,
        spec: Any,
        registry: Registry,
        place: str,
        supplied: Iterable[str] = (),
        extra: Iterable[str] = (),
        default: str | None = None,
        complete: bool = True,
    ) -> Callable:
        """Check one ``dict(type=..., ...)``.

        Args:
            spec: The dict.
            registry: MMEngine's root registry of the kind.
            place: Where the dict stands in the config.
            supplied: Arguments that whoever builds the component adds.
            extra: Keys that the builder reads and takes away.
            default: Type to assume where none is given.
            complete: Whether a missing argument is known to be missing. A part of a
                model is not: its parent may add arguments.

        Returns:
            The class or function.

        Raises:
            Problem: No dict, no or an unknown type, or arguments that do not fit.
        """
        if not isinstance(spec, Mapping):
            raise Problem(place, f'expected a dict with a type, got {spec!r}')
        name = spec.get('type', default)
        if name is None:
            keys = ', '.join(spec) or 'nothing'
            raise Problem(place, f'the dict needs a type; it has {keys}')
        component = self.find(name, registry, place)
        own = {k: v for k, v in spec.items() if k not in _BUILDER_KEYS | set(extra)}
        self._check_arguments(component, own, list(supplied), place, complete)
        return component

    def _check_arguments(
        self,
        component: Callable,
        own: Mapping[str, Any],
        supplied: list[str],
        place: str,
        complete: bool,
    ) -> None:
        wrong = unknown_argument(component, own, hidden=supplied)
        wrong = wrong or text_for_number(component, own)
        if wrong:
            raise Problem(f'{place}.{wrong[0]}', wrong[1])
        refused = unknown_argument(component, supplied)
        if refused:
            raise Problem(
                place,
                f'{component.__name__} must take the argument {refused[0]!r}, which it '
                'is given when it is built',
            )
        missing = missing_argument(component, {*own, *supplied}) if complete else None
        if missing:
            raise Problem(place, missing)


def takes_argument(component: Callable, name: str) -> bool:
    """Whether a component names an argument of its own."""
    return name in arguments_of(component).accepted


def is_kind(component: Callable, kind: type) -> bool:
    """Whether a component is a class of some kind."""
    return inspect.isclass(component) and issubclass(component, kind)


def _unknown_name(name: str, registry: Registry) -> str:
    chain = [registry]
    while chain[-1].parent is not None:
        chain.append(chain[-1].parent)
    every = [key for entry in chain for key in entry.module_dict]
    listed = sorted(registry.module_dict) or sorted(every)
    kind = chain[-1].name
    return (
        f'no {kind} named {name!r} is registered{did_you_mean(name, every)}; there are '
        f'{", ".join(listed)}; the module of a class of your own goes in custom_imports'
    )
