"""Which files a data set consists of: by its config, or by what its folder looks like.

The layouts are those of the data configs (``configs/_base_/datasets``) and of the sets
that ``make_photo_set`` writes.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from posegen.datasets.pose_pair_dataset import check_size
from posegen.datasets.prepare.manifest import read_manifest
from posegen.utils.errors import DataError

Size = tuple[int, int]


@dataclass(frozen=True)
class Split:
    """The files of one split.

    Attributes:
        name: such as 'train'.
        family: 'deepfashion', 'market1501', 'synthetic' or 'own': what its names and
            counts are compared with.
        root: folder that the other paths start from.
        image_dir: folder of the images.
        annotation_file: joints.
        pair_file: pairs.
        truth_dir: folder of the true flows; None if there is none.
        annotation_size: (height, width) of the joints' frame; None means each image's.
        image_size: (height, width) that a model works at, where it is known.
        scaling: see :class:`posegen.datasets.PosePairDataset`.
    """

    name: str
    family: str
    root: Path
    image_dir: str
    annotation_file: str
    pair_file: str
    truth_dir: str | None = None
    annotation_size: Size | None = None
    image_size: Size | None = None
    scaling: str = 'center'

    @property
    def images(self) -> Path:
        return self.root / self.image_dir

    @property
    def annotations(self) -> Path:
        return self.root / self.annotation_file

    @property
    def pairs(self) -> Path:
        return self.root / self.pair_file

    @property
    def truth(self) -> Path | None:
        return None if self.truth_dir is None else self.root / self.truth_dir

    @property
    def paths(self) -> tuple[Path, Path, Path]:
        """Image folder, annotation file, pair file."""
        return self.images, self.annotations, self.pairs

    @property
    def prepare(self) -> str:
        """The command that writes such a folder, in backticks."""
        return f'`{LAYOUTS[self.family].prepare} --out {shlex.quote(str(self.root))}`'

    def is_whole_set(self) -> bool:
        """Whether the files are called as those of a published split are."""
        layout = LAYOUTS.get(self.family)
        known = layout and layout.splits.get(self.name)
        return bool(known) and known[1:] == (self.annotation_file, self.pair_file)


@dataclass(frozen=True)
class Layout:
    """How a data set is laid out, and how its images are called.

    Attributes:
        title: for people.
        splits: name -> (image folder, annotation file, pair file).
        size: (height, width) of the joints' frame; None means each image's own.
        scaling: the default of its config.
        names: what the names of its images look like; None for any name.
        counts: split -> (annotated images, pairs) as published.
        prepare: the command that writes such a folder, but for ``--out``.
    """

    title: str
    splits: dict[str, tuple[str, str, str]]
    size: Size | None
    scaling: str
    names: re.Pattern | None
    counts: dict[str, tuple[int, int]]
    prepare: str


LAYOUTS: dict[str, Layout] = {
    'deepfashion': Layout(
        title='DeepFashion In-shop',
        splits={
            split: (
                split,
                f'fasion-annotation-{split}.csv',
                f'fasion-pairs-{split}.csv',
            )
            for split in ('train', 'test')
        },
        size=(256, 256),
        scaling='gfla',
        names=re.compile(r'fashion(WO)?MEN\w+?id\d{10}_\w+\.\w+'),
        counts={'train': (48_674, 101_966), 'test': (4_038, 8_570)},
        prepare='python tools/datasets/prepare_deepfashion.py --raw RAW --lists LISTS',
    ),
    'market1501': Layout(
        title='Market-1501',
        splits={
            split: (
                f'bounding_box_{split}',
                f'market-annotation-{split}.csv',
                f'market-pairs-{split}.csv',
            )
            for split in ('train', 'test')
        },
        size=(128, 64),
        scaling='gfla',
        names=re.compile(r'(\d{4}|-1)_c\ds\d_\d{6}_\d{2}(\.\w+)+'),
        counts={'train': (12_936, 263_632), 'test': (19_732, 12_000)},
        prepare='python tools/datasets/prepare_market1501.py --raw RAW --lists LISTS',
    ),
    'synthetic': Layout(
        title='synthetic people',
        splits={
            split: (
                split,
                f'synthetic-annotation-{split}.csv',
                f'synthetic-pairs-{split}.csv',
            )
            for split in ('train', 'test')
        },
        size=None,
        scaling='center',
        names=None,
        counts={},
        prepare='python tools/datasets/make_synthetic.py',
    ),
    'own': Layout(
        title='own photos',
        splits={
            split: (split, f'annotation-{split}.csv', f'pairs-{split}.csv')
            for split in ('train', 'test')
        },
        size=None,
        scaling='center',
        names=None,
        counts={},
        prepare='python tools/datasets/make_photo_set.py --photos DIR --keypoints FILE',
    ),
}

_RAW_SIGNS = {
    'deepfashion': ('img', 'img_highres', 'WOMEN', 'MEN', 'In-shop*', '*img*.zip'),
    'market1501': ('bounding_box_*', 'query', 'gt_bbox', 'Market-1501*'),
}


def spelling_key(name: str) -> str:
    """The same for all spellings of a file: fasion/fashion, case, dashes, ``.gz``."""
    name = re.sub(r'(\.gz|\.csv|\.txt)+$', '', name.lower())
    return re.sub(r'[\W_]', '', name.replace('fashion', 'fasion'))


def recognise(folder: Path) -> str | None:
    """Which family a folder belongs to, also when its files are misspelt; or None."""
    there = {spelling_key(name) for name in os.listdir(folder)}
    scores = {
        family: sum(
            spelling_key(name) in there
            for files in layout.splits.values()
            for name in files[1:]
        )
        for family, layout in LAYOUTS.items()
    }
    best = max(scores, key=lambda family: scores[family])
    if scores[best]:
        return best
    for family, signs in _RAW_SIGNS.items():
        if any(any(folder.glob(sign)) for sign in signs):
            return family
    return None


def parent_set(folder: Path) -> Path | None:
    """The data set above, where a folder is that of a split's images; or None."""
    above = folder.resolve().parent
    family = recognise(above)
    splits = LAYOUTS[family].splits.values() if family else ()
    return above if folder.resolve().name in {files[0] for files in splits} else None


def splits_of_folder(folder: str | Path, family: str) -> list[Split]:
    """The splits that a folder of a family should hold.

    Sizes are those of its config, or what a prepare script noted in the folder.
    """
    layout = LAYOUTS[family]
    size = _prepared_size(Path(folder)) or layout.size
    common = {'annotation_size': size, 'image_size': size}
    splits = []
    for name, files in layout.splits.items():
        truth = f'truth/{name}'
        has_truth = family == 'synthetic' and (Path(folder) / truth).is_dir()
        splits.append(
            Split(
                name,
                family,
                Path(folder),
                *files,
                truth_dir=truth if has_truth else None,
                scaling=layout.scaling,
                **common,
            )
        )
    return splits


def _prepared_size(folder: Path) -> Size | None:
    """(height, width) of the joints' frame by the manifest, where there is one."""
    try:
        size = (read_manifest(folder) or {}).get('annotation_size')
    except DataError:
        return None  # of another program
    return size and tuple(size)


def split_of_dataset(name: str, dataset: Mapping[str, Any]) -> Split:
    """The split that the arguments of a ``PosePairDataset`` describe.

    Args:
        name: how the report calls it, such as 'train'.
        dataset: the arguments, ``data_root`` among them.

    Raises:
        ConfigError: a size is not (height, width).
    """
    annotation_file = str(dataset['annotation_file'])
    size, frame = dataset.get('image_size'), dataset.get('annotation_size')
    may_miss_truth = dataset.get('truth_missing') == 'empty'
    return Split(
        name,
        _family_of(annotation_file),
        Path(dataset['data_root']),
        str(dataset['image_dir']),
        annotation_file,
        str(dataset['pair_file']),
        truth_dir=None if may_miss_truth else dataset.get('truth_dir'),
        annotation_size=frame and check_size('annotation_size', frame),
        image_size=size and check_size('image_size', size),
        scaling=dataset.get('scaling', 'gfla'),
    )


def _family_of(annotation_file: str) -> str:
    key = spelling_key(Path(annotation_file).name)
    prefixes = {'fasion': 'deepfashion', 'market': 'market1501', 'synth': 'synthetic'}
    return next((f for p, f in prefixes.items() if key.startswith(p)), 'own')
