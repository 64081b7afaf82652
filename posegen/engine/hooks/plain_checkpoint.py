"""Checkpoints of plain types that hold all it takes to go on."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any

import numpy as np
import torch
from mmengine.dist import get_rank, get_world_size, is_main_process
from mmengine.hooks import Hook
from mmengine.logging import HistoryBuffer, print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor

from posegen.engine.random_state import random_state, restore_random_state
from posegen.engine.training_state import restore_training_state, training_state
from posegen.engine.weights import CHECKPOINT_KEY, plain_keys
from posegen.registry import HOOKS

# What MMEngine's CheckpointHook keeps in the message hub; the rest is set anew.
_KEPT_INFO = ('best_', 'last_ckpt')


@HOOKS.register_module()
class PlainCheckpointHook(Hook):
    """Makes checkpoints complete, and readable by ``torch.load(weights_only=True)``.

    MMEngine stores the whole history of every logged value as Python objects: the file
    grows with training and cannot be read without running code from it. Instead the
    last values are kept as numbers, and beside them what MMEngine does not keep at all:
    the random states of all processes, and what their models keep beside weights. Under
    a distributed wrapper MMEngine stores ``generator.module.*``, which it silently
    fails to load again; here the names are those of the bare model.

    Args:
        window: Logged values to keep of each name, so that means in the log go on; no
            fewer than the log's own window.
    """

    # After hooks that add something of their own to a checkpoint.
    priority = 'LOWEST'

    def __init__(self, window: int = 100) -> None:
        self.window = window
        self._to_restore: Mapping[str, Any] | None = None

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Replace objects by plain values and add what is needed to go on."""
        if not is_main_process():  # it writes the file, for all
            return
        bare = runner.model.module if is_model_wrapper(runner.model) else runner.model
        names = plain_keys(bare)
        checkpoint['state_dict'] = {
            names.get(key, key): value
            for key, value in checkpoint['state_dict'].items()
        }
        own = checkpoint.setdefault(CHECKPOINT_KEY, {})
        own['random_states'] = getattr(runner, 'random_states', None) or [
            random_state()
        ]
        own['training_states'] = getattr(runner, 'training_states', None) or [
            training_state(runner.model)
        ]
        window = max(self.window, runner.log_processor.window_size)
        own['scalars'] = {
            name: _last_values(buffer, window)
            for name, buffer in runner.message_hub.log_scalars.items()
        }
        kept = {
            key: value
            for key, value in runner.message_hub.runtime_info.items()
            if key.startswith(_KEPT_INFO)
        }
        own['info'] = _with_paths(
            kept, lambda path: os.path.relpath(path, runner.work_dir)
        )
        checkpoint['message_hub'] = dict(
            log_scalars={}, runtime_info={}, resumed_keys={}
        )
        for key in checkpoint:
            checkpoint[key] = to_plain(checkpoint[key], key)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Give MMEngine back the objects that it will ask for on resuming."""
        own = checkpoint.get(CHECKPOINT_KEY)
        if not own:
            return
        scalars = {
            name: HistoryBuffer(*values) for name, values in own['scalars'].items()
        }
        info = _with_paths(
            own['info'], lambda path: os.path.join(runner.work_dir, path)
        )
        checkpoint['message_hub'] = dict(
            log_scalars=scalars,
            runtime_info=info,
            resumed_keys=dict.fromkeys([*scalars, *info], True),
        )
        self._to_restore = own

    def before_train_epoch(self, runner: Runner) -> None:
        """Bring random and training state back; only a resumed run is beyond 0."""
        own, self._to_restore = self._to_restore, None
        if own is None or runner.iter == 0:
            return
        states = own['random_states']
        if len(states) != get_world_size():
            print_log(
                f'the checkpoint was written by {len(states)} processes and is resumed '
                f'by {get_world_size()}: random numbers go on differently, and what '
                'the model keeps beside weights, such as pools of images, starts anew',
                'current',
                logging.WARNING,
            )
            return
        restore_random_state(states[get_rank()])
        # Checkpoints of earlier versions have none.
        kept = own.get('training_states')
        if kept:
            restore_training_state(runner.model, kept[get_rank()])


def to_plain(value: Any, place: str) -> Any:
    """A value in types that load without running code.

    Args:
        value: Tensors, numbers, strings, arrays, and dicts and lists of these.
        place: What to call it in messages.

    Returns:
        The same with dicts, lists, tuples, tensors on the CPU and Python's own numbers.
        Functions are left out of dicts: MMEngine's schedulers carry theirs along. A
        tensor that is a piece of a larger one is copied: the file would hold all of it.

    Raises:
        TypeError: Something is of another type.
    """
    if isinstance(value, Mapping):
        return {
            key: to_plain(item, f'{place}.{key}')
            for key, item in value.items()
            if not callable(item)
        }
    if isinstance(value, list | tuple):
        items = [to_plain(item, f'{place}[{i}]') for i, item in enumerate(value)]
        return items if isinstance(value, list) else tuple(items)
    if isinstance(value, Tensor):
        return _compact(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value)
    for kind in (int, float, str):  # also of subclasses, such as TorchVersion
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, PurePath):
        return str(value)
    raise TypeError(
        f'{place} of a checkpoint must be a tensor, number, string, list or dict, so '
        f'that it loads without running code, got {type(value).__name__}'
    )


def _compact(tensor: Tensor) -> Tensor:
    tensor = tensor.detach().cpu()
    own = tensor.untyped_storage().nbytes() <= tensor.numel() * tensor.element_size()
    return tensor if own else tensor.clone()


def _last_values(buffer: HistoryBuffer, window: int) -> list[list[float]]:
    return [values[-window:].tolist() for values in buffer.data]


def _with_paths(info: Mapping[str, Any], change: Callable[[str], str]) -> dict:
    """Change the values that are paths: a folder may be moved between two runs."""
    return {
        key: change(value) if isinstance(value, str) and 'ckpt' in key else value
        for key, value in info.items()
    }
