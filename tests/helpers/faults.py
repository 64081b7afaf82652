"""Hooks that kill their own process where a test wants it, and what they leave.

Importing this module registers them; a config names it in ``custom_imports``.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import Runner

from posegen.engine.finite import sample_names
from posegen.registry import HOOKS

#: The file in the work dir that takes all room.
FILLER = 'filler'


def die() -> NoReturn:
    """SIGKILL to oneself."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError('killed')


@HOOKS.register_module(force=True)
class KillHook(Hook):
    """Kills the process once.

    Args:
        stage: In this stage,
        iteration: in this iteration, counted from 1,
        moment: at this moment. 'step': after the step of the optimizers; 'write': when
            half of the checkpoint is written; 'rename': before the checkpoint gets its
            name; 'renamed': after that; 'validate': in the middle of the validation;
            'validated': after it and all that hooks do then; 'trained': after
            everything, before the stage is marked as finished.
        rank: Only in this process.
    """

    def __init__(
        self, stage: str, iteration: int, moment: str = 'step', rank: int | None = None
    ) -> None:
        self.stage, self.iteration, self.moment = stage, iteration, moment
        self.rank = rank
        # Before the checkpoint is written, or after all the others.
        self.priority = 'VERY_HIGH' if moment == 'step' else 'LOWEST'

    def before_train(self, runner: Runner) -> None:
        if self.moment in ('write', 'rename', 'renamed'):
            getattr(self, f'_patch_{self.moment}')(runner)

    def after_train_iter(self, runner: Runner, *args, **kwargs) -> None:
        if self.moment == 'step':
            self._die_at(runner, runner.iter + 1)

    def after_val_iter(self, runner: Runner, *args, **kwargs) -> None:
        if self.moment == 'validate':
            self._die_at(runner, runner.iter)

    def after_val_epoch(self, runner: Runner, *args, **kwargs) -> None:
        if self.moment == 'validated':
            self._die_at(runner, runner.iter)

    def after_train(self, runner: Runner) -> None:
        if self.moment == 'trained':
            self._die_at(runner, runner.iter)

    def _is_here(self, runner: Runner) -> bool:
        right_rank = self.rank is None or self.rank == get_rank()
        return right_rank and Path(runner.work_dir).name == self.stage

    def _die_at(self, runner: Runner, iteration: int) -> None:
        if iteration == self.iteration and self._is_here(runner):
            die()

    def _patch_write(self, runner: Runner) -> None:
        if not self._is_here(runner):
            return
        save, name = torch.save, f'iter_{self.iteration}.pth'

        def half(content: Any, file: Any) -> None:
            save(content, file)
            if name in str(file.name):
                file.flush()
                file.truncate(os.path.getsize(file.name) // 2)
                die()

        torch.save = half

    def _patch_rename(self, runner: Runner, after: bool = False) -> None:
        if not self._is_here(runner):
            return
        replace, name = os.replace, f'iter_{self.iteration}.pth'

        def stop(old: Any, new: Any) -> None:
            if not after and Path(new).name == name:
                die()
            replace(old, new)
            if Path(new).name == name:
                die()

        os.replace = stop

    def _patch_renamed(self, runner: Runner) -> None:
        self._patch_rename(runner, after=True)


@HOOKS.register_module(force=True)
class FillHook(Hook):
    """Fills the disk of the work dir.

    Args:
        stage: In this stage,
        iteration: in this iteration, counted from 1,
        moment: 'step': after the step of the optimizers; 'save': before anything of the
            checkpoint is written.
    """

    priority = 'HIGHEST'

    def __init__(self, stage: str, iteration: int, moment: str) -> None:
        self.place, self.moment = (stage, iteration), moment

    def after_train_iter(self, runner: Runner, *args, **kwargs) -> None:
        if self.moment == 'step':
            self._fill(runner)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        if self.moment == 'save':
            self._fill(runner)

    def _fill(self, runner: Runner) -> None:
        folder = Path(runner.work_dir)
        if (folder.name, runner.iter + 1) == self.place:
            with suppress(OSError), (folder.parent / FILLER).open('wb', 0) as file:
                while True:
                    file.write(bytes(4096))


@HOOKS.register_module(force=True)
class NamesHook(Hook):
    """Writes down which samples an iteration had, in ``names_<rank>.jsonl``."""

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs=None
    ) -> None:
        folder = Path(runner.work_dir)
        row = [folder.name, runner.iter + 1, sample_names(data_batch)]
        with (folder.parent / f'names_{get_rank()}.jsonl').open('a') as file:
            file.write(json.dumps(row) + '\n')


def read_names(work_dir: Path) -> dict[tuple[str, str, int], list[str]]:
    """Samples by file, stage and iteration; one that was repeated had the same."""
    found: dict[tuple[str, str, int], list[str]] = {}
    for path in work_dir.glob('names_*.jsonl'):
        for line in path.read_text().splitlines():
            stage, iteration, names = json.loads(line)
            place = (path.name, stage, iteration)
            assert found.setdefault(place, names) == names, place
    return found


# When and where a run was, and how long it took.
_INCIDENTAL = (
    *('meta.time', 'meta.cfg', 'meta.experiment_name', 'posegen.seconds'),
    *('posegen.scalars.train/time', 'posegen.scalars.train/data_time'),
    *('posegen.scalars.val/time', 'posegen.scalars.val/data_time'),
)


def assert_same_checkpoint(first: Path, second: Path) -> dict[str, Any]:
    """Two checkpoints hold the same, bit for bit; what they hold is returned."""
    contents = [torch.load(path, weights_only=True) for path in (first, second)]
    different = [*differences(*contents)]
    assert not different, f'{first} and {second} differ in {different}'
    return contents[0]


def differences(first: Any, second: Any, place: str = '') -> Iterator[str]:
    """Places in which two contents of a checkpoint differ."""
    if place in _INCIDENTAL:
        return
    if type(first) is not type(second):
        yield place
    elif isinstance(first, Mapping):
        yield from (f'{place}.{key}' for key in first.keys() ^ second.keys())
        for key in first.keys() & second.keys():
            inner = f'{place}.{key}' if place else str(key)
            yield from differences(first[key], second[key], inner)
    elif isinstance(first, Sequence) and not isinstance(first, str):
        if len(first) != len(second):
            yield place
        for index, items in enumerate(zip(first, second)):
            yield from differences(*items, f'{place}[{index}]')
    elif isinstance(first, torch.Tensor):
        same_kind = first.dtype == second.dtype and first.shape == second.shape
        if not (same_kind and torch.equal(first, second)):
            yield place
    elif first != second:
        yield place
