"""MMEngine's Runner with safe checkpoints, a quiet console and separate optimizers."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mmengine.dist import all_gather_object, is_main_process
from mmengine.evaluator import Evaluator
from mmengine.logging import MMLogger
from mmengine.model import BaseModel
from mmengine.runner import BaseLoop, Runner
from torch import nn

from posegen.engine.config.defaults import is_iteration_based
from posegen.engine.loops import ResumableIterLoop
from posegen.engine.random_state import random_state
from posegen.engine.training_state import training_state
from posegen.engine.weights import fill_model
from posegen.registry import RUNNERS
from posegen.utils.checkpoint import load_state_dict_file, read_checkpoint
from posegen.utils.compat import wrapper_config
from posegen.utils.errors import WeightsError


@RUNNERS.register_module()
class StageRunner(Runner):
    """Runs one stage.

    It differs from MMEngine's Runner in these points:

    - ``train_cfg=dict(by_epoch=False)`` is :class:`ResumableIterLoop`;
    - the data are looked for before the model is built, which may fetch weights;
    - weights are loaded strictly, and never by running code from a file;
    - checkpoints are written under another name and renamed when they are complete;
    - several processes train generator and discriminators in wrappers of their own;
    - the console shows the course of training; configs, environment and hooks are
      listed in the log file only.
    """

    #: Random states of all processes, gathered when a checkpoint is written.
    random_states: list[dict[str, Any]]
    #: What the model keeps beside weights in every process, gathered likewise.
    training_states: list[dict[str, Any]]

    def build_model(self, model: nn.Module | dict) -> BaseModel:
        """The model, once the data are there: a wrong path is to show at once."""
        used = ('test',) if self._train_dataloader is None else ('train', 'val')
        diff_rank_seed = self._randomness_cfg.get('diff_rank_seed', False)
        for name in (f'_{kind}_dataloader' for kind in used):
            if isinstance(loader := getattr(self, name), dict):
                built = self.build_dataloader(loader, self.seed, diff_rank_seed)
                setattr(self, name, built)
        return super().build_model(model)

    def build_train_loop(self, loop: BaseLoop | dict) -> BaseLoop:
        """The loop of ``train_cfg``."""
        if isinstance(loop, dict) and 'type' not in loop and is_iteration_based(loop):
            settings = {k: v for k, v in loop.items() if k != 'by_epoch'}
            return ResumableIterLoop(self, self._train_dataloader, **settings)
        return super().build_train_loop(loop)

    def build_evaluator(self, evaluator: Evaluator | dict | list) -> Evaluator:
        """The metrics; processes exchange their results inside the work dir.

        MMEngine would do so in a folder that it leaves where the command was run.
        """
        evaluator = super().build_evaluator(evaluator)
        for index, metric in enumerate(evaluator.metrics):
            if metric.collect_device == 'cpu' and metric.collect_dir is None:
                metric.collect_dir = str(Path(self.work_dir, f'.collect_{index}'))
        return evaluator

    def wrap_model(self, model_wrapper_cfg: dict | None, model: nn.Module) -> nn.Module:
        """Put the model on its device and, with several processes, into wrappers."""
        if self.distributed:
            unused = bool(self.cfg.get('find_unused_parameters', False))
            model_wrapper_cfg = {**wrapper_config(unused), **(model_wrapper_cfg or {})}
        return super().wrap_model(model_wrapper_cfg, model)

    def build_logger(self, log_level: int | str = 'INFO', **kwargs) -> MMLogger:
        """A logger whose console is short."""
        logger = super().build_logger(log_level, **kwargs)
        for handler in logger.handlers:
            is_file = isinstance(handler, logging.FileHandler)
            if isinstance(handler, logging.StreamHandler) and not is_file:
                handler.addFilter(_is_for_console)
                handler.setFormatter(_ConsoleFormatter(datefmt='%H:%M:%S'))
        return logger

    def load_checkpoint(self, filename: str, *args, **kwargs) -> dict:
        """Load weights strictly; everything else in the file is returned.

        Args:
            filename: A checkpoint, or a file of weights.
            *args: MMEngine's ``map_location``, ``strict`` and ``revise_keys``, which do
                not matter: tensors are read to the CPU, and always strictly.
            **kwargs: The same.

        Raises:
            WeightsError: The file cannot be read or does not fit the model.
        """
        if Path(filename).suffix == '.safetensors':
            checkpoint: dict = dict(state_dict=load_state_dict_file(filename))
        else:
            checkpoint = read_checkpoint(filename)
            if 'state_dict' not in checkpoint:
                checkpoint = dict(state_dict=load_state_dict_file(filename))
        self.call_hook('after_load_checkpoint', checkpoint=checkpoint)
        fill_model(self.model, checkpoint['state_dict'], filename)
        self._has_loaded = True
        self.logger.info(f'Weights of {filename} loaded')
        # MMEngine's `resume` would run this text, to look for a setting of its past.
        checkpoint.get('meta', {}).pop('config', None)
        return checkpoint

    def resume(
        self,
        filename: str,
        resume_optimizer: bool = True,
        resume_param_scheduler: bool = True,
        map_location: str | Callable = 'default',
    ) -> None:
        """Go on from a checkpoint; arguments as in MMEngine."""
        if self.param_schedulers is None:  # MMEngine would warn each time
            resume_param_scheduler = False
        super().resume(filename, resume_optimizer, resume_param_scheduler, map_location)

    def save_checkpoint(self, out_dir: str, filename: str, *args, **kwargs) -> None:
        """Write a checkpoint; what has its name is always complete.

        Args:
            out_dir: Folder.
            filename: Name of the file.
            *args: As in MMEngine.
            **kwargs: As in MMEngine.

        Raises:
            WeightsError: It cannot be written; older checkpoints are as they were.
        """
        if self.param_schedulers is None:  # MMEngine would warn each time
            kwargs['save_param_scheduler'] = False
        self.random_states = all_gather_object(random_state())
        self.training_states = all_gather_object(training_state(self.model))
        partial = Path(out_dir, f'.{filename}.partial')
        try:
            super().save_checkpoint(out_dir, partial.name, *args, **kwargs)
            if is_main_process():
                _flush(partial)
                os.replace(partial, partial.with_name(filename))
                _call_latest(partial.with_name(filename))
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise WeightsError(
                f'the checkpoint {Path(out_dir, filename)} cannot be written: {error}'
            ) from error


def _call_latest(path: Path) -> None:
    """``latest.pth``: a name that scripts can rely on for the newest numbered one."""
    if not path.name.startswith(('iter_', 'epoch_')):
        return
    link, partial = path.with_name('latest.pth'), path.with_name('.latest.partial')
    partial.unlink(missing_ok=True)
    try:
        partial.symlink_to(path.name)
    except OSError:  # a file system without links
        shutil.copyfile(path, partial)
    os.replace(partial, link)


def _flush(path: Path) -> None:
    with path.open('rb+') as file:
        os.fsync(file.fileno())


# What MMEngine says at every start and nobody can act upon.
_NOISE = (
    'Checkpoints will be saved to',
    'Distributed training is not used',
    'Exp name:',
    '"FileClient" will be deprecated',
    '"HardDiskBackend" is the alias',
    'has no metainfo',
    'prefix is not set in metric class',
)


def _is_for_console(record: logging.LogRecord) -> bool:
    """Single lines about this run; lists of settings are for the log file."""
    message = record.getMessage()
    if any(noise in message for noise in _NOISE):
        return False
    return record.levelno >= logging.WARNING or '\n' not in message


class _ConsoleFormatter(logging.Formatter):
    """``12:34:56 message``, with the level where it is not the usual one."""

    def format(self, record: logging.LogRecord) -> str:
        level = '' if record.levelno == logging.INFO else f'{record.levelname}: '
        return f'{self.formatTime(record, self.datefmt)} {level}{record.getMessage()}'
