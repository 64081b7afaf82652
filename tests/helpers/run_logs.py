"""Lines as MMEngine's LocalVisBackend writes them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path


def step(iteration: int, loss: float = 1.0, **values: float) -> dict[str, float]:
    """A line of training."""
    return dict(values, loss=loss, iter=iteration, step=iteration)


def score(iteration: int, **values: float) -> dict[str, float]:
    """A line of a validation."""
    return dict(values, data_time=0.1, time=0.2, step=iteration)


def write_log(stage: Path, start: str, lines: Sequence[dict]) -> Path:
    """Write a log into the folder of a stage; ``start`` is a time."""
    file = stage / start / 'vis_data' / 'scalars.json'
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(''.join(f'{json.dumps(line)}\n' for line in lines))
    return file
