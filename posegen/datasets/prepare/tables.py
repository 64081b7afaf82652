"""Annotation and pair file of a split, from the user's lists."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from posegen.datasets.annotations import Annotations, read_pairs
from posegen.datasets.pairs import pair_up

from .kinds import Kind
from .lists import SplitLists

Pair = tuple[str, str]
Key = Callable[[str], str | None]


@dataclass
class Tables:
    """Rows of a split under the names of its image files.

    Attributes:
        annotations: in the user's order; only images of the split.
        pairs: all of them.
        missing: (name, reason) of images without joints, and of names that only the
            pair file knows.
    """

    annotations: Annotations
    pairs: list[Pair]
    missing: list[tuple[str, str]] = field(default_factory=list)


def make_tables(
    annotations: Annotations,
    wanted: Mapping[str, str],
    kind: Kind,
    split: str,
    lists: SplitLists,
) -> Tables:
    """Bring joints and pairs under the names of the image files.

    Args:
        annotations: joints as they were annotated; these decide which images pair.
        wanted: file name of each image of the split, by its key.
        kind: the set.
        split: 'train' or 'test'.
        lists: the user's files; where they have no pairs these are built.
    """
    annotations, missing = _rename(annotations, wanted, kind.key, lists.annotation)
    if lists.pairs is None:
        pairs = pair_up(annotations, kind.name, kind.sample[split])
    else:
        pairs, unknown = _read_pairs(lists.pairs, wanted, kind.key)
        missing += unknown
    return Tables(annotations, pairs, missing)


def _rename(
    annotations: Annotations, wanted: Mapping[str, str], key: Key, file: Path
) -> tuple[Annotations, list[tuple[str, str]]]:
    names = {wanted.get(key(name)): row for row, name in enumerate(annotations.names)}
    names.pop(None, None)
    reason = f'no joints in {file.name}'
    missing = [(name, reason) for name in wanted.values() if name not in names]
    keypoints = annotations.keypoints[list(names.values())]
    return Annotations(list(names), keypoints), missing


def _read_pairs(
    file: Path, wanted: Mapping[str, str], key: Key
) -> tuple[list[Pair], list[tuple[str, str]]]:
    pairs, unknown = [], {}
    for pair in read_pairs(file):
        names = tuple(wanted.get(key(name)) for name in pair)
        if None in names:
            unknown |= dict.fromkeys(n for n, m in zip(pair, names) if m is None)
        else:
            pairs.append(names)
    reason = f'named in {file.name}, but no image of the split'
    return pairs, [(name, reason) for name in unknown]
