"""Market-1501: from the folders as they unpack to the layout of the configs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from posegen.datasets.annotations import Annotations, read_annotations
from posegen.utils.errors import ConfigError, DataError
from posegen.utils.image_files import Conversion

from .flow import Look, Preparation
from .folder import Index, index_files
from .joints import STREET
from .kinds import Kind
from .lists import SplitLists
from .names import market1501_key
from .options import ImageOptions
from .report import Report

MARKET1501 = Kind(
    name='market1501',
    title='Market-1501',
    size=(128, 64),
    image_dir='bounding_box_{split}',
    annotation_name='market-annotation-{split}.csv',
    pair_name='market-pairs-{split}.csv',
    patterns={
        'annotation': ('market-annotation-{split}.csv',),
        'pairs': ('market-pairs-{split}.csv',),
    },
    images={'train': 12936, 'test': 19732},
    pairs={'train': 263632, 'test': 12000},
    sample={'train': None, 'test': 12000},
    key=market1501_key,
    example='bounding_box_train/0002_c1s1_000451_03.jpg',
)


@dataclass
class Market1501Preparation(Preparation):
    """Prepare Market-1501; see :class:`Preparation` for the arguments.

    By default every file is copied as it is, after it was decoded once. The images are
    those that the annotation names, which are all of ``bounding_box_train`` and
    ``bounding_box_test``. Where ``out`` is ``raw`` they stay where they are.
    """

    options: ImageOptions = ImageOptions(size=None)

    kind = MARKET1501
    in_place = True

    def check(self) -> None:
        """See :meth:`Preparation.run`."""
        super().check()
        if self.options.fit != 'squash':
            raise ConfigError("fit must be 'squash' for Market-1501; it has no bands")
        if self._is_in_place and self.options != ImageOptions(size=None):
            raise ConfigError(
                'images are prepared in place only as they are: name another --out for '
                'images of another size or type'
            )

    def read_wanted(self, lists: SplitLists) -> dict[str, str]:
        """Every image that has a row of joints.

        Raises:
            DataError: a row names no image of the set.
        """
        names = read_annotations(lists.annotation).names
        strange = [name for name in names if market1501_key(name) != name]
        if strange:
            raise DataError(
                f"{lists.annotation}: '{strange[0]}' is not the name of a Market-1501 "
                'image; expected names such as 0002_c1s1_000451_03.jpg'
            )
        return {name: name for name in names}

    def index(self, splits: Sequence[str]) -> dict[str, Index]:
        """Images below ``bounding_box_<split>``, or below ``<split>`` without that."""
        paths = list(self.walk_raw())
        # The raw folder itself may be the one, those above it may not.
        start = len(self.raw.absolute().parent.parts)
        parts = [set(PurePosixPath(path).parts[start:-1]) for path in paths]
        return {split: _index_split(split, paths, parts) for split in splits}

    def look(self, files: Sequence[Path], known: str | None) -> Look:
        """See :meth:`Preparation.look`."""
        conversion = Conversion(
            size=self.options.size,
            filter=self.options.filter,
            file_type=self.options.file_type,
            quality=self.options.jpeg_quality,
        )
        return Look(None, STREET, conversion)

    def read_joints(self, file: Path) -> tuple[Annotations, int]:
        """Joints are annotated in the pixels of the images."""
        return read_annotations(file), STREET.size[1]


def prepare_market1501(
    raw: str | os.PathLike, out: str | os.PathLike, **options: Any
) -> Report:
    """Prepare Market-1501 for ``configs/_base_/datasets/market1501-128x64``.

    Args:
        raw: folder above ``bounding_box_train`` and ``bounding_box_test``, which may be
            called ``train`` and ``test`` too; the other folders of the set are ignored.
        out: folder to fill: ``bounding_box_train/``, ``bounding_box_test/``,
            ``market-annotation-*.csv``, ``market-pairs-*.csv``, ``manifest.json``. A
            run that was stopped goes on where it was; a complete folder is left as it
            is.
        **options: see :class:`Market1501Preparation`.

    Returns:
        What was found and what is missing.

    Raises:
        ConfigError, DataError: see :meth:`Preparation.run`.
    """
    return Market1501Preparation(Path(raw), Path(out), **options).run()


def _index_split(split: str, paths: Sequence[str], parts: Sequence[set[str]]) -> Index:
    for folder in (f'bounding_box_{split}', split):
        below = [path for path, above in zip(paths, parts) if folder in above]
        index = index_files(below, market1501_key)
        if index:
            return index
    return {}
