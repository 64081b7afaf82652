"""Pairs of images by the published rule, from the annotation alone."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from itertools import permutations

import numpy as np

from posegen.utils.errors import ConfigError, DataError

from .annotations import Annotations, read_annotations

TRUNK_JOINTS = (2, 5, 8, 11)  # both shoulders, both hips
JUNK_PREFIXES = ('-1', '0000')  # Market-1501's distractors


def build_pairs(
    annotation_file: str | os.PathLike,
    dataset: str,
    sample: int | None = None,
    seed: int = 0,
) -> list[tuple[str, str]]:
    """All ordered pairs of images of one person (Market) or one outfit (DeepFashion).

    Images without both shoulders and both hips are left out, and so are Market-1501's
    distractors. Groups come in order of first appearance, names in file order.

    Args:
        annotation_file: joints of the images, ``.csv`` or ``.csv.gz``.
        dataset: 'market1501' or 'deepfashion', which decides what a group is.
        sample: draw this many pairs without replacement (all of them, shuffled, where
            there are fewer); None keeps the whole ordered list. 12000 on Market's test
            annotation and 8570 on DeepFashion's, with seed 0, are the released files.
        seed: of the draw.

    Returns:
        (source name, target name) pairs.

    Raises:
        ConfigError: another ``dataset``, or a ``sample`` below 0.
        DataError: the annotation cannot be read, or a name shows no group.
    """
    return pair_up(read_annotations(annotation_file), dataset, sample, seed)


def pair_up(
    annotations: Annotations, dataset: str, sample: int | None = None, seed: int = 0
) -> list[tuple[str, str]]:
    """Do what :func:`build_pairs` does, with annotations that have been read."""
    if dataset not in _GROUPS:
        raise ConfigError(f"dataset must be one of {sorted(_GROUPS)}, got '{dataset}'")
    if sample is not None and sample < 0:
        raise ConfigError(f'sample must be 0 or more, got {sample}')
    whole = (annotations.keypoints[:, TRUNK_JOINTS, 2] > 0).all(1)
    groups: dict[str, list[str]] = {}
    for name, usable in zip(annotations.names, whole):
        key = _GROUPS[dataset](name) if usable else None
        if key is not None:
            groups.setdefault(key, []).append(name)
    pairs = [pair for names in groups.values() for pair in permutations(names, 2)]
    return pairs if sample is None else _draw(pairs, sample, seed)


def _draw(
    pairs: list[tuple[str, str]], sample: int, seed: int
) -> list[tuple[str, str]]:
    # The released lists were drawn with NumPy's old generator; only it repeats them.
    rng = np.random.RandomState(seed)
    chosen = rng.choice(len(pairs), min(sample, len(pairs)), replace=False)
    return [pairs[index] for index in chosen]


def _market1501_person(name: str) -> str | None:
    """The 4-digit identity before the first underscore; None for distractors."""
    if name.startswith(JUNK_PREFIXES):
        return None
    match = re.match(r'(\d{4})_', name)
    if match is None:
        raise DataError(
            f"'{name}' is not a Market-1501 name: expected four digits and '_', as in "
            "'0002_c1s1_000451_03.jpg'"
        )
    return match[1]


def _deepfashion_outfit(name: str) -> str:
    """Item and look: 'id', 8 digits, 2 digits."""
    match = re.search(r'id\d{10}', name)
    if match is None:
        raise DataError(
            f"'{name}' is not a DeepFashion name: expected 'id' and ten digits in it, "
            "as in 'fashionMENShirts_Polosid0000180202_4full.jpg'"
        )
    return match.group()


_GROUPS: dict[str, Callable[[str], str | None]] = {
    'market1501': _market1501_person,
    'deepfashion': _deepfashion_outfit,
}
