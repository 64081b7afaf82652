"""Compiling sub-networks of a model with ``torch.compile``."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn.utils import parametrize

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
        mode: As in ``torch.compile``: None, or ``'reduce-overhead'``, for networks
            whose kernels are too short for the time that it takes to start them, or
            another one of ``'inductor'``.
        backend: As in ``torch.compile``; ``'inductor'`` needs a C++ compiler on a CPU
            and Triton on a GPU, ``'eager'`` traces and compiles nothing.
        fullgraph: As in ``torch.compile``.
        dynamic: As in ``torch.compile``; images of a training run are of one size.

    Raises:
        ConfigError: The model has no such sub-network, or there is no such backend or
            mode.
    """
    names = [networks] if isinstance(networks, str) else list(networks)
    found = [_find(model, name) for name in names]
    known = torch.compiler.list_backends(exclude_tags=())
    if isinstance(backend, str) and backend not in known:
        raise ConfigError(f'compile.backend must be one of {known}, got {backend!r}')
    for network in found:
        _leave_out_power_iterations(network)
        try:
            network.compile(
                mode=mode, backend=backend, fullgraph=fullgraph, dynamic=dynamic
            )
        except RuntimeError as error:
            raise ConfigError(f'compile.mode {mode!r} is unknown: {error}') from error


def _leave_out_power_iterations(network: nn.Module) -> None:
    """Run spectral norms as they are, between the graphs of their network.

    A discriminator judges two batches before the backward pass. Inductor lets the power
    iteration of the second change what the first one's backward pass needs.
    """
    for module in network.modules():
        if isinstance(module, parametrize.ParametrizationList):
            module.forward = torch.compiler.disable(module.forward)


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
