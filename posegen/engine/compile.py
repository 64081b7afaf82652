"""Compiling sub-networks of a model with ``torch.compile``."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from posegen.utils.errors import ConfigError


def compile_networks(
    model: nn.Module,
    networks: Sequence[str],
    mode: str | None = None,
    backend: str = 'inductor',
    fullgraph: bool = False,
    dynamic: bool | None = None,
) -> None:
    """Compile sub-networks in place; names in state dicts stay as they are.

    MMEngine's ``compile`` takes the whole ``train_step``, in which every backward pass
    and optimizer breaks the graph. A network alone is one graph, or a few.

    Args:
        model: A model, not wrapped for distributed training yet.
        networks: Dotted names of its sub-networks, such as ``'generator'`` or
            ``'generator.flow_nets.head'``.
        mode: As in ``torch.compile``.
        backend: As in ``torch.compile``; ``'eager'`` traces and compiles nothing.
        fullgraph: As in ``torch.compile``.
        dynamic: As in ``torch.compile``.

    Raises:
        ConfigError: The model has no such sub-network.
    """
    names = [networks] if isinstance(networks, str) else list(networks)
    for name in names:
        network = _find(model, name)
        network.compile(
            mode=mode, backend=backend, fullgraph=fullgraph, dynamic=dynamic
        )


def _find(model: nn.Module, name: str) -> nn.Module:
    try:
        return model.get_submodule(name)
    except AttributeError:
        modules = dict(model.named_modules())
        parent = name.rpartition('.')[0]
        if parent not in modules:
            parent = ''
        names = [child for child, _ in modules[parent].named_children()]
        raise ConfigError(
            f'compile.networks: {type(model).__name__} has no sub-network {name!r}; '
            f'{parent or "it"} has {", ".join(names)}'
        ) from None
