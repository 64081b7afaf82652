"""TensorBoard and Weights & Biases by one line of a config."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.visualization import Visualizer

from posegen.engine import StagedRunner
from posegen.registry import VISBACKENDS
from posegen.utils import DependencyError
from posegen.visualization.backends import SAMPLES
from tests.helpers import warm
from tests.helpers.toy_training import toy_config, write_config

ROOT = Path(__file__).resolve().parents[2]
LOCAL = dict(type='LocalVisBackend')
TENSORBOARD = dict(type='TensorboardVisBackend')
GRID = dict(type='SampleGridHook', interval=2, num_samples=2)

needs_tensorboard = pytest.mark.skipif(
    importlib.util.find_spec('tensorboard') is None,
    reason="needs tensorboard (pip install 'posegen[logging]')",
)


def config_of(work_dir: Path, *backends: dict, **changes) -> dict:
    visualizer = dict(type='Visualizer', vis_backends=list(backends))
    changes = dict(custom_hooks=[GRID], visualizer=visualizer) | changes
    return toy_config(iters=4, work_dir=str(work_dir), **changes)


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    return torch.load(folder / 'iter_4.pth', weights_only=True)['state_dict']


def read_events(folder: Path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    (file,) = folder.glob('*/vis_data/events.out.tfevents.*')
    events = EventAccumulator(str(file))
    events.Reload()
    return events


@pytest.fixture(scope='module')
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, torch.Tensor]:
    """Weights of the first stage where nobody watches."""
    work_dir = tmp_path_factory.mktemp('plain')
    config = config_of(work_dir, LOCAL, custom_hooks=[])
    StagedRunner.from_cfg(config).train('flow')
    return weights_of(work_dir / 'flow')


@needs_tensorboard
def test_tensorboard_gets_scalars_scores_and_samples(plain: dict, tmp_path: Path):
    runner = StagedRunner.from_cfg(config_of(tmp_path, LOCAL, TENSORBOARD))
    runner.train('flow')
    events = read_events(tmp_path / 'flow')
    steps = {tag: [e.step for e in events.Scalars(tag)] for tag in ('loss_rec', 'time')}
    assert steps['loss_rec'] == [2, 4]
    assert [event.step for event in events.Scalars('toy_error')] == [4]
    assert [event.step for event in events.Images(SAMPLES)] == [2, 4]
    assert 'ToyTransfer' in str(events.Tensors('config/text_summary')[0])
    # Nobody sees in the weights that somebody watched.
    watched = weights_of(tmp_path / 'flow')
    assert all(torch.equal(watched[key], plain[key]) for key in plain)
    # One copy of each picture is enough.
    pictures = sorted(path.name for path in tmp_path.rglob('*.png'))
    assert pictures == ['0000002.png', '0000004.png']


@needs_tensorboard
def test_only_the_first_process_writes(tmp_path: Path) -> None:
    config = config_of(tmp_path / 'run', LOCAL, TENSORBOARD, launcher='pytorch')
    config['stages'] = config['stages'][:1]
    file = write_config(tmp_path / 'toy.py', config)
    command = [
        *(warm.python(), '-m', 'torch.distributed.run', '--nproc-per-node=2'),
        *('--standalone', str(ROOT / 'tools' / 'train.py'), str(file)),
    ]
    env = {
        **os.environ,
        'OMP_NUM_THREADS': '1',
        'PYTHONPATH': str(ROOT),
        **warm.variables(),
    }
    env['CUDA_VISIBLE_DEVICES'] = ''
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(read_events(tmp_path / 'run' / 'flow').Scalars('loss_rec')) == 2
    (scalars,) = tmp_path.rglob('scalars.json')
    assert len(scalars.read_text().splitlines()) == 3


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """What is logged to wandb, which is kept from the network."""
    reason = "needs wandb (pip install 'posegen[logging]')"
    monkeypatch.setenv('WANDB_MODE', 'offline')
    monkeypatch.setenv('WANDB_ERROR_REPORTING', 'false')
    monkeypatch.setenv('WANDB_SILENT', 'true')
    wandb = pytest.importorskip('wandb', reason=reason)
    logged: list[dict] = []
    log = wandb.Run.log

    def spy(run, data: dict, *args, **kwargs) -> None:
        logged.append(dict(data))
        log(run, data, *args, **kwargs)

    monkeypatch.setattr(wandb.Run, 'log', spy)
    return logged


def test_wandb_gets_all_of_it_by_iteration(
    offline: list[dict], plain: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    wandb = dict(
        type='WandbVisBackend', init_kwargs=dict(mode='offline', project='toy')
    )
    StagedRunner.from_cfg(config_of(tmp_path / 'run', LOCAL, wandb)).train()
    for stage in ('flow', 'full'):
        (run,) = (tmp_path / 'run' / stage).glob('*/vis_data/wandb/offline-run-*')
        assert list(run.glob('run-*.wandb'))
        assert len(list(run.rglob('media/images/samples_*.png'))) == 2
        assert not list(run.rglob('*.py'))
    axis = {
        name: [row['iter'] for row in offline if name in row]
        for name in ('loss_rec', 'toy_error', SAMPLES)
    }
    assert axis == dict(loss_rec=2 * [2, 4], toy_error=2 * [4], samples=2 * [2, 4])
    watched = weights_of(tmp_path / 'run' / 'flow')
    assert all(torch.equal(watched[key], plain[key]) for key in plain)


def test_wandb_names_stages_and_keeps_code_here(
    offline: list[dict], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import wandb

    calls: dict[str, dict] = {}
    monkeypatch.setattr(wandb, 'init', lambda **kwargs: calls.update(init=kwargs))
    monkeypatch.setattr(wandb, 'define_metric', lambda *a, **k: calls.update(axis=k))
    folder = tmp_path / 'spig' / 'flow' / '20260101_000000' / 'vis_data'
    backend = dict(type='WandbVisBackend', save_dir=str(folder))
    VISBACKENDS.build(backend | dict(init_kwargs=dict(name='mine'))).experiment  # noqa: B018
    assert calls['init'] == dict(name='mine', group='spig', dir=str(folder))
    VISBACKENDS.build(backend).experiment  # noqa: B018
    assert calls['init']['name'] == 'spig/flow'
    assert calls['axis'] == dict(step_metric='iter')


def test_pictures_of_others_stay_local_files(tmp_path: Path) -> None:
    backend = VISBACKENDS.build(LOCAL | dict(save_dir=str(tmp_path)))
    visualizer = Visualizer(vis_backends=[backend], save_dir=str(tmp_path))
    for name in (SAMPLES, 'mine'):
        visualizer.add_image(name, np.zeros((4, 4, 3), np.uint8), 7)
    assert [path.name for path in tmp_path.rglob('*.png')] == ['mine_7.png']


@pytest.mark.parametrize('package', ['tensorboard', 'wandb'])
def test_a_missing_package_is_one_sentence(
    package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, 'torch.utils.tensorboard', raising=False)
    backend = dict(type=f'{package.title()}VisBackend')
    train: Callable = StagedRunner.from_cfg(config_of(tmp_path, LOCAL, backend)).train
    with pytest.raises(DependencyError, match=rf'needs {package}, .*posegen\[logging'):
        train('flow')
