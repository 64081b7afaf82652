"""Weights between a model, bare or distributed, and files."""

from __future__ import annotations

import logging
import os
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from torch import Tensor, nn

from posegen.utils.checkpoint import (
    CHECKPOINT_KEY,
    COPY_AGAIN,
    load_state_dict_file,
    load_weights,
    read_checkpoint,
    strip_wrapper_names,
)
from posegen.utils.errors import WeightsError
from posegen.utils.files import sync_folder

# What a file may lack: only training needs it.
TRAINING_ONLY = 'discriminators.'

__all__ = [
    'CHECKPOINT_KEY',
    'fill_model',
    'link_latest',
    'newest_checkpoint',
    'number_of',
    'numbered_checkpoints',
    'plain_keys',
    'set_aside',
    'without_advice',
    'written_by',
]


def plain_keys(model: nn.Module) -> dict[str, str]:
    """Names of a model's tensors without the wrappers for distributed training.

    Args:
        model: A model; itself or some of its children may be wrapped.

    Returns:
        ``{'generator.module.conv.weight': 'generator.conv.weight', ...}`` for every
        key of its state dict.
    """
    wrappers = [name for name, m in model.named_modules() if is_model_wrapper(m)]
    wrappers.sort(key=len, reverse=True)  # inner ones first
    return {key: _without(wrappers, key) for key in model.state_dict()}


def _without(wrappers: list[str], key: str) -> str:
    for name in wrappers:
        outer = f'{name}.' if name else ''
        if key.startswith(f'{outer}module.'):
            key = outer + key.removeprefix(f'{outer}module.')
    return key


def fill_model(
    model: nn.Module, weights: str | Path | Mapping[str, Tensor], source: str | Path
) -> None:
    """Load weights strictly into a model, bare or distributed.

    Args:
        model: The model.
        weights: A file, or tensors by name.
        source: What to call the weights in messages.

    Raises:
        WeightsError: A key is missing, unexpected or of another shape. Only
            discriminators may be missing, and then all of them: files that are made
            for inference leave them out.
    """
    if not isinstance(weights, Mapping):
        weights = load_state_dict_file(weights)
    own = model.state_dict()
    actual = {plain: key for key, plain in plain_keys(model).items()}
    weights = strip_wrapper_names(weights, keep=actual)
    fresh = {plain for plain in actual if plain.startswith(TRAINING_ONLY)}
    if fresh and not fresh & set(weights):
        print_log(f'{source} has no discriminators; they start afresh', 'current')
        weights = {**weights, **{plain: own[actual[plain]] for plain in fresh}}
    try:
        load_weights(model, {actual.get(key, key): v for key, v in weights.items()})
    except WeightsError as error:
        raise WeightsError(f'{source}: {error}') from error


_NUMBERED = re.compile(r'(?:iter|epoch)_(\d+)\.pth')


def written_by(checkpoint: Mapping[str, Any]) -> str | None:
    """Name of the stage that wrote a checkpoint, or None for other files."""
    own = checkpoint.get(CHECKPOINT_KEY)
    return own.get('stage') if isinstance(own, Mapping) else None


def number_of(path: Path) -> int | None:
    """The number in the name of a checkpoint, or None for other names."""
    found = _NUMBERED.fullmatch(path.name)
    return int(found[1]) if found else None


def numbered_checkpoints(folder: Path) -> list[Path]:
    """Checkpoints of a folder by their number, the newest first.

    MMEngine's ``last_checkpoint`` is not asked: it holds an absolute path, which is
    wrong as soon as the folder has been moved.
    """
    numbered = [p for p in folder.glob('*.pth') if number_of(p) is not None]
    return sorted(numbered, key=number_of, reverse=True)


def newest_checkpoint(folder: Path) -> tuple[Path, dict[str, Any]] | None:
    """The newest checkpoint of a folder that is whole, and what it holds.

    A file that was cut short or has a wrong checksum is passed over with a warning.

    Args:
        folder: Folder of a stage.

    Returns:
        The path and the content, or None where there is no checkpoint.

    Raises:
        WeightsError: There are checkpoints, and none can be read.
    """
    paths = numbered_checkpoints(folder)
    for path in paths:
        try:
            return path, read_checkpoint(path)
        except WeightsError as error:
            reason = without_advice(error)
            print_log(
                f'CHECKPOINT PASSED OVER: {reason} The one before, if any, is tried.',
                'current',
                logging.WARNING,
            )
    if paths:
        raise WeightsError(
            f'none of the {len(paths)} checkpoints in {folder} can be read: {reason} '
            'To train the stage anew, move the folder away and resume.'
        )
    return None


def without_advice(error: WeightsError) -> str:
    """What is wrong with a file, for one that this training wrote itself.

    Args:
        error: Of :func:`posegen.utils.checkpoint.read_checkpoint`.

    Returns:
        Its sentences but the one about copying or downloading the file again.
    """
    return str(error).removesuffix(COPY_AGAIN)


def set_aside(paths: Iterable[Path], why: str, ending: str) -> None:
    """Rename checkpoints that must not be taken for the newest ones again.

    Args:
        paths: The checkpoints.
        why: What to say about them.
        ending: What their names get at the end.
    """
    for path in paths:
        aside = path.with_name(path.name + ending)
        path.replace(aside)
        print_log(f'{path} {why}: now {aside.name}', 'current')


def link_latest(path: Path) -> None:
    """``latest.pth``: a name that scripts can rely on for the newest numbered one.

    Args:
        path: The newest checkpoint; other names than numbered ones change nothing.
    """
    if number_of(path) is None:
        return
    link, partial = path.with_name('latest.pth'), path.with_name('.latest.partial')
    partial.unlink(missing_ok=True)
    try:
        partial.symlink_to(path.name)
    except OSError:  # a file system without links
        shutil.copyfile(path, partial)
    os.replace(partial, link)
    sync_folder(path.parent)
