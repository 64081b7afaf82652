"""What differs from MMEngine's Runner."""

from __future__ import annotations

import logging
import multiprocessing
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from posegen.engine import StagedRunner, stage_runner
from posegen.engine.stage_record import read_record
from posegen.engine.stage_runner import (
    StageRunner,
    _ConsoleFormatter,
    _is_for_console,
)
from posegen.engine.weights import fill_model
from posegen.utils.errors import DataError, WeightsError
from tests.engine.conftest import weights_of
from tests.helpers.toy_training import ToyPairs, ToyTransfer, adam, loader, toy_config


@pytest.mark.parametrize('kind', ['checkpoint', 'state dict', 'safetensors'])
def test_a_stage_may_start_from_any_weight_file(
    kind: str, train: Callable, finished_run: Path, tmp_path: Path
) -> None:
    path = finished_run / 'full' / 'iter_4.pth'
    weights = weights_of(path)
    if kind == 'state dict':
        path = tmp_path / 'weights.pth'
        torch.save(weights, path)
    elif kind == 'safetensors':
        path = tmp_path / 'weights.safetensors'
        save_file(weights, path)
    stages = toy_config(iters=1)['stages']
    stages[1]['load_from'] = str(path)
    train(stages=stages, stage='full')  # no need of the stage before
    assert read_record(tmp_path / 'run' / 'full').finished
    found = weights_of(tmp_path / 'run' / 'full' / 'iter_1.pth')
    # One step of Adam moves a weight by at most its learning rate.
    assert max((found[key] - weights[key]).abs().max() for key in found) < 0.02


def test_python_objects_in_a_file_are_refused(train: Callable, tmp_path: Path) -> None:
    torch.save(dict(state_dict={}, extra=Path('x')), tmp_path / 'old.pth')
    with pytest.raises(WeightsError, match=r'pathlib.* was refused'):
        train(load_from=str(tmp_path / 'old.pth'))


def test_resuming_runs_no_text_of_a_checkpoint(
    train: Callable, run_copy: Path, tmp_path: Path
) -> None:
    path = run_copy / 'full' / 'iter_4.pth'
    checkpoint = torch.load(path, weights_only=True)
    mark = tmp_path / 'mark'
    checkpoint['meta']['config'] = (
        f'import pathlib\npathlib.Path({str(mark)!r}).touch()'
    )
    torch.save(checkpoint, path)
    train(iters=5, work_dir=str(run_copy), resume=path)
    assert read_record(run_copy / 'full').iterations == 5
    assert not mark.exists()


def test_averages_are_started_from_and_tested_and_weights_are_resumed(
    train: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = []

    def note(model: object, weights: dict, source: str) -> None:
        loaded.append((Path(source).parent.name, weights))
        fill_model(model, weights, source)

    monkeypatch.setattr(stage_runner, 'fill_model', note)
    settings = dict(custom_hooks=[dict(type='GeneratorEMAHook', decay=0.5)])
    train(iters=2, **settings)
    runner = train(iters=3, stage='full', resume=True, **settings)
    metrics = runner.test(tmp_path / 'run' / 'full' / 'iter_3.pth')

    started, resumed, tested = (weights for _, weights in loaded)
    assert [stage for stage, _ in loaded] == ['flow', 'full', 'full']
    paths = [tmp_path / 'run' / name for name in ('flow/iter_2.pth', 'full/iter_3.pth')]
    for path, weights in zip(paths, (started, tested)):
        content = torch.load(path, weights_only=True)
        for key, value in content['posegen']['ema'].items():
            assert torch.equal(weights[key], value)
            raw = content['state_dict'][key]
            trained = 'decoder' not in key or path.parent.name == 'full'
            assert torch.equal(value, raw) != trained
        critic = 'discriminators.weight'
        assert torch.equal(weights[critic], content['state_dict'][critic])
    kept = weights_of(tmp_path / 'run' / 'full' / 'iter_2.pth')
    assert all(torch.equal(resumed[key], kept[key]) for key in kept)
    assert metrics == read_record(tmp_path / 'run' / 'full').metrics


def test_a_rate_that_does_not_count_is_said(
    train: Callable, run_copy: Path, capsys: pytest.CaptureFixture
) -> None:
    """The optimizers come from the checkpoint, rates and all."""
    entry = toy_config(iters=5)['stages'][1]
    entry['optim_wrapper']['generator'] = adam(lr=1e-5)
    stages = [toy_config(iters=4)['stages'][0], entry]
    train(stages=stages, work_dir=str(run_copy), resume=True)
    shown = capsys.readouterr().out
    assert 'WARNING: the settings of optimizers are those of' in shown
    assert 'generator: lr=0.01 goes on, 1e-05 of the config does not count' in shown
    assert 'discriminator: ' not in shown


def test_weights_alone_are_not_resumed(train: Callable, run_copy: Path) -> None:
    path = run_copy / 'full' / 'iter_4.pth'
    content = torch.load(path, weights_only=True)
    del content['optimizer']
    torch.save(content, path)
    with pytest.raises(WeightsError, match='holds no optimizers, so training cannot'):
        train(iters=5, work_dir=str(run_copy), resume=path)


def test_a_checkpoint_is_written_to_a_folder(train: Callable, run_copy: Path) -> None:
    runner = train(iters=4, work_dir=str(run_copy), resume=True)
    cfg = runner.stage_config('full')
    cfg.work_dir = str(run_copy / 'other')
    built = StageRunner.from_cfg(cfg)
    with pytest.raises(ValueError, match='to a folder of this machine'):
        built.save_checkpoint('s3://x', 'iter_1.pth', backend_args=dict(backend='s3'))


def test_resuming_without_schedulers_warns_of_nothing(
    train: Callable, run_copy: Path, capsys: pytest.CaptureFixture
) -> None:
    train(iters=5, stage='full', work_dir=str(run_copy), resume=True)
    shown = capsys.readouterr().out
    assert 'resumes from' in shown
    assert 'WARNING' not in shown


@pytest.mark.parametrize('missing', ['train', 'val', 'test'])
def test_data_are_looked_for_before_the_model_is_built(
    missing: str, finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(self: ToyPairs, data_root: str = '', length: int = 10) -> None:
        if data_root:
            raise DataError(f'{data_root} does not exist')
        self.length = length

    def fetch_weights(*args: object, **kwargs: object) -> None:
        raise AssertionError('weights are fetched')

    monkeypatch.setattr(ToyPairs, '__init__', look)
    config = toy_config(work_dir=str(tmp_path))
    config[f'{missing}_dataloader']['dataset']['data_root'] = 'nowhere'
    runner = StagedRunner.from_cfg(config)
    monkeypatch.setattr(ToyTransfer, '__init__', fetch_weights)
    with pytest.raises(DataError, match='nowhere does not exist'):
        if missing == 'test':
            runner.test(finished_run / 'full' / 'iter_4.pth')
        else:
            runner.train()


def test_no_process_that_loads_data_is_left(train: Callable) -> None:
    lasting = dict(num_workers=1, persistent_workers=True)
    before = set(multiprocessing.active_children())
    train(
        iters=2,
        train_dataloader=loader(True) | lasting,
        val_dataloader=loader(False, length=3) | lasting,
    )
    assert set(multiprocessing.active_children()) <= before


def record(message: str, level: int = logging.INFO) -> logging.LogRecord:
    return logging.LogRecord('mmengine', level, 'file', 1, message, (), None)


@pytest.mark.parametrize(
    ('message', 'level', 'shown'),
    [
        ('Iter(train) [2/2]', logging.INFO, True),
        ('Config:\nmodel = 3', logging.INFO, False),
        ('Exp name: toy', logging.INFO, False),
        ('two\nlines', logging.WARNING, True),
        ('Dataset ToyPairs has no metainfo.', logging.WARNING, False),
    ],
)
def test_the_console_shows_what_matters(message: str, level: int, shown: bool) -> None:
    assert _is_for_console(record(message, level)) is shown


def test_the_level_is_said_where_it_is_not_the_usual_one() -> None:
    form = _ConsoleFormatter(datefmt='%H:%M:%S').format
    assert form(record('hello')).endswith(' hello')
    assert form(record('hello', logging.WARNING)).endswith(' WARNING: hello')
