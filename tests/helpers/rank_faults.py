"""One process of several that fails, in the ways in which processes fail.

Importing this module registers the hook; a config names it in ``custom_imports``.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import Runner

from posegen.registry import HOOKS
from posegen.utils.errors import DataError


def fail(how: str) -> None:
    """End this process: 'user', an error that a user can mend; 'bug', one that only a
    programmer can; 'exit', without a word; 'kill', by the system."""
    if how == 'user':
        raise DataError('people/7_a.png cannot be decoded: it was cut')
    if how == 'bug':
        raise KeyError('a mistake in a component')
    if how == 'exit':
        os._exit(7)
    os.kill(os.getpid(), signal.SIGKILL)


@HOOKS.register_module(force=True)
class FailHook(Hook):
    """Lets one process fail.

    Args:
        how: As of :func:`fail`.
        moment: 'train', in iteration 3; 'val', in the first batch of a validation;
            'start', before training.
        rank: The process.
        note: File that tells that, and when, it happened; it happens only once.
    """

    def __init__(self, how: str, moment: str, rank: int, note: str) -> None:
        self.how, self.moment, self.rank, self.note = how, moment, rank, Path(note)

    def before_train(self, runner: Runner) -> None:
        self._fail_in('start')

    def before_train_iter(self, runner: Runner, *args, **kwargs) -> None:
        if runner.iter == 2:
            self._fail_in('train')

    def before_val_iter(self, runner: Runner, *args, **kwargs) -> None:
        self._fail_in('val')

    def _fail_in(self, moment: str) -> None:
        if (moment, get_rank()) != (self.moment, self.rank):
            return
        if not self.note.exists():
            self.note.touch()
            fail(self.how)
