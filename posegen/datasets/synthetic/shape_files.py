"""A quick reader for the body model's shape files.

On its first start on a machine anny 0.6.2 reads 624 shape files, parsing them line by
line: that takes three quarters of the start's time. :func:`quick_reader` lends it a
reader of the same files that parses a file at once and gives the same numbers; later
starts read anny's own cache and need neither.
"""

from __future__ import annotations

import gzip
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor, dtype


def read_shape(
    filename: str, vertices_count: int, world_transformation: object, dtype: dtype
) -> Tensor:
    """Read one shape file; the signature is that of anny's ``load_blend_shape``.

    Args:
        filename: gzip'ed text, a vertex index and three offsets a line.
        vertices_count: V, vertices of the base mesh.
        world_transformation: has ``apply`` for (V, 3) tensors.
        dtype: of the result.

    Returns:
        (V, 3) offsets.
    """
    import torch

    with gzip.open(filename, 'rt', encoding='utf-8') as file:
        rows = np.array(file.read().split(), dtype=np.float64).reshape(-1, 4)
    shape = torch.zeros((vertices_count, 3), dtype=dtype)
    index = torch.as_tensor(rows[:, 0].astype(np.int64))
    shape[index] = torch.as_tensor(rows[:, 1:], dtype=dtype)
    return world_transformation.apply(shape)


@contextmanager
def quick_reader() -> Iterator[None]:
    """Within this context anny reads shape files with :func:`read_shape`.

    Without effect on versions of anny that have no such function to replace.
    """
    module = importlib.import_module('anny.models.full_model')
    own = getattr(module, 'load_blend_shape', None)
    if own is None:
        yield
        return
    module.load_blend_shape = read_shape
    try:
        yield
    finally:
        module.load_blend_shape = own
