"""Reading and writing weight files: safe, strict, and clear about what is wrong.

Nothing here runs code that came with a file: pickles are read with
``weights_only=True``, safetensors hold tensors and strings only. A file that does not
fit the model is an error that names the keys, never a model with some random layers.
"""

from __future__ import annotations

import errno
import logging
import pickle
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from mmengine.logging import print_log
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from safetensors.torch import save as to_safetensors
from torch import Tensor, nn

from posegen.utils.errors import WeightsError
from posegen.utils.files import replacing, storage_problem

#: Key of a training checkpoint under which posegen keeps what MMEngine does not.
CHECKPOINT_KEY = 'posegen'
#: What ends the message about a damaged file: advice for one that came from elsewhere.
COPY_AGAIN = ' Copy or download it again.'

# Names that wrappers put into a key: (Distributed)DataParallel and torch.compile.
_WRAPPER_NAMES = frozenset(('module', '_orig_mod'))


class KeyReport(NamedTuple):
    """What did not match when a state dict was loaded into a model."""

    missing: list[str]
    unexpected: list[str]
    mismatched: list[str]


def load_state_dict_file(
    path: str | Path, ema: bool | None = None
) -> dict[str, Tensor]:
    """Read the tensors of a weight file onto the CPU.

    Args:
        path: a ``.safetensors`` file, or anything ``torch.save`` wrote: a plain state
            dict or a training checkpoint (``{'state_dict': ..., ...}``).
        ema: None takes the moving averages of the weights where the file has them, as
            everything but the resuming of a training does; True insists on them; False
            takes the weights that training goes on from.

    Returns:
        The tensors by key, as stored.

    Raises:
        WeightsError: the file is missing, cut short, damaged, holds Python objects
            beside tensors, is no weight file, or (``ema=True``) has no moving average.
    """
    path = _existing_file(path)
    if path.suffix == '.safetensors':
        content: Any = _read_safetensors(path)
    else:
        content = _read_pickle(path)
    state_dict = _select_weights(content, path, ema)
    if not state_dict or not all(isinstance(v, Tensor) for v in state_dict.values()):
        raise WeightsError(
            f'{path} holds no state dict: expected tensors by name, or a training '
            f"checkpoint with 'state_dict', got {_describe(content)}."
        )
    return dict(state_dict)


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """Read a whole training checkpoint onto the CPU.

    Args:
        path: a file that ``torch.save`` wrote.

    Returns:
        All that it holds, not only the weights.

    Raises:
        WeightsError: the file is missing, cut short, damaged (what torch wrote has
            checksums inside, which torch itself never looks at), holds Python objects
            beside tensors and plain values, or is no dict.
    """
    path = _existing_file(path)
    content = _read_pickle(path)
    if not isinstance(content, Mapping):
        raise WeightsError(f'{path} is no checkpoint: it holds {_describe(content)}.')
    return dict(content)


def load_weights(
    model: nn.Module,
    weights: str | Path | Mapping[str, Tensor],
    strict: bool = True,
    ignore: Sequence[str] = (),
    ema: bool | None = None,
) -> KeyReport:
    """Load a weight file or state dict into a model.

    Wrapper names inside keys (``generator.module.conv.weight``) are taken out where the
    model does not have them itself.

    Args:
        model: the model to fill, in place.
        weights: a file for `load_state_dict_file`, or a state dict.
        strict: whether a key that is missing, unexpected or of another shape is an
            error; otherwise it is a logged warning and the rest is loaded.
        ignore: prefixes of stored keys that the model may lack without a word, such as
            ``'discriminators.'`` where only the generator is built.
        ema: as in `load_state_dict_file`; for files only.

    Returns:
        The keys that did not match.

    Raises:
        WeightsError: as `load_state_dict_file`, and on any mismatch when ``strict``.
    """
    if isinstance(weights, str | Path):
        name, state_dict = str(weights), load_state_dict_file(weights, ema)
    else:
        name, state_dict = 'the given state dict', weights
    own = model.state_dict()
    state_dict = strip_wrapper_names(state_dict, keep=own)
    report = _compare(own, state_dict, ignore)
    if any(report):
        message = _mismatch_message(report, name, type(model).__name__)
        if strict:
            raise WeightsError(message)
        print_log(message, 'current', logging.WARNING)
    fitting = {
        k: v for k, v in state_dict.items() if k in own and v.shape == own[k].shape
    }
    model.load_state_dict(fitting, strict=False)
    return report


def save_weights(
    model: nn.Module | Mapping[str, Tensor],
    path: str | Path,
    config_text: str = '',
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """Write weights as safetensors, with the config that built the model beside them.

    Args:
        model: a model, or its state dict.
        path: the file to write; must end in ``.safetensors``. Its folder is made. An
            older file of that name is replaced only once the new one is complete.
        config_text: the config, as ``Config.pretty_text`` gives it.
        metadata: further strings to keep, read back by `read_metadata`.

    Returns:
        The path written.

    Raises:
        ValueError: the path has another suffix.
        TypeError: a metadata value is not a string.
        WeightsError: the file cannot be written.
    """
    path = Path(path)
    if path.suffix != '.safetensors':
        raise ValueError(f'path must end in .safetensors, got {path}')
    notes = {'format': 'pt', 'config': config_text, **(metadata or {})}
    for key, value in notes.items():
        if not isinstance(value, str):
            raise TypeError(f'metadata[{key!r}] must be str, got {value!r}')
    state_dict = model.state_dict() if isinstance(model, nn.Module) else model
    state_dict = strip_wrapper_names(state_dict)
    # Tied tensors are refused by the format: each key gets memory of its own.
    tensors = {k: v.detach().cpu().clone().contiguous() for k, v in state_dict.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with replacing(path) as file:
            file.write(to_safetensors(tensors, metadata=notes))
    except OSError as error:
        raise _unwritable(path, error) from error
    return path


def save_checkpoint_file(content: Mapping[str, Any], path: str | Path) -> None:
    """Write a training checkpoint; what has its name is always complete.

    The tensors go straight to the file. (MMEngine's way through a buffer in memory
    takes the size of the file in memory, twice where the buffer has to grow.)

    Args:
        content: tensors and plain values.
        path: the file to write; its folder must be there.

    Raises:
        WeightsError: the disk is full, or the file cannot be written for another
            reason; an older file of that name is as it was.
    """
    path = Path(path)
    try:
        with replacing(path) as file:
            torch.save(dict(content), file)
    except OSError as error:
        raise _unwritable(path, error) from error
    except RuntimeError as error:
        # torch puts an error of its own on top of the system's.
        problem = storage_problem(error)
        if problem is None:
            raise
        raise _unwritable(path, problem) from error


def _unwritable(path: Path, error: OSError) -> WeightsError:
    return WeightsError(
        f'{path} cannot be written: {error.strerror or error}. What was there before '
        'is as it was; make room and give the command again, a training with --resume.'
    )


def read_metadata(path: str | Path) -> dict[str, str]:
    """Read the strings stored beside the weights.

    Args:
        path: a file of `save_weights`, or a training checkpoint.

    Returns:
        The strings by name; the config's text is under ``'config'``. Empty where the
        file carries none.

    Raises:
        WeightsError: as `load_state_dict_file`.
    """
    path = _existing_file(path)
    if path.suffix == '.safetensors':
        try:
            with safe_open(path, framework='pt') as file:
                return dict(file.metadata() or {})
        except SafetensorError as error:
            raise _unreadable(path, error) from error
    content = _read_pickle(path)
    meta = content.get('meta') if isinstance(content, Mapping) else None
    if not isinstance(meta, Mapping):
        return {}
    return {'config' if k == 'cfg' else str(k): str(v) for k, v in meta.items()}


def strip_wrapper_names(
    state_dict: Mapping[str, Tensor], keep: Iterable[str] = ()
) -> dict[str, Tensor]:
    """Take the names of wrapper modules out of the keys of a state dict.

    Args:
        state_dict: tensors by key.
        keep: keys to leave as they are, such as those of a model with a child that is
            itself called ``module``.

    Returns:
        A new dict; ``generator.module.x`` and ``module.generator.x`` both become
        ``generator.x``.
    """
    keep = set(keep)
    return {k if k in keep else _strip(k): v for k, v in state_dict.items()}


def _strip(key: str) -> str:
    return '.'.join(part for part in key.split('.') if part not in _WRAPPER_NAMES)


def _existing_file(path: str | Path) -> Path:
    path = Path(path).expanduser()
    if path.is_dir():
        raise WeightsError(f'{path} is a folder; give the weight file inside it.')
    if not path.is_file():
        raise WeightsError(f'The weight file {path} does not exist; check the path.')
    return path


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except SafetensorError as error:
        raise _unreadable(path, error) from error


def _read_pickle(path: Path) -> Any:
    _compare_checksums(path)
    try:
        return torch.load(path, map_location='cpu', weights_only=True)
    except pickle.UnpicklingError as error:
        # torch's own message advises weights_only=False: it is not passed on.
        if not _looks_like_pickle(path):
            raise _unreadable(path, 'not written by torch.save') from error
        found = re.search(r'GLOBAL (\S+)', str(error))
        what = f'the Python object {found[1]}' if found else 'Python objects'
        raise WeightsError(
            f'{path} holds {what} beside tensors and was refused, because reading it '
            'could run code from the file; save it again as a plain dict of tensors.'
        ) from error
    except (OSError, EOFError, RuntimeError, ValueError) as error:
        raise _unreadable(path, error or 'empty file') from error
    except (AttributeError, LookupError, TypeError, struct.error) as error:
        # Letters of a text file can be commands of a pickle: what fails is chance.
        raise _unreadable(path, 'not written by torch.save') from error


# What zipfile raises for a file whose lists of contents are damaged.
_BROKEN_ZIP = (
    *(zipfile.BadZipFile, zlib.error, EOFError, OSError, struct.error),
    *(ValueError, RuntimeError),  # also NotImplementedError
)


def _compare_checksums(path: Path) -> None:
    """Refuse a file with a changed bit: it would load as slightly other weights."""
    try:
        if not zipfile.is_zipfile(path):
            return  # cut short, or of before torch 1.6, without checksums
        with zipfile.ZipFile(path) as file:
            # torch.serialization.set_crc32_options(False) writes zeros.
            known = any(entry.CRC for entry in file.infolist())
            damaged = file.testzip() if known else None
    except _BROKEN_ZIP as error:
        # zipfile looks for what is missing before the beginning of the file.
        gap = isinstance(error, OSError) and error.errno == errno.EINVAL
        raise _unreadable(path, 'a part is missing' if gap else error) from error
    if damaged is not None:
        raise WeightsError(
            f'{path} ({path.stat().st_size} bytes) is damaged: the checksum of '
            f'{damaged!r} in it is wrong.{COPY_AGAIN}'
        )


def _looks_like_pickle(path: Path) -> bool:
    with path.open('rb') as file:
        return file.read(2).startswith((b'PK', b'\x80'))


def _unreadable(path: Path, reason: object) -> WeightsError:
    reason = str(reason).strip().split('\n')[0].split('. ')[0].rstrip('.')
    return WeightsError(
        f'{path} ({path.stat().st_size} bytes) is not a readable weight file, or was '
        f'cut short: {reason or "unexpected end"}.{COPY_AGAIN}'
    )


def select_weights(checkpoint: Mapping[str, Any], ema: bool | None = None) -> Any:
    """The weights of a training checkpoint, or their moving averages.

    posegen keeps the averages of the generator beside the weights, under
    ``['posegen']['ema']``. MMEngine's EMAHook stores averages under 'state_dict' and
    the weights themselves under 'ema_state_dict' (with a step counter): it swaps the
    two on saving.

    Args:
        checkpoint: what `read_checkpoint` gave, with a ``state_dict``.
        ema: as in `load_state_dict_file`, but that True takes what there is.

    Returns:
        The tensors by key.
    """
    stored = checkpoint['state_dict']
    own = checkpoint.get(CHECKPOINT_KEY)
    if isinstance(own, Mapping) and own.get('ema'):
        return stored if ema is False else {**stored, **own['ema']}
    if ema is False and 'ema_state_dict' in checkpoint:
        live = dict(checkpoint['ema_state_dict'])
        live.pop('steps', None)
        return {**stored, **strip_wrapper_names(live, stored)}
    return stored


def _select_weights(content: Any, path: Path, ema: bool | None) -> Any:
    """The asked-for set of weights out of what a file holds."""
    nested = isinstance(content, Mapping) and 'state_dict' in content
    if ema and not (nested and has_averages(content)):
        raise WeightsError(
            f'{path} holds no moving average of the weights; load it with ema=False.'
        )
    if not nested:
        return content if isinstance(content, Mapping) else {}
    if not isinstance(content['state_dict'], Mapping):
        return {}
    return select_weights(content, ema)


def has_averages(checkpoint: Mapping[str, Any]) -> bool:
    """Whether a training checkpoint holds moving averages of weights."""
    own = checkpoint.get(CHECKPOINT_KEY)
    is_own = isinstance(own, Mapping) and bool(own.get('ema'))
    return is_own or 'ema_state_dict' in checkpoint


def _describe(content: Any) -> str:
    if not isinstance(content, Mapping):
        return f'a {type(content).__name__}'
    keys = [str(key) for key in content]
    return f'the keys {_first(keys)}' if keys else 'nothing at all'


def _compare(
    own: Mapping[str, Tensor], given: Mapping[str, Tensor], ignore: Sequence[str]
) -> KeyReport:
    missing = [k for k in own if k not in given]
    unexpected = [k for k in given if k not in own and not k.startswith(tuple(ignore))]
    mismatched = [
        f'{k} ({tuple(given[k].shape)} in the file, {tuple(own[k].shape)} in the model)'
        for k in own
        if k in given and given[k].shape != own[k].shape
    ]
    return KeyReport(missing, unexpected, mismatched)


def _mismatch_message(report: KeyReport, name: str, model: str) -> str:
    found = [
        f'{len(keys)} {kind}: {_first(keys)}'
        for kind, keys in report._asdict().items()
        if keys
    ]
    return (
        f'{name} does not fit the model {model} ({"; ".join(found)}); use the config '
        'that these weights were trained with, or weights that belong to this config.'
    )


def _first(keys: Sequence[str], count: int = 5) -> str:
    more = f' and {len(keys) - count} more' if len(keys) > count else ''
    return ', '.join(keys[:count]) + more
