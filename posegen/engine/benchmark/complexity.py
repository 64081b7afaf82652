"""Parameters, and multiply-adds of a forward pass, by module."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from posegen.engine.benchmark.cases import Case
from posegen.engine.benchmark.subject import build_subject

if TYPE_CHECKING:
    from torch.utils.flop_counter import FlopCounterMode

#: What is counted, for people who compare numbers.
COUNTED = (
    'multiply-adds (MACs) of convolutions, linear layers, matrix products and '
    'attention; biases, norms, activations, pooling, interpolation, affine_grid, '
    'grid_sample and element-wise arithmetic count nothing'
)


@dataclass(frozen=True)
class ModuleCost:
    """A module with all that is inside it.

    Attributes:
        name: Dotted, as in ``named_modules()``; ``''`` is the whole.
        kind: Name of its class.
        parameters: Learnt numbers, also those of its children.
        macs: Multiply-adds of one pass, also those of its children.
    """

    name: str
    kind: str
    parameters: int
    macs: int


def count_macs(module: nn.Module, run: Callable[[], object]) -> dict[str, int]:
    """Multiply-adds by the module that spends them.

    Operations are seen where PyTorch carries them out, by
    ``torch.utils.flop_counter.FlopCounterMode``, so that what a model computes outside
    of layers is there as well. It is counted for the innermost module whose
    ``forward`` is running.

    Args:
        module: Where modules are looked for.
        run: A forward pass of it.

    Returns:
        Dotted name -> multiply-adds that the module spends itself, without those of its
        children; ``''`` is ``module`` itself and all that runs outside of it. See
        :data:`COUNTED` for what counts.
    """
    spent: Counter[str] = Counter()
    with _counter() as counter, _watching(module, counter, spent):
        run()
    return {name: flops // 2 for name, flops in spent.items()}


def module_costs(module: nn.Module, spent: Mapping[str, int]) -> list[ModuleCost]:
    """Every module with its parameters and multiply-adds, outer ones first.

    Args:
        module: The whole.
        spent: What :func:`count_macs` gives.
    """
    return [
        ModuleCost(
            name,
            type(inner).__name__,
            sum(p.numel() for p in inner.parameters()),
            sum(n for key, n in spent.items() if _is_in(key, name)),
        )
        for name, inner in module.named_modules()
    ]


def count_parameters(model: nn.Module) -> dict[str, int]:
    """Sizes of a model's nets.

    Args:
        model: A :class:`~posegen.models.BasePoseTransfer`.

    Returns:
        ``generator``, ``discriminators`` and ``feature_net``, whose weights are buffers
        because nothing trains them; ``trained``: parameters of all of them that are
        trained in this stage.
    """
    discriminators, feature_net = model.discriminators, model.feature_net
    return dict(
        generator=_numbers(model.generator.parameters()),
        discriminators=_numbers(discriminators.parameters()) if discriminators else 0,
        feature_net=_frozen_numbers(feature_net) if feature_net else 0,
        trained=_numbers(p for p in model.parameters() if p.requires_grad),
    )


def describe_complexity(case: Case) -> dict[str, Any]:
    """Parameters of all nets and multiply-adds of generating one image.

    Args:
        case: Its batch size does not matter; its device does the one pass.

    Returns:
        ``parameters`` of :func:`count_parameters`, ``macs`` of one image, ``modules``
        of the generator as dicts of :class:`ModuleCost`, ``notes``.
    """
    subject = build_subject(case, training=False, compiled=False)
    inputs = {
        key: value[:1] if torch.is_tensor(value) else value
        for key, value in subject.inputs().items()
    }
    model = subject.model
    spent = count_macs(model, lambda: subject.generate(inputs))
    costs = module_costs(model, spent)
    whole = 'generator'
    return dict(
        parameters=count_parameters(model),
        macs=costs[0].macs,
        modules=[
            dict(
                name=cost.name.removeprefix(whole).removeprefix('.'),
                type=cost.kind,
                parameters=cost.parameters,
                macs=cost.macs,
            )
            for cost in costs
            if _is_in(cost.name, whole)
        ],
        notes=subject.notes,
    )


def _counter() -> FlopCounterMode:
    # It loads a second's worth of PyTorch that measurements can do without.
    from torch.utils.flop_counter import FlopCounterMode

    # The one fused attention that PyTorch 2.14 has no formula for is that on CPUs.
    on_cpu = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
    return FlopCounterMode(display=False, custom_mapping={on_cpu: _attention_flops})


def _attention_flops(
    query: tuple[int, ...],
    key: tuple[int, ...],
    value: tuple[int, ...],
    *args: Any,
    **kwargs: Any,
) -> int:
    """Of softmax(Q K^T) V for shapes (B, heads, n, d): two products."""
    queries, keys = math.prod(query[:-1]), key[-2]
    return 2 * queries * keys * (query[-1] + value[-1])


@contextmanager
def _watching(
    module: nn.Module, counter: FlopCounterMode, spent: Counter[str]
) -> Iterator[None]:
    """Charge what is counted to the module that is running."""
    running, charged = [''], [0]

    def charge() -> None:
        total = counter.get_total_flops()
        spent[running[-1]] += total - charged[0]
        charged[0] = total

    def enter(name: str) -> None:
        charge()
        running.append(name)

    def leave() -> None:
        charge()
        running.pop()

    with ExitStack() as hooks:
        for name, inner in module.named_modules():
            before = inner.register_forward_pre_hook(lambda *_, name=name: enter(name))
            after = inner.register_forward_hook(lambda *_: leave(), always_call=True)
            hooks.callback(before.remove)
            hooks.callback(after.remove)
        yield
        charge()


def _is_in(name: str, outer: str) -> bool:
    return not outer or name == outer or name.startswith(f'{outer}.')


def _frozen_numbers(net: nn.Module) -> int:
    """Weights of the layers of a net; its own buffers are constants of the input."""
    return sum(
        _numbers([*layer.parameters(recurse=False), *layer.buffers(recurse=False)])
        for layer in net.modules()
        if layer is not net
    )


def _numbers(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.numel() for tensor in tensors)
