"""Stages one after the other, in one process."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from PIL import Image

from posegen.engine import StagedRunner
from posegen.engine.stage_record import read_record
from posegen.utils.errors import ConfigError, DataError, WeightsError
from tests.engine.conftest import weights_of
from tests.helpers.toy_training import ToyPairs, loader, toy_config


def test_the_record_of_a_stage(finished_run: Path) -> None:
    record = read_record(finished_run / 'full')
    assert record.finished
    assert (record.iterations, record.max_iterations) == (4, 4)
    assert record.seconds > 0
    assert set(record.losses) == {'loss_rec', 'loss_d'}
    assert record.metrics['toy_count'] == 3
    assert record.checkpoint == 'iter_4.pth'
    assert json.loads((finished_run / 'flow' / 'stage.json').read_text())['finished']


def test_files_of_a_stage(finished_run: Path) -> None:
    names = sorted(path.name for path in (finished_run / 'flow').glob('*.pth'))
    assert names == ['iter_2.pth', 'iter_4.pth', 'latest.pth']
    assert (finished_run / 'flow' / 'latest.pth').readlink() == Path('iter_4.pth')
    assert not list(finished_run.rglob('.*partial*'))


def test_the_second_stage_starts_from_the_first(finished_run: Path) -> None:
    flow = weights_of(finished_run / 'flow' / 'iter_4.pth')
    full = weights_of(finished_run / 'full' / 'iter_4.pth')
    assert flow.keys() == full.keys()
    # Four steps of Adam move a weight by at most 4 lr; random weights differ by more.
    assert max((flow[key] - full[key]).abs().max() for key in flow) < 0.05
    # The first stage froze the decoder and left the discriminator alone.
    fresh = StagedRunner.from_cfg(toy_config(work_dir='unused'))
    assert fresh.stage_config('flow').model.train_stage == 'flow'
    assert not torch.equal(
        flow['generator.decoder.conv.weight'], full['generator.decoder.conv.weight']
    )


def test_one_stage_alone(train: Callable, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the stage after 'flow' starts from its"):
        train(iters=2, stage='full')
    train(iters=2, stage='flow')
    assert not (tmp_path / 'run' / 'full' / 'stage.json').exists()
    train(iters=2, stage='full')
    assert read_record(tmp_path / 'run' / 'full').finished


def test_finished_stages_are_kept(run_copy: Path, train: Callable) -> None:
    with pytest.raises(ConfigError, match='holds the finished stage'):
        train(iters=4, work_dir=str(run_copy))
    before = (run_copy / 'full' / 'stage.json').read_bytes()
    train(iters=4, work_dir=str(run_copy), resume=True)
    assert (run_copy / 'full' / 'stage.json').read_bytes() == before


def test_a_longer_run_equals_a_resumed_one(
    run_copy: Path, train: Callable, tmp_path: Path
) -> None:
    longer = toy_config()['stages']
    longer[0]['train_cfg'] = dict(max_iters=4, val_interval=4)
    longer[1]['train_cfg'] = dict(max_iters=7, val_interval=2)
    train(stages=longer, work_dir=str(tmp_path / 'straight'))
    ToyPairs.reads = 0
    train(stages=longer, work_dir=str(run_copy), resume='auto')
    # Three steps of two samples, none again; validations at 6, 7, and at 4 again, for
    # the checkpoint was written before it.
    assert ToyPairs.reads == 3 * 2 + 3 * 3
    straight = weights_of(tmp_path / 'straight' / 'full' / 'iter_7.pth')
    resumed = weights_of(run_copy / 'full' / 'iter_7.pth')
    assert all(torch.equal(straight[key], resumed[key]) for key in straight)
    record = read_record(run_copy / 'full')
    assert (record.iterations, record.validated_at) == (7, 7)
    values = [
        torch.load(folder / 'full' / 'iter_7.pth', weights_only=True)['posegen']
        for folder in (tmp_path / 'straight', run_copy)
    ]
    losses = [value['scalars']['train/loss_rec'] for value in values]
    assert losses[0] == losses[1]


def test_a_truncated_checkpoint_falls_back(run_copy: Path, train: Callable) -> None:
    folder = run_copy / 'full'
    expected = weights_of(folder / 'iter_4.pth')
    newest = folder / 'iter_4.pth'
    newest.write_bytes(newest.read_bytes()[:1000])
    record = read_record(folder)
    record.finished = False
    record.save(folder)
    train(iters=4, work_dir=str(run_copy), resume=True)
    found = weights_of(newest)
    assert all(torch.equal(found[key], expected[key]) for key in expected)


def test_a_missed_validation_is_made_up_for(run_copy: Path, train: Callable) -> None:
    folder = run_copy / 'full'
    record = read_record(folder)
    expected = record.metrics
    record.finished, record.metrics, record.validated_at = False, {}, 0
    record.save(folder)
    train(iters=4, work_dir=str(run_copy), resume=True)
    assert read_record(folder).metrics == expected


def test_without_a_checkpoint_hook_there_is_still_a_result(
    train: Callable, tmp_path: Path
) -> None:
    train(iters=2, default_hooks=dict(checkpoint=None, sample_grid=None))
    assert read_record(tmp_path / 'run' / 'full').checkpoint == 'iter_2.pth'
    assert (tmp_path / 'run' / 'full' / 'iter_2.pth').is_file()


def test_the_best_checkpoint_is_kept_and_found_after_a_move(
    train: Callable, tmp_path: Path
) -> None:
    hooks = toy_config()['default_hooks']
    hooks['checkpoint'] = dict(
        type='CheckpointHook', interval=2, save_best='toy_error', rule='less'
    )
    train(iters=2, default_hooks=hooks, stage='flow')
    moved = (tmp_path / 'run').rename(tmp_path / 'moved')
    train(iters=4, default_hooks=hooks, stage='flow', work_dir=str(moved), resume=True)
    best = [path.name for path in (moved / 'flow').glob('best_*.pth')]
    assert len(best) == 1
    content = torch.load(moved / 'flow' / 'iter_4.pth', weights_only=True)
    assert content['posegen']['info']['best_ckpt'] == best[0]


def test_epochs_work_as_well(train: Callable, tmp_path: Path) -> None:
    config = toy_config()
    entry = config['stages'][1]
    entry['train_cfg'] = dict(by_epoch=True, max_epochs=2, val_interval=1)
    data = {**loader(True), 'sampler': dict(type='DefaultSampler', shuffle=True)}
    hooks = dict(checkpoint=dict(type='CheckpointHook', interval=1), sample_grid=None)
    train(stages=[entry], train_dataloader=data, default_hooks=hooks)
    assert read_record(tmp_path / 'run' / 'full').checkpoint == 'epoch_2.pth'


def test_weights_of_another_model_are_refused(train: Callable, run_copy: Path) -> None:
    wider = dict(type='ToyGenerator', block=dict(type='ToyBlock', kernel_size=5))
    with pytest.raises(WeightsError, match='4 mismatched|2 mismatched'):
        train(
            iters=9,
            model=dict(type='ToyTransfer', generator=wider),
            work_dir=str(run_copy),
            resume=True,
            stage='full',
        )


def test_what_cannot_be_built_is_named(train: Callable) -> None:
    model = toy_config()['model']
    model['generator']['block']['kernel_size'] = 4
    with pytest.raises(ConfigError, match=r'^model\.generator\.block: ToyBlock cannot'):
        train(model=model)
    data = loader(True)
    data['dataset'] = dict(type='ToyPairs', length=2.5)
    with pytest.raises(ConfigError, match=r'^train_dataloader\.sampler: '):
        train(train_dataloader=data)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (
            dict(train_dataloader={**loader(True), 'batch_size': 0}),
            r'^train_dataloader cannot be built: ',
        ),
        (dict(randomness=dict(seed='x')), r'^randomness cannot be built: '),
    ],
)
def test_sections_that_cannot_be_built_are_named(
    changes: dict, message: str, train: Callable
) -> None:
    with pytest.raises(ConfigError, match=message):
        train(**changes)


def test_the_console_is_short_and_the_log_is_long(
    train: Callable, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    train(iters=2, stage='flow')
    shown = capsys.readouterr().out
    assert 'Iter(train) [2/2]' in shown and 'eta:' in shown and 'loss_rec:' in shown
    assert 'System environment' not in shown
    assert 'Results in' in shown
    log = next((tmp_path / 'run' / 'flow').glob('*/*.log')).read_text()
    assert 'System environment' in log and 'default_hooks' in log


def test_runs_of_one_name_do_not_share_a_log(train: Callable, tmp_path: Path) -> None:
    for name in ('one', 'two'):
        train(iters=2, stage='flow', work_dir=str(tmp_path / name))
    logs = [next((tmp_path / name).rglob('*.log')) for name in ('one', 'two')]
    assert all(log.read_text().count('Iter(val)') == 2 for log in logs)


def test_the_test_writes_metrics_and_pictures(run_copy: Path, tmp_path: Path) -> None:
    runner = StagedRunner.from_cfg(toy_config(iters=4, work_dir=str(run_copy)))
    weights = run_copy / 'full' / 'latest.pth'
    metrics = runner.test(weights, out=tmp_path / 'out')
    assert metrics == read_record(run_copy / 'full').metrics
    names = sorted(path.name for path in (tmp_path / 'out').iterdir())
    assert names == [f'{i}_a___{i}_b.png' for i in range(3)]
    assert Image.open(tmp_path / 'out' / names[0]).size == (8, 8)


def test_the_stage_that_wrote_the_weights_is_tested(run_copy: Path) -> None:
    runner = StagedRunner.from_cfg(toy_config(iters=4, work_dir=str(run_copy)))
    metrics = runner.test(run_copy / 'flow' / 'iter_4.pth')
    assert metrics == read_record(run_copy / 'flow').metrics
    with pytest.raises(ConfigError, match="there is no stage 'fool'"):
        runner.test(run_copy / 'flow' / 'iter_4.pth', stage='fool')


def test_a_test_needs_a_test_set(run_copy: Path) -> None:
    cfg = toy_config(test_dataloader=None, test_evaluator=None, work_dir=str(run_copy))
    with pytest.raises(ConfigError, match='the config has no test set'):
        StagedRunner.from_cfg(cfg).test(run_copy / 'full' / 'iter_4.pth')


def test_the_work_dir_comes_from_the_name_of_the_config(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match='work_dir: a config that is no file'):
        StagedRunner.from_cfg(toy_config())
    (tmp_path / 'tiny.py').touch()
    cfg = Config(toy_config(), filename=str(tmp_path / 'tiny.py'))
    assert StagedRunner.from_cfg(cfg).work_dir == Path('work_dirs/tiny')


def test_a_broken_record_is_an_error(run_copy: Path, train: Callable) -> None:
    (run_copy / 'flow' / 'stage.json').write_text('{')
    with pytest.raises(DataError, match='is not the record of a stage'):
        train(work_dir=str(run_copy), resume=True)


def test_log_files_are_closed(finished_run: Path) -> None:
    from mmengine.logging import MMLogger

    handlers = [
        handler
        for logger in MMLogger._instance_dict.values()
        for handler in logger.handlers
        if isinstance(handler, logging.FileHandler)
        and str(finished_run) in handler.baseFilename
    ]
    assert handlers and all(handler.stream is None for handler in handlers)
