"""MMEngine's Runner with safe checkpoints, a quiet console and separate optimizers."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import mmengine
from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.evaluator import Evaluator
from mmengine.logging import MMLogger
from mmengine.model import BaseModel
from mmengine.runner import BaseLoop, Runner
from torch import nn
from torch.utils.data import DataLoader

import posegen
from posegen.engine.agreement import any_process, from_all
from posegen.engine.compile import compile_networks
from posegen.engine.config.defaults import is_iteration_based
from posegen.engine.config_text import OnceFormatted
from posegen.engine.hooks.plain_checkpoint import to_plain
from posegen.engine.loops import ResumableIterLoop
from posegen.engine.optim import unwrap
from posegen.engine.preemption import heed_parent_only
from posegen.engine.random_state import random_state
from posegen.engine.resumed_settings import not_taken, settings_of
from posegen.engine.training_state import training_state
from posegen.engine.weights import fill_model, link_latest
from posegen.registry import RUNNERS
from posegen.utils.checkpoint import (
    load_state_dict_file,
    read_checkpoint,
    save_checkpoint_file,
    select_weights,
)
from posegen.utils.compat import wrapper_config
from posegen.utils.errors import DataError, PosegenError, WeightsError
from posegen.utils.files import StorageError, storage_problem


@RUNNERS.register_module()
class StageRunner(Runner):
    """Runs one stage.

    It differs from MMEngine's Runner in these points:

    - ``train_cfg=dict(by_epoch=False)`` is :class:`ResumableIterLoop`;
    - the data are looked for before the model is built, which may fetch weights;
    - weights are loaded strictly, and never by running code from a file;
    - checkpoints are written under another name and renamed when they are complete,
      straight to the file and without the history of logged values;
    - a full disk ends training with a sentence, and leaves the newest checkpoint;
    - several processes train generator and discriminators in wrappers of their own;
    - the console shows the course of training; configs, environment and hooks are
      listed in the log file only.
    """

    #: Random states of all processes, gathered when a checkpoint is written.
    random_states: list[dict[str, Any]]
    #: What the model keeps beside weights in every process, gathered likewise.
    training_states: list[dict[str, Any]]
    # Whether what is loaded is to be gone on from.
    _resumes = False

    @classmethod
    def from_cfg(cls, cfg: Config | dict) -> StageRunner:
        """Build the runner of a config.

        Raises:
            StorageError: The disk is full.
        """
        if isinstance(cfg, Config):
            cfg = OnceFormatted.of(cfg)
        with storage_needed(cfg['work_dir']):
            return super().from_cfg(cfg)

    def build_model(self, model: nn.Module | dict) -> BaseModel:
        """The model, once the data are there: a wrong path is to show at once."""
        used = ('test',) if self._train_dataloader is None else ('train', 'val')
        diff_rank_seed = self._randomness_cfg.get('diff_rank_seed', False)
        for name in (f'_{kind}_dataloader' for kind in used):
            if isinstance(loader := getattr(self, name), dict):
                built = self.build_dataloader(loader, self.seed, diff_rank_seed)
                setattr(self, name, built)
        return super().build_model(model)

    @staticmethod
    def build_dataloader(
        dataloader: DataLoader | dict,
        seed: int | None = None,
        diff_rank_seed: bool = False,
    ) -> DataLoader:
        """A loader whose processes outlive a SIGTERM that the whole job got.

        They are needed for the iteration at whose end training saves and leaves.
        """
        loader = Runner.build_dataloader(dataloader, seed, diff_rank_seed)
        loader.worker_init_fn = partial(_init_worker, loader.worker_init_fn)
        return loader

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
        """Put the model on its device and, with several processes, into wrappers.

        Before that, what the config names under ``compile`` is compiled.
        """
        if compiled := self.cfg.get('compile'):
            compile_networks(model, **compiled)
        if self.distributed:
            unused = bool(self.cfg.get('find_unused_parameters', False))
            model_wrapper_cfg = {**wrapper_config(unused), **(model_wrapper_cfg or {})}
        return super().wrap_model(model_wrapper_cfg, model)

    def _maybe_compile(self, target: str) -> None:
        """Nothing: networks are compiled by name, see :meth:`wrap_model`.

        MMEngine would compile the whole training step, with the arguments of ours.
        """

    def build_logger(self, log_level: int | str = 'INFO', **kwargs) -> MMLogger:
        """A logger whose console is short."""
        logger = super().build_logger(log_level, **kwargs)
        for handler in logger.handlers:
            is_file = isinstance(handler, logging.FileHandler)
            if is_file:
                handler.handleError = _raise_again
                _take_any_text(handler)
            if isinstance(handler, logging.StreamHandler) and not is_file:
                handler.addFilter(_is_for_console)
                handler.setFormatter(_ConsoleFormatter(datefmt='%H:%M:%S'))
        return logger

    def train(self) -> nn.Module:
        """Train, and say in one sentence what cannot be read or written any more.

        Returns:
            The model.

        Raises:
            StorageError: The disk is full.
            DataError: A sample cannot be read; the iteration is named.
        """
        with storage_needed(self.work_dir):
            try:
                return super().train()
            except DataError as error:
                if storage_problem(error):
                    raise
                text = str(error).rstrip().rstrip('.')
                raise type(error)(
                    f'{text} (training stopped in iteration {self.iter + 1}; the '
                    'newest checkpoint can be resumed once the file is mended)'
                ) from error
            finally:
                for loop in (self._train_loop, self._val_loop):
                    _end_workers(loop)

    def load_checkpoint(self, filename: str, *args, **kwargs) -> dict:
        """Load weights strictly; everything else in the file is returned.

        Where the file holds moving averages, it is they that a stage starts from and
        that are tested; a resumed run goes on from the weights themselves.

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
        if self._resumes:
            _check_complete(checkpoint, filename)
        self.call_hook('after_load_checkpoint', checkpoint=checkpoint)
        # MMEngine's EMAHook has exchanged its own by now, if it has to.
        weights = checkpoint['state_dict']
        if not self._resumes:
            weights = select_weights(checkpoint)
        fill_model(self.model, weights, filename)
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
        """Go on from a checkpoint; arguments as in MMEngine.

        Raises:
            WeightsError: The file cannot be read, does not fit the model, or lacks the
                optimizers.
        """
        if self.param_schedulers is None:  # MMEngine would warn each time
            resume_param_scheduler = False
        self._resumes = True
        self.optim_wrapper = self.build_optim_wrapper(self.optim_wrapper)
        asked = settings_of(self.optim_wrapper)
        super().resume(filename, resume_optimizer, resume_param_scheduler, map_location)
        for sentence in not_taken(asked, settings_of(self.optim_wrapper)):
            self.logger.warning(
                f'the settings of optimizers are those of {filename}: {sentence}; to '
                'change them start a new run from its weights, with load_from'
            )

    def save_checkpoint(
        self,
        out_dir: str,
        filename: str,
        file_client_args: None = None,
        save_optimizer: bool = True,
        save_param_scheduler: bool = True,
        meta: dict | None = None,
        by_epoch: bool = True,
        backend_args: None = None,
    ) -> None:
        """Write a checkpoint; what has its name is always complete.

        Args:
            out_dir: Folder.
            filename: Name of the file.
            file_client_args: Of MMEngine; checkpoints are written to a folder.
            save_optimizer: Whether to save the optimizers.
            save_param_scheduler: Whether to save the schedulers, if there are any.
            meta: ``epoch`` and ``iter``, the numbers of those done.
            by_epoch: Without ``meta``: whether an epoch, or an iteration, is ending.
            backend_args: Of MMEngine.

        Raises:
            WeightsError: It cannot be written; older checkpoints are as they were.
        """
        if file_client_args is not None or backend_args is not None:
            raise ValueError('checkpoints are written to a folder of this machine')
        kept = to_plain(training_state(self.model), 'the state of the model')
        self.random_states = from_all(random_state())
        self.training_states = from_all(kept)
        checkpoint = dict(
            meta=self._meta(meta or {}, by_epoch),
            state_dict=unwrap(self.model).state_dict(),
            message_hub=dict(log_scalars={}, runtime_info={}, resumed_keys={}),
        )
        if save_optimizer:
            checkpoint['optimizer'] = self.optim_wrapper.state_dict()
        if save_param_scheduler and self.param_schedulers is not None:
            checkpoint['param_schedulers'] = _states(self.param_schedulers)
        path, problem = Path(out_dir, filename), None
        try:
            self.call_hook('before_save_checkpoint', checkpoint=checkpoint)
            if is_main_process():
                save_checkpoint_file(checkpoint, path)
                link_latest(path)
        except Exception as error:
            problem = error
        # Nobody goes on, or leaves, before the file is there: a process that has left
        # makes torchrun end the one that writes.
        if any_process(problem is not None):
            raise problem or WeightsError(f'{path} was not written by the main process')

    def _meta(self, given: Mapping[str, Any], by_epoch: bool) -> dict[str, Any]:
        """What a checkpoint says of its origin, with the keys of MMEngine."""
        meta = dict(
            epoch=self.epoch + by_epoch,
            iter=self.iter + (not by_epoch),
            cfg=self.cfg.pretty_text,
            seed=self.seed,
            experiment_name=self.experiment_name,
            time=time.strftime('%Y%m%d_%H%M%S'),
            mmengine_version=mmengine.__version__,
            posegen_version=posegen.__version__,
        )
        dataset = self.train_dataloader.dataset
        if hasattr(dataset, 'metainfo'):
            meta['dataset_meta'] = dataset.metainfo
        return meta | dict(given)


@contextmanager
def storage_needed(work_dir: str | Path) -> Iterator[None]:
    """Say of a full disk what to do about it, whichever file it is that has no room.

    Args:
        work_dir: Folder of the stage.

    Raises:
        StorageError: Something in the block could not be written.
    """
    try:
        yield
    except (WeightsError, StorageError):  # said already
        raise
    except Exception as error:
        problem = storage_problem(error)
        if problem is None:
            raise
        what = problem.filename or f'a file in {work_dir}'
        if isinstance(error, PosegenError):  # it says which
            what = str(error).partition(' cannot be written')[0]
        raise StorageError(
            f'{what} cannot be written: {problem.strerror}; the checkpoints that are '
            'there are whole: make room and go on with --resume'
        ) from error


def _take_any_text(handler: logging.FileHandler) -> None:
    """MMEngine opens logs in the encoding of the system, which may lack a letter."""
    handler.encoding, handler.errors = 'utf-8', 'backslashreplace'
    if handler.stream is not None:
        handler.stream.reconfigure(encoding=handler.encoding, errors=handler.errors)


def _raise_again(record: logging.LogRecord) -> None:
    """A full disk under the log: logging would print a traceback for each line."""
    raise


def _check_complete(checkpoint: Mapping[str, Any], name: str) -> None:
    """MMEngine would go on with fresh optimizers and say nothing."""
    if 'optimizer' not in checkpoint:
        raise WeightsError(
            f'{name} holds no optimizers, so training cannot go on from it exactly '
            '(best_*.pth and save_optimizer=False leave them out): resume from a '
            'numbered checkpoint, or start a new run from its weights with load_from'
        )


def _states(schedulers: Mapping[str, list] | list) -> dict[str, list] | list:
    if isinstance(schedulers, Mapping):
        return {name: _states(own) for name, own in schedulers.items()}
    return [scheduler.state_dict() for scheduler in schedulers]


def _end_workers(loop: object) -> None:
    """End the processes that load data, now that nobody waits for them.

    A loader with ``persistent_workers`` keeps them, and torch has no other way to end
    them. Left to the garbage collection, which comes in the middle of the next stage,
    they do not hear of their end, and each is waited for for 5 seconds.
    """
    loader = getattr(loop, 'dataloader', None)
    if getattr(loader, '_iterator', None) is not None:
        loader._iterator = None


def _init_worker(init: Callable[[int], None] | None, number: int) -> None:
    if init is not None:
        init(number)
    heed_parent_only()


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
