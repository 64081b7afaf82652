"""Two processes with half of the batch each end with the weights of one.

In float64, since Adam makes much of the rounding in gradients that are nearly 0, such
as those of biases before norms; and with a small rate in the second stage, whose nets
of four channels let a difference grow with every step.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.engine.distributed.conftest import (
    in_one_process,
    in_two_processes,
    small_config,
)
from tests.helpers.toy_training import write_config

ITERATIONS = 20
STAGES = ('flow', 'full')
TOLERANCE = 1e-9


def train(
    method: str, data: Path, work_dir: Path, processes: int, *, batch: int, **changes
) -> Path:
    """Train a method; returns the work dir.

    Args:
        method: Its key.
        data: Of `pairs`.
        work_dir: The folder.
        processes: One or two.
        batch: Of each.
        **changes: As of `exact_config`.
    """
    config = exact_config(method, data, batch, **changes)
    path = write_config(work_dir.with_suffix('.py'), config)
    start = in_one_process if processes == 1 else in_two_processes
    start('train', path, '--work-dir', work_dir, log=work_dir.with_suffix('.log'))
    return work_dir


def exact_config(
    method: str,
    data: Path,
    batch: int,
    iters: int = ITERATIONS,
    spectral: bool = True,
    accumulate: int = 1,
) -> dict:
    """A config in float64, with a small rate in the second stage."""
    config = small_config(method, data, batch, iters)
    # In this order: networks are built in float64.
    config['custom_imports']['imports'].insert(0, 'tests.helpers.double_precision')
    config['model']['discriminators']['image']['net']['spectral'] = spectral
    for stage in config['stages']:
        stage['train_cfg']['accumulate'] = accumulate
    for wrapper in ('generator', 'discriminator'):
        config['stages'][1]['optim_wrapper'][wrapper]['optimizer']['lr'] = 1e-5
    return config


def tensors(content: object, place: str) -> Iterator[tuple[str, Tensor]]:
    """All tensors inside dicts, lists and tuples, with their places."""
    if isinstance(content, Tensor):
        yield place, content
    elif isinstance(content, dict):
        for key, value in content.items():
            yield from tensors(value, f'{place}.{key}')
    elif isinstance(content, list | tuple):
        for index, value in enumerate(content):
            yield from tensors(value, f'{place}.{index}')


def learnt(folder: Path, stage: str, iters: int) -> dict[str, Tensor]:
    """Weights of G and D and the state of the optimizers, by name."""
    content = torch.load(folder / stage / f'iter_{iters}.pth', weights_only=True)
    weights = dict(tensors(content['state_dict'], 'weights'))
    return weights | dict(tensors(content['optimizer'], 'optimizer'))


def assert_equal(first: dict[str, Tensor], second: dict[str, Tensor]) -> float:
    """Compare what two runs have learnt; returns the largest distance."""
    assert first.keys() == second.keys()
    largest = 0.0
    for name, value in first.items():
        assert value.dtype == torch.float64 or value.numel() == 1, name  # Adam's steps
        distance = (second[name].double() - value.double()).abs().max().item()
        assert distance <= TOLERANCE, name
        largest = max(largest, distance)
    return largest


@pytest.fixture(scope='module', params=['spig', 'gfla'])
def both(
    request: pytest.FixtureRequest, pairs: Path, tmp_path_factory
) -> tuple[str, Path, Path]:
    """Method and work dirs: one process with 4 samples a step, two with 2 each."""
    root = tmp_path_factory.mktemp(request.param)
    one = train(request.param, pairs, root / 'one', 1, batch=4)
    two = train(request.param, pairs, root / 'two', 2, batch=2)
    return request.param, one, two


@pytest.mark.parametrize('stage', STAGES)
def test_two_processes_end_as_one(both: tuple[str, Path, Path], stage: str) -> None:
    method, one, two = both
    first, second = (learnt(folder, stage, ITERATIONS) for folder in (one, two))
    parts = {name.split('.')[1] for name in first}
    assert {'generator', 'discriminators'} <= parts
    assert ('discriminator' in parts) is (stage == 'full')  # the optimizer's name
    largest = assert_equal(first, second)
    print(f'{method}, stage {stage}: equal to {largest:.0e}')  # pytest -s shows it


def test_what_is_compared_has_moved_far_more_than_the_tolerance(
    both: tuple[str, Path, Path],
) -> None:
    _, one, _ = both
    flow, full = (learnt(one, stage, ITERATIONS) for stage in STAGES)
    moved = [
        (full[name] - flow[name]).abs().max().item()
        for name in full
        if name.endswith('weight') and name.startswith('weights.generator')
    ]
    assert statistics.median(moved) > 1e4 * TOLERANCE


def test_two_processes_that_accumulate_end_as_one_large_batch(
    pairs: Path, tmp_path: Path
) -> None:
    """Two processes, two batches a step, one sample a batch: four samples a step."""
    # A spectral norm takes a step of its power iteration with each batch.
    same = dict(spectral=False, iters=5)
    one = train('gfla', pairs, tmp_path / 'one', 1, batch=4, **same)
    two = train('gfla', pairs, tmp_path / 'two', 2, batch=1, accumulate=2, **same)
    for stage in STAGES:
        assert_equal(learnt(one, stage, 5), learnt(two, stage, 5))
