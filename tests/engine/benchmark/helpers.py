"""Small cases of shipped configs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from posegen.engine.benchmark.cases import Case
from posegen.utils.paths import configs_root

METHODS = ('spig', 'gfla', 'patn', 'def_gan', 'vunet', 'limbwarp')
#: Every stage of every method.
STAGES = [(m, 'flow') for m in ('spig', 'gfla')] + [(m, 'full') for m in METHODS]


def tiny_file(method: str = 'spig') -> str:
    return str(configs_root() / method / f'{method}_synthetic-128x64_tiny.py')


def averaged_file(folder: Path, method: str = 'gfla') -> str:
    """A tiny config with a moving average of the generator's weights."""
    file = folder / 'averaged.py'
    file.write_text(
        f'_base_ = [{tiny_file(method)!r}]\n'
        "custom_hooks = [dict(type='GeneratorEMAHook', decay=0.5)]\n"
    )
    return str(file)


def tiny_case(method: str = 'spig', stage: str = 'full', **changes: Any) -> Case:
    return replace(Case(tiny_file(method), stage, (64, 64), 2), **changes)
