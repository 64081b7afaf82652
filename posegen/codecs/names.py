"""Names of the files that belong to a pair of images."""

from __future__ import annotations

from pathlib import PurePath

PAIR_SEPARATOR = '___'


def pair_stem(source: str | PurePath, target: str | PurePath) -> str:
    """``<from stem>___<to stem>`` of two image names; their folders do not count.

    Results, and the ground truth of synthetic pairs, are called so.
    """
    return f'{PurePath(source).stem}{PAIR_SEPARATOR}{PurePath(target).stem}'


def split_pair_stem(stem: str) -> tuple[str, str]:
    """The stems of the two images that :func:`pair_stem` joined.

    Raises:
        ValueError: ``stem`` is not two names with one separator between them.
    """
    source, _, target = stem.partition(PAIR_SEPARATOR)
    if not source or not target or PAIR_SEPARATOR in target:
        raise ValueError(
            f"expected '<source>{PAIR_SEPARATOR}<target>' of two image names, got "
            f"'{stem}'"
        )
    return source, target
