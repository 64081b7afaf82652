"""Damaged, foreign and malicious files in the place of a checkpoint."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from posegen import cli
from posegen.engine.stage_record import read_record
from posegen.utils.paths import configs_root
from tests.engine.faults.conftest import assert_same_results
from tests.helpers.forked import run, start


@pytest.fixture
def work_dir(straight: Path, tmp_path: Path) -> Path:
    """A copy of the undisturbed run."""
    return Path(shutil.copytree(straight, tmp_path / 'run', symlinks=True))


def go_back(work_dir: Path, stage: str, checkpoint: str) -> None:
    """As if a run had been killed after a checkpoint; the stages after it are gone."""
    if stage == 'flow':
        shutil.rmtree(work_dir / 'full')
    record = read_record(work_dir / stage)
    record.finished, record.checkpoint = False, None
    record.save(work_dir / stage)
    assert (work_dir / stage / checkpoint).is_file()


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b'')


def flip_bit(path: Path) -> None:
    """One bit of a weight; torch reads such a file without a word."""
    content = bytearray(path.read_bytes())
    weights = torch.load(path, weights_only=True)['state_dict']
    data = next(w for w in weights.values() if w.ndim == 4).numpy().tobytes()
    content[content.index(data) + 2] ^= 1
    path.write_bytes(content)
    torch.load(path, weights_only=True)


@pytest.mark.parametrize('damage', [truncate, empty, flip_bit])
@pytest.mark.parametrize('stage', ['flow', 'full'])
def test_the_checkpoint_before_is_taken_and_said_so(
    damage: Callable, stage: str, work_dir: Path, straight: Path, busy: Callable
) -> None:
    go_back(work_dir, stage, 'iter_8.pth')
    damage(work_dir / stage / 'iter_8.pth')
    log = work_dir / 'log'
    shown = run('train', busy(), '--work-dir', work_dir, '--resume', log=log).shown()
    assert 'CHECKPOINT PASSED OVER' in shown and 'Copy or download' not in shown
    assert f'Stage {stage} resumes from {work_dir}/{stage}/iter_6.pth' in shown
    aside = work_dir / stage / 'iter_8.pth.corrupt'
    assert aside.is_file()
    aside.unlink()
    assert_same_results(work_dir, straight)


def test_a_damaged_result_at_the_border_is_made_again(
    work_dir: Path, straight: Path, busy: Callable
) -> None:
    shutil.rmtree(work_dir / 'full')
    flip_bit(work_dir / 'flow' / 'iter_8.pth')
    assert read_record(work_dir / 'flow').finished
    log = work_dir / 'log'
    shown = run('train', busy(), '--work-dir', work_dir, '--resume', log=log).shown()
    assert "THE RESULT OF STAGE 'flow' IS DAMAGED" in shown
    assert 'Copy or download' not in shown
    assert f'Stage flow resumes from {work_dir}/flow/iter_6.pth' in shown
    (work_dir / 'flow' / 'iter_8.pth.corrupt').unlink()
    assert_same_results(work_dir, straight)


def test_a_damaged_result_is_an_error_where_only_the_next_stage_is_asked_for(
    work_dir: Path, busy: Callable
) -> None:
    shutil.rmtree(work_dir / 'full')
    flip_bit(work_dir / 'flow' / 'iter_8.pth')
    command = start(
        *('train', busy(), '--work-dir', work_dir, '--stage', 'full', '--resume'),
        log=work_dir / 'log',
    )
    assert command.wait() == cli.USER_ERROR
    (sentence,) = command.errors()
    assert 'flow/iter_8.pth' in sentence and 'is damaged: the checksum of' in sentence


def test_without_a_good_one_it_is_an_error(work_dir: Path, busy: Callable) -> None:
    go_back(work_dir, 'full', 'iter_8.pth')
    for name in ('iter_6.pth', 'iter_8.pth'):
        truncate(work_dir / 'full' / name)
    command = start(
        'train', busy(), '--work-dir', work_dir, '--resume', log=work_dir / 'log'
    )
    assert command.wait() == cli.USER_ERROR
    (sentence,) = command.errors()
    assert 'none of the 2 checkpoints' in sentence
    assert 'cut short' in sentence and 'Copy or download' not in sentence
    assert 'move the folder away' in sentence


# -- files that would run code ---------------------------------------------------------


class Payload:
    """Touches a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple:
        return os.system, (f'touch {self.mark}',)


def write_malicious(path: Path, mark: Path, kind: str) -> None:
    """A checkpoint that is whole, but for what comes with it."""
    content = dict(state_dict={}, meta=dict(iter=8, seed=0), optimizer={})
    content |= dict(posegen=dict(stage='full', payload=Payload(mark)))
    if kind == 'zip':
        torch.save(content, path)
    elif kind == 'before torch 1.6':
        torch.save(content, path, _use_new_zipfile_serialization=False)
    else:
        path.write_bytes(pickle.dumps(content))


def test_the_payload_is_one(tmp_path: Path) -> None:
    for kind in KINDS:
        write_malicious(tmp_path / 'a.pth', tmp_path / 'mark', kind)
        with (tmp_path / 'a.pth').open('rb') as file:
            if kind == 'pickle':
                pickle.load(file)
            else:
                torch.load(file, weights_only=False)
        assert (tmp_path / 'mark').is_file(), kind
        (tmp_path / 'mark').unlink()


KINDS = ('zip', 'before torch 1.6', 'pickle')
# It must not help to ask torch for the old ways.
UNSAFE = dict(TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD='1')


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('place', ['resume', 'load_from', 'test', 'infer'])
def test_no_code_of_a_file_is_run(
    place: str, kind: str, work_dir: Path, busy: Callable, tmp_path: Path
) -> None:
    mark, file = tmp_path / 'mark', tmp_path / 'malicious.pth'
    arguments = ['train', busy(), '--work-dir', work_dir, '--resume']
    if place == 'resume':
        go_back(work_dir, 'full', 'iter_8.pth')
        (work_dir / 'full' / 'iter_6.pth').unlink()
        file = work_dir / 'full' / 'iter_8.pth'
    elif place == 'load_from':
        arguments = ['train', busy(load_from=str(file)), '--work-dir', tmp_path / 'new']
    elif place == 'test':
        arguments = ['test', busy(), file, '--work-dir', tmp_path / 'new']
    else:
        arguments = infer_arguments(file, tmp_path)
    write_malicious(file, mark, kind)
    command = start(*arguments, log=tmp_path / 'log', env=UNSAFE)
    assert command.wait() == cli.USER_ERROR, command.shown()
    assert not mark.exists()
    (sentence,) = command.errors()
    assert str(file) in sentence and 'was refused' in sentence
    assert 'weights_only' not in sentence


def infer_arguments(weights: Path, folder: Path) -> list[str | Path]:
    image, pose = folder / 'person.png', folder / 'pose.json'
    Image.fromarray(np.zeros((128, 64, 3), np.uint8)).save(image)
    joints = np.tile([32.0, 64.0, 1.0], 18).tolist()
    pose.write_text(json.dumps(dict(people=[dict(pose_keypoints_2d=joints)])))
    config = configs_root() / 'spig' / 'spig_synthetic-128x64_tiny.py'
    return [
        *('infer', '--model', config, '--weights', weights, '--source', image),
        *('--source-pose', pose, '--pose', pose, '--out', folder / 'out.png'),
    ]


def test_a_malicious_newest_checkpoint_is_passed_over(
    work_dir: Path, straight: Path, busy: Callable, tmp_path: Path
) -> None:
    go_back(work_dir, 'full', 'iter_8.pth')
    mark, newest = tmp_path / 'mark', work_dir / 'full' / 'iter_8.pth'
    write_malicious(newest, mark, 'zip')
    log = tmp_path / 'log'
    shown = run(
        'train', busy(), '--work-dir', work_dir, '--resume', log=log, env=UNSAFE
    ).shown()
    assert 'CHECKPOINT PASSED OVER' in shown and 'was refused' in shown
    assert not mark.exists()
    newest.with_name('iter_8.pth.corrupt').unlink()
    assert_same_results(work_dir, straight)


def test_a_best_checkpoint_is_not_resumed(work_dir: Path, busy: Callable) -> None:
    best = next((work_dir / 'full').glob('best_*.pth'))
    command = start(
        'train', busy(), '--work-dir', work_dir, '--resume', best, log=work_dir / 'log'
    )
    assert command.wait() == cli.USER_ERROR
    (sentence,) = command.errors()
    assert 'holds no optimizers' in sentence and 'load_from' in sentence
