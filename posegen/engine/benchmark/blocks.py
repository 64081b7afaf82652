"""The pyramid non-local block beside the standard one, and beside none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from posegen.engine.benchmark.cases import Case, get_section
from posegen.engine.benchmark.measure import is_lack_of_memory
from posegen.engine.benchmark.subject import precision, set_up
from posegen.engine.benchmark.timing import summarise, time_calls
from posegen.models.def_gan.benchmark import MEGABYTE, peak_memory
from posegen.registry import MODELS
from posegen.utils.errors import ConfigError

PYRAMID, NONE = 'as configured', 'none'
_STANDARD = {
    'non-local, fused': dict(type='NonLocalBlock'),
    'non-local': dict(type='NonLocalBlock', fused=False),
}
_GENERATOR = 'model.generator'


def block_variants(case: Case) -> dict[str, Mapping[str, Any] | None]:
    """What can stand in the place of ``pnb`` -> its config.

    Args:
        case: Of a config whose generator has a block there.

    Raises:
        ConfigError: It has none.
    """
    own = get_section(case.load(), _GENERATOR, case.config).get('pnb')
    if not own:
        raise ConfigError(
            f'{case.config} has no {_GENERATOR}.pnb to compare others with: take a '
            'config that has one, such as spig_deepfashion-256x256.py'
        )
    return {PYRAMID: dict(own), **_STANDARD, NONE: None}


def whole_models(cases: Sequence[Case]) -> list[Case]:
    """Each case with each of :func:`block_variants` in its generator."""
    return [
        replace(case, variant=name, replaced=((f'{_GENERATOR}.pnb', spec),))
        for case in cases
        for name, spec in block_variants(case).items()
    ]


def measure_blocks(case: Case, iterations: int, warmup: int) -> list[dict[str, Any]]:
    """Time and peak memory of the blocks by themselves, on a map of the model's size.

    Args:
        case: Gives channels, the size of the map, batch, device and precision.
        iterations: Passes that are timed.
        warmup: Passes before them.

    Returns:
        For each block ``block``, ``map`` (height, width), ``channels``,
        ``forward_ms_p50`` without gradients, ``both_ms_p50`` of a forward and a
        backward pass, and ``peak``, the bytes that PyTorch's allocator gave out at
        most during the latter, above the input and the weights; or ``error``.
    """
    cfg = case.load()
    set_up(cfg, case.device)
    generator = MODELS.build(cfg.model.generator)
    channels, level = generator.fusion.out_channels, generator.level
    shape = case.batch_size, channels, *(side >> level for side in case.size)
    rows = []
    for name, spec in block_variants(case).items():
        if spec is not None:
            block = MODELS.build(dict(spec), default_args=dict(channels=channels))
            row = dict(block=name, map=shape[2:], channels=channels)
            measure = _costs(block.to(case.device), shape, case, iterations, warmup)
            rows.append(row | measure)
    return rows


def _costs(
    block: nn.Module,
    shape: tuple[int, ...],
    case: Case,
    iterations: int,
    warmup: int,
) -> dict[str, Any]:
    x = torch.randn(shape, device=case.device, requires_grad=True)

    def both() -> None:
        with precision(case):
            out = block(x)
        out.float().square().mean().backward()
        block.zero_grad(set_to_none=True)
        x.grad = None

    def p50(run: Callable[[], object]) -> float:
        seconds = time_calls(run, iterations, warmup, case.device)
        return summarise(seconds, case.batch_size)['latency_ms_p50']

    try:
        return dict(
            forward_ms_p50=p50(lambda: _forward(block, x, case)),
            both_ms_p50=p50(both),
            peak=round(peak_memory(both, case.device) * MEGABYTE),
        )
    except RuntimeError as error:
        if not is_lack_of_memory(error):
            raise
        return dict(error='out of memory')


def _forward(block: nn.Module, x: Tensor, case: Case) -> None:
    with torch.inference_mode(), precision(case):
        block(x)
