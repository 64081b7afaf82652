"""From a training checkpoint to a small weight file that anyone can load."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from safetensors.torch import save
from torch import Tensor

import posegen
from posegen.apis.inferencer import canvas_of
from posegen.apis.model_zoo import get_model, metafile_entry
from posegen.apis.published import (
    SUFFIX,
    TRAINING_ONLY,
    check_names,
    write_config_text,
)
from posegen.engine.config import load_config, merge_stage, stage_entries
from posegen.engine.weights import written_by
from posegen.utils.checkpoint import has_averages, read_checkpoint
from posegen.utils.errors import ConfigError, WeightsError
from posegen.utils.files import replacing
from posegen.utils.image_files import make_parent

NOT_STATED = 'not stated'

#: Training data -> what is to be known of weights that were trained on it.
LICENCE_NOTES = {
    name: f'trained on {name}, whose pictures are for non-commercial research only'
    for name in ('DeepFashion', 'Market-1501')
}

# Where things lie on the machine that trained.
_LEFT_OUT = (
    'data_root',
    'experiment_name',
    'launcher',
    'load_from',
    'resume',
    'work_dir',
)


@dataclass(frozen=True)
class Published:
    """A published file: where it is, its SHA-256 (hex), and the notes inside."""

    path: Path
    sha256: str
    metadata: Mapping[str, str]


def publish_model(
    config: str | Path | Config,
    checkpoint: str | Path,
    out: str | Path,
    *,
    ema: bool | None = None,
    half: bool = False,
    name: str | None = None,
    training_data: str | None = None,
    licence: str | None = None,
    notes: Mapping[str, str] | None = None,
    add_hash: bool = True,
) -> Published:
    """Write what inference needs of a checkpoint, with its config and its origin.

    The model is built from the config as the file carries it, and the weights are
    loaded strictly: a file that is written can be loaded. Discriminators, feature nets,
    losses and optimizers are left out. The same checkpoint gives the same file, byte
    for byte, as long as versions are the same.

    Args:
        config: The config that was trained, a file or loaded.
        checkpoint: A training checkpoint, or a file of weights.
        out: ``.safetensors`` file to write.
        ema: None takes the moving averages where the checkpoint has them, True insists
            on them, False takes the weights that training goes on from.
        half: Store floats in 16 bits; they are computed with in 32 again.
        name: Name of the model; None takes that of the config.
        training_data: What it was trained on; None takes what the metafile of a shipped
            config says.
        licence: Terms of the weights; None takes the note on known training data.
        notes: What else is to be known of the weights, such as ``seed``, ``hours`` and
            ``hardware`` of the training; stored beside the rest.
        add_hash: Put the first 8 digits of the file's SHA-256 into its name, as
            ``torch.hub`` checks them: ``out-1a2b3c4d.safetensors``.

    Raises:
        ConfigError: ``out`` has another suffix, a note has the name of what is stored
            anyway, or the config does not fit a file (see
            :func:`posegen.apis.published.write_config_text`).
        WeightsError: The checkpoint cannot be read or does not fit the config, or a
            weight is too large for 16 bits.
        DataError: The folder of ``out`` cannot be made.
    """
    out = Path(out)
    if out.suffix != SUFFIX:
        raise ConfigError(f'--out must end in {SUFFIX}, got {out}')
    cfg = config if isinstance(config, Config) else load_config(config)
    origin = _read_origin(checkpoint, ema)
    merged = _config_of_stage(cfg, origin.get('stage'))
    carried = _to_carry(merged.to_dict())
    check_names({k: v for k, v in carried['model'].items() if k not in TRAINING_ONLY})
    text = write_config_text(carried)
    tensors = get_model(Config(carried), checkpoint, ema=ema).state_dict()
    if half:
        tensors = {key: _as_half(key, tensor) for key, tensor in tensors.items()}
    data = training_data or _known_data(merged)
    known = {
        'format': 'pt',
        'config': text,
        'name': name or (Path(cfg.filename).stem if cfg.filename else out.stem),
        'method': carried['model']['type'],
        'training_data': data,
        'licence': licence or LICENCE_NOTES.get(data, NOT_STATED),
        'size': 'x'.join(map(str, canvas_of(merged)[0] or ())) or NOT_STATED,
        'precision': 'float16' if half else 'float32',
        **origin,
        'posegen_version': posegen.__version__,
        'torch_version': str(torch.__version__),
    }
    return _write(tensors, _with_notes(known, notes or {}), out, add_hash)


def _with_notes(known: dict[str, str], notes: Mapping[str, str]) -> dict[str, str]:
    taken = sorted(known.keys() & notes.keys())
    if taken:
        raise ConfigError(
            f'notes must not be called {", ".join(taken)}: that is stored anyway'
        )
    return known | {key: str(value) for key, value in notes.items()}


def _read_origin(checkpoint: str | Path, ema: bool | None) -> dict[str, str]:
    """Where weights come from, of what is known."""
    if Path(checkpoint).suffix == SUFFIX:
        return {}
    content = read_checkpoint(checkpoint)
    averaged = ema is not False and has_averages(content)
    origin = {'weights': 'moving averages' if averaged else 'as trained'}
    if stage := written_by(content):
        origin['stage'] = stage
    meta = content.get('meta')
    if isinstance(meta, Mapping) and 'iter' in meta:
        origin['iteration'] = str(meta['iter'])
    return origin


def _config_of_stage(cfg: Config, stage: str | None) -> Config:
    """The stage that wrote the weights, else the last."""
    entries = stage_entries(cfg)
    entry = next((e for e in entries if e['name'] == stage), entries[-1])
    return merge_stage(cfg, entry)


def _to_carry(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _to_carry(v) for k, v in value.items() if k not in _LEFT_OUT}
    if isinstance(value, list | tuple):
        return type(value)(map(_to_carry, value))
    return value


def _known_data(cfg: Config) -> str:
    entry = metafile_entry(cfg)
    return entry.get('Metadata', {}).get('Training Data', NOT_STATED)


def _as_half(key: str, tensor: Tensor) -> Tensor:
    if not tensor.is_floating_point():
        return tensor
    half = tensor.half()
    if not torch.equal(half.isfinite(), tensor.isfinite()):
        raise WeightsError(
            f'{key} reaches {tensor.abs().max().item():.3g}, and 16 bits end at 65504; '
            'publish it without --half'
        )
    return half


def _write(
    tensors: Mapping[str, Tensor],
    metadata: Mapping[str, str],
    out: Path,
    add_hash: bool,
) -> Published:
    # Tied tensors are refused by the format: each key gets memory of its own.
    copies = {k: v.detach().cpu().clone().contiguous() for k, v in tensors.items()}
    data = _with_sorted_metadata(save(copies, dict(metadata)))
    sha256 = hashlib.sha256(data).hexdigest()
    path = out.with_name(f'{out.stem}-{sha256[:8]}{SUFFIX}') if add_hash else out
    make_parent(path)
    try:
        with replacing(path) as file:
            file.write(data)
    except OSError as error:
        raise WeightsError(
            f'{path} cannot be written: {error.strerror or error}; make room, or name '
            'another place'
        ) from error
    return Published(path, sha256, dict(metadata))


def _with_sorted_metadata(data: bytes) -> bytes:
    """The same file with its strings in order; safetensors shuffles them every time.

    The format: the length of the header in 8 bytes, the header as json, filled up with
    blanks to a multiple of 8 bytes, the tensors.
    """
    (length,) = struct.unpack('<Q', data[:8])
    header = json.loads(data[8 : 8 + length])
    header['__metadata__'] = dict(sorted(header['__metadata__'].items()))
    text = json.dumps(header, separators=(',', ':')).encode()
    text += b' ' * (-len(text) % 8)
    return struct.pack('<Q', len(text)) + text + data[8 + length :]


def describe(published: Published) -> str:
    """What was written, and the lines that make it the weights of a shipped config."""
    notes = {
        k: v for k, v in published.metadata.items() if k not in ('config', 'format')
    }
    size = published.path.stat().st_size / 2**20
    lines = [f'{published.path}: {size:.1f} MiB']
    lines += [f'  {key}: {value}' for key, value in notes.items()]
    lines += [
        'Once it is uploaded, the metafile.yml beside the config takes it up with',
        f'    Weights: https://.../{published.path.name}',
        f"    SHA256: '{published.sha256}'",
        'or, for a file that comes with the package in posegen/weights,',
        f'    Weights: package:{published.path.name}',
    ]
    return '\n'.join(lines)
