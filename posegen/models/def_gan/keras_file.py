"""Reading the weights of a Keras model (HDF5)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from posegen.utils.errors import DependencyError, WeightsError

#: A layer that was not given a name has that of its kind and a counter.
_NAME = re.compile(r'(conv2d|conv2d_transpose|instance_normalization)(?:_(\d+))?')
_WEIGHTS = dict(kernel='weight', bias='bias', gamma='weight', beta='bias')


class KerasLayer(NamedTuple):
    """A layer that has weights.

    Attributes:
        name: As in the file.
        kind: ``'conv2d'``, ``'conv2d_transpose'`` or ``'instance_normalization'``.
        counter: Which of its kind it was, in the order in which they were made.
        position: Place among the layers of the file, which lists a layer behind those
            that it reads from.
        weights: ``'weight'`` and ``'bias'`` as PyTorch has them.
    """

    name: str
    kind: str
    counter: int
    position: int
    weights: dict[str, Tensor]


def read_keras_layers(path: str | Path) -> list[KerasLayer]:
    """Read the layers that have weights, in the order of the file.

    Args:
        path: What Keras' ``save_weights`` or ``save`` wrote.

    Raises:
        DependencyError: h5py is not installed.
        WeightsError: The file is missing, is not of this kind, or has a layer of
            another kind.
    """
    h5py, path = _h5py(), Path(path).expanduser()
    if not path.is_file():
        raise WeightsError(f'The weight file {path} does not exist; check the path.')
    try:
        with h5py.File(path, 'r') as file:
            return _layers(file, path)
    except (OSError, KeyError) as error:
        raise WeightsError(
            f'{path} is no readable HDF5 file of Keras ({error}); copy or download it '
            'again.'
        ) from error


def _h5py() -> ModuleType:
    try:
        import h5py
    except ImportError as error:
        raise DependencyError(
            "weights of Keras are read with the package 'h5py', which could not be "
            f"imported ({error}); install it with: pip install 'posegen[convert]'"
        ) from error
    return h5py


def _layers(file: Mapping[str, Any], path: Path) -> list[KerasLayer]:
    group = file.get('model_weights', file)
    if 'layer_names' not in group.attrs:
        raise WeightsError(
            f"{path} lacks the attribute 'layer_names' of a Keras file; it is no file "
            "of Keras' save_weights."
        )
    layers = []
    for position, name in enumerate(_texts(group.attrs['layer_names'])):
        names = _texts(group[name].attrs['weight_names'])
        if names:
            arrays = {key: group[name][key][()] for key in names}
            layers.append(_layer(name, position, arrays, path))
    return layers


def _texts(names: np.ndarray) -> list[str]:
    # Keras writes bytes, later versions text.
    return [n.decode() if isinstance(n, bytes) else str(n) for n in names]


def _layer(
    name: str, position: int, arrays: Mapping[str, np.ndarray], path: Path
) -> KerasLayer:
    found = _NAME.fullmatch(name)
    parts = {key: re.sub(r':\d+$', '', key).rsplit('/', 1)[-1] for key in arrays}
    if not found or not set(parts.values()) <= _WEIGHTS.keys():
        raise WeightsError(
            f'{path} has the layer {name} with the weights {sorted(arrays)}, for which '
            'there is no place; expected are convolutions and instance norms.'
        )
    weights = {_WEIGHTS[parts[key]]: _converted(array) for key, array in arrays.items()}
    if found[1] == 'instance_normalization':  # one number each, kept with an axis
        weights = {key: value.squeeze() for key, value in weights.items()}
    return KerasLayer(name, found[1], int(found[2] or 0), position, weights)


def _converted(array: np.ndarray) -> Tensor:
    """PyTorch's order of axes."""
    if array.ndim == 4:
        # (rows, columns, in, out), or of transposed ones (rows, columns, out, in).
        array = array.transpose(3, 2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))
