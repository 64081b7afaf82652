"""What arguments a component takes, and sentences about those that do not fit."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping
from difflib import get_close_matches
from types import SimpleNamespace, UnionType
from typing import Any, NamedTuple, Union, get_args, get_origin, get_type_hints

from mmengine.hooks import CheckpointHook
from torch import Tensor

# It takes any keyword and ignores those it does not know.
_SWALLOWS_KEYWORDS = (CheckpointHook,)

# Where these alone are taken, a text is wrong: a typing error, or 'no' for False.
_NUMBERS = frozenset((int, float, bool, Tensor, type(None)))


class Arguments(NamedTuple):
    """Names of the arguments of a component."""

    accepted: tuple[str, ...]
    required: tuple[str, ...]
    #: Whether it takes keywords beside the accepted ones.
    any_keyword: bool


def arguments_of(component: Callable) -> Arguments:
    """The arguments that a class's constructor or a function takes by keyword."""
    own = _parameters(component)
    if own is None:
        return Arguments((), (), True)
    named = [p for p in own if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    accepted = [p.name for p in named]
    kinds = {p.kind for p in own}
    any_keyword = inspect.Parameter.VAR_KEYWORD in kinds
    if any_keyword and inspect.Parameter.VAR_POSITIONAL in kinds:
        # Everything is passed on to the next constructor, as MMEngine's schedulers do.
        inherited = _next_arguments(component)
        accepted += [name for name in inherited.accepted if name not in accepted]
        any_keyword = inherited.any_keyword
    return Arguments(
        accepted=tuple(accepted),
        required=tuple(p.name for p in named if p.default is p.empty),
        any_keyword=any_keyword and component not in _SWALLOWS_KEYWORDS,
    )


def _parameters(component: Callable) -> list[inspect.Parameter] | None:
    try:
        return list(inspect.signature(component).parameters.values())
    except (TypeError, ValueError):  # built in C, without a signature
        return None


def _next_arguments(component: Callable) -> Arguments:
    """Arguments of the constructor after a class's own in the order of inheritance."""
    order = [c for c in getattr(component, '__mro__', ()) if '__init__' in vars(c)]
    if len(order) < 3:  # the class itself and `object`, which says nothing
        return Arguments((), (), True)
    return arguments_of(order[1])


def unknown_argument(
    component: Callable, given: Iterable[str], hidden: Collection[str] = ()
) -> tuple[str, str] | None:
    """The first given argument that a component does not take.

    Args:
        component: A class or function.
        given: Names of arguments.
        hidden: Arguments not to speak of, because a config never gives them.

    Returns:
        The argument and a sentence about it, or None when all of them fit.
    """
    arguments = arguments_of(component)
    if arguments.any_keyword:
        return None
    for name in given:
        if name not in arguments.accepted:
            shown = [other for other in arguments.accepted if other not in hidden]
            takes = ', '.join(shown) or 'none'
            hint = did_you_mean(name, shown)
            title = component.__name__
            return name, f'{title} has no argument {name!r}{hint}; it takes {takes}'
    return None


def missing_argument(component: Callable, given: Collection[str]) -> str | None:
    """A sentence about the required arguments that are not given, or None."""
    missing = [name for name in arguments_of(component).required if name not in given]
    if not missing:
        return None
    names = ', '.join(map(repr, missing))
    return f'{component.__name__} needs the argument {names}'


def text_for_number(
    component: Callable, given: Mapping[str, Any]
) -> tuple[str, str] | None:
    """The first argument that is a text where a component takes only numbers.

    Args:
        component: A class or function; arguments without a type are not judged.
        given: Arguments by name.

    Returns:
        The argument and a sentence about it, or None when there is none.
    """
    for name, value in given.items():
        kinds = _kinds(component, name) if isinstance(value, str) else {str}
        if kinds <= _NUMBERS:
            wanted = 'True or False' if kinds <= {bool, type(None)} else 'a number'
            return name, f'{component.__name__} takes {wanted} here, got {value!r}'
    return None


def _kinds(component: Callable, name: str) -> set[Any]:
    """What an argument may be, as far as its annotation can be read here."""
    function = component.__init__ if inspect.isclass(component) else component
    annotation = getattr(function, '__annotations__', {}).get(name, Any)
    # One by one: a name that only a type checker knows must not hide the others.
    alone = SimpleNamespace(__annotations__={name: annotation})
    try:
        hint = get_type_hints(alone, getattr(function, '__globals__', {}))[name]
    except (NameError, TypeError, AttributeError):
        return {Any}
    is_union = get_origin(hint) in (Union, UnionType)
    return set(get_args(hint)) if is_union else {hint}


def did_you_mean(name: str, available: Iterable[str]) -> str:
    """``" (did you mean 'x'?)"`` for the names closest to one, or nothing."""
    available = list(available)
    lowered = {candidate.lower(): candidate for candidate in available}
    close = get_close_matches(name.lower(), lowered, n=3, cutoff=0.6)
    if not close:
        return ''
    return f' (did you mean {" or ".join(repr(lowered[c]) for c in close)}?)'
