"""What the published sets look like: names, counts, and where things go."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

SPLITS = ('train', 'test')


@dataclass(frozen=True)
class Kind:
    """What one published set has of its own.

    Attributes:
        name: 'deepfashion' or 'market1501', as :func:`build_pairs` knows it.
        title: for people.
        size: (height, width) of images and joints in its configs.
        image_dir, annotation_name, pair_name: where things go, with ``{split}``.
        patterns: names of the user's lists, see :func:`find_lists`; the first of them
            names the images.
        images, pairs: published numbers of each split.
        sample: pairs that are drawn for each split; None takes all.
        key: an image's path or name in any spelling to what identifies it, or None.
        example: of a path.
    """

    name: str
    title: str
    size: tuple[int, int]
    image_dir: str
    annotation_name: str
    pair_name: str
    patterns: Mapping[str, tuple[str, ...]]
    images: Mapping[str, int]
    pairs: Mapping[str, int]
    sample: Mapping[str, int | None]
    key: Callable[[str], str | None]
    example: str
