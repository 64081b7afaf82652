"""Features of many images: moments on the way, and a file for what needs them all."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from posegen.evaluation.functional import Moments

_ROWS = 256  # a merge of moments costs as much as the products of some 100 features


@dataclass(frozen=True)
class FeatureSet:
    """What is kept of the features of a list of images.

    Attributes:
        moments: Number of images, from the first -> their moments.
        features: (n, d) float32 in a temporary file, where all of them were asked for.
    """

    moments: dict[int, Moments]
    features: Tensor | None


def collect_features(
    batches: Iterable[Tensor],
    total: int,
    stops: Sequence[int],
    folder: Path | None = None,
) -> FeatureSet:
    """Moments of features that come in batches, in float64, always added up alike.

    Args:
        batches: (n, d) each.
        total: Number of rows in all batches.
        stops: Counts for which moments are wanted: a protocol may drop the last images.
        folder: Where a temporary file for all features goes; None keeps moments only.
    """
    kept = None
    moments: dict[int, Moments] = {}
    running: Moments | None = None
    done = 0
    for block in _blocks(batches, sorted({*stops, total})):
        if folder is not None and kept is None:
            kept = _file_of(folder, (total, block.shape[1]))
        if kept is not None:
            kept[done : done + len(block)] = block.numpy()
        done += len(block)
        if stops:
            part = Moments.of(block)
            running = part if running is None else running.merge(part)
            if done in stops:
                moments[done] = running
    return FeatureSet(moments, None if kept is None else torch.from_numpy(kept))


def _file_of(folder: Path, shape: tuple[int, int]) -> np.memmap:
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
        return np.memmap(file.name, dtype=np.float32, mode='w+', shape=shape)


def _blocks(batches: Iterable[Tensor], ends: Sequence[int]) -> Iterator[Tensor]:
    """The same rows in blocks of equal size; a block ends wherever ``ends`` says."""
    rest: Tensor | None = None
    done = 0
    for batch in batches:
        rest = batch if rest is None else torch.cat([rest, batch])
        while size := _next_size(done, len(rest), ends):
            yield rest[:size]
            rest, done = rest[size:], done + size


def _next_size(done: int, ready: int, ends: Sequence[int]) -> int:
    """Rows of the next block; 0 while there are too few."""
    end = min(end for end in (*ends, done + _ROWS) if end > done)
    size = min(end - done, _ROWS)
    return size if ready >= size else 0
