"""A small set of pairs, and configs with which every method trains on it in seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from posegen.engine import load_config
from tests.helpers.forked import ROOT, run, start_ranks
from tests.helpers.pair_set import write_pair_set

SIZE = (64, 64)


@pytest.fixture(autouse=True)
def _without_gpu(request: pytest.FixtureRequest) -> None:
    if torch.cuda.is_available() and not request.node.get_closest_marker('gpu'):
        pytest.skip('the processes share a CPU through gloo')


@pytest.fixture(scope='session')
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stick figures: 8 training pairs and 11 test pairs."""
    root = tmp_path_factory.mktemp('pairs')
    write_pair_set(root, num_people=4, size=SIZE)
    write_pair_set(root, num_people=2, views=3, size=SIZE, seed=1, split='test')
    names = root / 'synthetic-pairs-test.csv'
    rows = names.read_text().splitlines(keepends=True)
    names.write_text(''.join(rows[:-1]))
    return root


def small_config(method: str, data: Path, batch: int, iters: int) -> dict[str, Any]:
    """The smallest config of a method, on small pictures and a tiny feature net.

    Args:
        method: Its key.
        data: Of `pairs`.
        batch: Samples of a process and iteration.
        iters: Iterations of each stage, without validation.
    """
    path = ROOT / 'configs' / method / f'{method}_synthetic-128x64_tiny.py'
    config = load_config(path).to_dict()
    config['data_root'] = str(data)
    config['custom_imports'] = dict(imports=['tests.helpers.tiny_features'])
    config['default_hooks']['sample_grid'] = None
    for name in ('train', 'val', 'test'):
        loader = config[f'{name}_dataloader']
        loader.update(num_workers=0, persistent_workers=False, batch_size=batch)
        loader['dataset'].update(image_size=SIZE, annotation_size=SIZE)
        loader['dataset'].pop('truth_dir', None)
    if config['model'].get('feature_net'):
        config['model']['feature_net'] = dict(type='TinyFeatures')
    config['val_evaluator'] = None
    for stage in config['stages']:
        stage['train_dataloader'] = dict(batch_size=batch)
        stage['train_cfg'] = dict(max_iters=iters, val_interval=iters)
    return config


def in_one_process(*arguments: str | Path, log: Path) -> str:
    """Run a command that has to end well; returns what it printed."""
    return run(*arguments, log=log).shown()


def in_two_processes(*arguments: str | Path, log: Path) -> str:
    """The same in two processes; returns what the first printed."""
    processes = start_ranks(*arguments, log=log)
    codes = [process.wait() for process in processes]
    assert codes == [0, 0], [process.shown() for process in processes]
    return processes[0].shown()
