"""Published VU-Net weights to the names of the networks here.

The published checkpoints are TensorFlow's; ``configs/vunet/README.md`` has the script
that writes their arrays into an ``.npz``, which is read here.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from posegen.models.vunet.blocks import WeightNormConv2d
from posegen.registry import MODELS
from posegen.utils.checkpoint import save_weights
from posegen.utils.errors import WeightsError

#: Scopes of the published graph -> networks of the generator.
SCOPES = dict(
    enc_up='appearance_encoder',
    enc_down='posterior',
    dec_up='shape_encoder',
    dec_down='decoder',
    dec_params='head',
)

ORIGIN = 'converted from published weights of VU-Net (Esser et al., CVPR 2018), {file}'
LICENCE = (
    'none stated by the repository CompVis/vunet that they come with; the photos they '
    'were trained on are for non-commercial research only'
)


def convert_generator(
    arrays: Mapping[str, np.ndarray], generator: nn.Module, source: str | Path
) -> dict[str, Tensor]:
    """Published arrays under the names of :class:`VUNetGenerator`.

    Layers of a scope are numbered in the order of their calls, 3x3 convolutions as
    ``conv2d_<k>`` and 1x1 ones as ``dense_<k>``; each has ``V``, ``g`` and ``b``.

    Args:
        arrays: Array by name, such as ``enc_up/conv2d_0/V``.
        generator: The network that they are for.
        source: What to call them in messages.

    Returns:
        The generator's own state dict with their values, marked as calibrated.

    Raises:
        WeightsError: A name is left over or missing, or a shape differs.
    """
    places = dict(_published_names(generator))
    _refuse_differences(places, arrays, type(generator).__name__, source)
    state = {}
    for name, (key, shape) in places.items():
        value = _as_stored_here(torch.from_numpy(np.array(arrays[name])).float())
        # A matrix has no place for the 1x1 that its layer has here.
        if value.shape != shape[: value.dim()] or value.numel() != shape.numel():
            raise WeightsError(
                f'{source}: {name} has the shape {arrays[name].shape}, but {key} is '
                f'{tuple(shape)}; use the config with the widths and parts of these '
                'weights.'
            )
        state[key] = value.reshape(shape)
    return state | dict(is_calibrated=torch.tensor(True))


def convert_checkpoint(
    model: Mapping, arrays: str | Path, out: str | Path, config_text: str = ''
) -> Path:
    """Write a file that ``posegen test`` and ``get_model`` load.

    Args:
        model: The ``model`` section of the config that the weights are for.
        arrays: ``.npz`` with the published arrays.
        out: ``.safetensors`` file to write; origin and licence are stated inside.
        config_text: Text of the config, kept in the file.

    Returns:
        ``out``.

    Raises:
        WeightsError: The file can't be read or does not fit.
    """
    generator = MODELS.build(dict(model['generator']))
    state = convert_generator(read_arrays(arrays), generator, arrays)
    result = {f'generator.{key}': value for key, value in state.items()}
    notes = dict(origin=ORIGIN.format(file=Path(arrays).name), licence=LICENCE)
    return save_weights(result, out, config_text, notes)


def read_arrays(path: str | Path) -> dict[str, np.ndarray]:
    """Arrays of an ``.npz`` by name; no code in it is run.

    Raises:
        WeightsError: The file is missing, damaged, no ``.npz``, or holds Python
            objects.
    """
    path = Path(path)
    if not path.is_file():
        raise WeightsError(f'The file {path} does not exist; check the path.')
    try:
        file = np.load(path, allow_pickle=False)
        if not isinstance(file, np.lib.npyio.NpzFile):
            raise ValueError('it holds a single array')
        with file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise WeightsError(
            f'{path} is no readable .npz of arrays ({error}); export it again as '
            'configs/vunet/README.md shows.'
        ) from error


def _published_names(
    generator: nn.Module,
) -> Iterator[tuple[str, tuple[str, torch.Size]]]:
    """Published name -> (name here, shape here); layers lie in the order of calls."""
    for scope, attribute in SCOPES.items():
        counts = dict(conv2d=0, dense=0)
        net = getattr(generator, attribute)
        for name, layer in net.named_modules(prefix=attribute):
            if not isinstance(layer, WeightNormConv2d):
                continue
            kind = 'dense' if layer.v.shape[-1] == 1 else 'conv2d'
            for published, own in (('V', 'v'), ('g', 'g'), ('b', 'b')):
                place = f'{scope}/{kind}_{counts[kind]}/{published}'
                yield place, (f'{name}.{own}', getattr(layer, own).shape)
            counts[kind] += 1


def _as_stored_here(value: Tensor) -> Tensor:
    """Filters (h, w, in, out) to (out, in, h, w), matrices (in, out) to (out, in)."""
    if value.dim() == 4:
        return value.permute(3, 2, 0, 1)
    return value.T if value.dim() == 2 else value


def _refuse_differences(
    places: Mapping, arrays: Mapping, net: str, source: str | Path
) -> None:
    problems = {
        'there is no place for': sorted(arrays.keys() - places.keys()),
        'it lacks': sorted(places.keys() - arrays.keys()),
    }
    found = [
        f'{what} {", ".join(names[:5])}'
        + (f' and {len(names) - 5} more' if len(names) > 5 else '')
        for what, names in problems.items()
        if names
    ]
    if found:
        raise WeightsError(
            f'{source} does not fit {net}: {"; ".join(found)}; use the config with the '
            'levels and parts of these weights.'
        )
