"""The hue correlation of folders of results, where their truth is known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from posegen.codecs.names import pair_stem, respell
from posegen.datasets.transforms import LoadTruth
from posegen.evaluation import functional as F
from posegen.evaluation.aggregate import Interval
from posegen.evaluation.pairs import Pair, cut_strip, read_image
from posegen.utils.errors import DataError

HUE_CORRELATION = 'hue_correlation'


def find_truths(pairs: Sequence[Pair], folder: str | Path) -> list[Path]:
    """Files of truth, ``<source stem>___<target stem>.npz``, of pairs.

    Raises:
        DataError: The folder or a file is not there, or a pair's source is not known.
    """
    folder, files = Path(folder), []
    if not folder.is_dir():
        raise DataError(f"--truth '{folder}' is not a folder")
    there = {file.name for file in folder.iterdir()}
    for pair in pairs:
        if pair.source is None:
            raise DataError(
                f"'{pair.image}': no source is known, whose name that of its truth "
                'begins with'
            )
        name = f'{pair_stem(pair.source, pair.target)}.npz'
        name = respell([name], there).get(name, name)
        if name not in there:
            raise DataError(f"'{folder}' has no truth '{name}' of '{pair.image}'")
        files.append(folder / name)
    return files


def score_hues(
    pairs: Sequence[Pair], truths: Sequence[Path]
) -> tuple[float, Interval] | str:
    """Hue correlation over pairs, and its 95 % interval by drawing pairs again.

    Args:
        pairs: Results and targets; a result is judged as it is stored.
        truths: Their files of truth, of the size of the targets.

    Returns:
        The score and the interval, or why there is no score.

    Raises:
        DataError: A file of truth cannot be read, or is not of the target's size.
    """
    found = []
    for pair, truth in zip(pairs, truths):
        hues = _pair_hues(pair, truth)
        if isinstance(hues, str):
            return hues
        found.append(hues)
    hues = torch.stack(found)
    score = _correlate(hues, np.arange(len(hues)))
    if math.isnan(score):
        return (
            'needs two regions or more, of differing hues in the targets and of over '
            f'{F.HUE_MIN_PIXELS} pixels'
        )
    interval = F.bootstrap_interval(np.arange(len(hues)), partial(_correlate, hues))
    return score, interval


def _pair_hues(pair: Pair, truth: Path) -> Tensor | str:
    """(2, labels, 2), hues of a result and its target, or why they have none."""
    real = read_image(pair.target)
    fake = cut_strip(read_image(pair.image), real.shape[:2])
    if fake.shape != real.shape:
        sizes = ['{}x{}'.format(*image.shape[:2]) for image in (fake, real)]
        return (
            f"'{pair.image}' and '{pair.target}': the result is {sizes[0]} but its "
            f'target {sizes[1]}'
        )
    wanted = dict(truth_path=str(truth), image_size=real.shape[:2])
    labels = torch.from_numpy(LoadTruth()(wanted)['part_labels'])
    images = torch.from_numpy(np.stack([fake, real])).permute(0, 3, 1, 2)
    return F.region_hues(images, labels.expand(2, -1, -1))


def _correlate(hues: Tensor, places: np.ndarray) -> float:
    """Over the pairs at some places of (N, 2, labels, 2)."""
    fake, real = hues[torch.from_numpy(places)].unbind(1)
    return F.hue_correlation(fake, real)
