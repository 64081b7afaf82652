"""DeepFashion In-shop: from the trees as they unpack to the layout of the configs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from posegen.datasets.annotations import Annotations
from posegen.utils.errors import ConfigError, DataError
from posegen.utils.image_files import Conversion
from posegen.utils.images import open_image, upright_size

from .flow import Look, Preparation
from .folder import Index, index_files
from .joints import CANVAS, CANVAS_WIDTH, CROP_WIDTH, PERSON, SHIFT, read_canvas_joints
from .kinds import Kind
from .lists import SplitLists, read_image_list
from .names import parse_deepfashion
from .report import Report

RAW_VIEWS = ('canvas', 'person')
_ASPECT = 750 / 1101  # of the high-resolution pictures; 176 / 256 is near enough
_PROBES = 31  # pictures whose shape tells that of the tree


def _key(path: str) -> str | None:
    name = parse_deepfashion(path)
    return name and name.key


_EXAMPLE = 'WOMEN/Tees_Tanks/id_00007962/09_1_front.jpg'

DEEPFASHION = Kind(
    name='deepfashion',
    title='DeepFashion',
    size=(256, 256),
    image_dir='{split}',
    annotation_name='fasion-annotation-{split}.csv',
    pair_name='fasion-pairs-{split}.csv',
    patterns={
        'images': ('{split}.lst',),
        'annotation': (
            'fasion-annotation-{split}.csv',
            'fashion-annotation-{split}.csv',
            'fasion-resize-annotation-{split}.csv',
            'fashion-resize-annotation-{split}.csv',
        ),
        'pairs': (
            'fasion-pairs-{split}.csv',
            'fashion-pairs-{split}.csv',
            'fasion-resize-pairs-{split}.csv',
            'fashion-resize-pairs-{split}.csv',
        ),
    },
    images={'train': 48674, 'test': 4038},
    pairs={'train': 101966, 'test': 8570},
    sample={'train': None, 'test': 8570},
    key=_key,
    example=_EXAMPLE,
)


@dataclass
class DeepFashionPreparation(Preparation):
    """Prepare DeepFashion In-shop; see :class:`Preparation` for the other arguments.

    Two published trees show the same photos: ``img_highres``, 750 x 1101 (width x
    height), and ``img``, the same on a square of 256 columns, with a band of 40 to the
    left and to the right. By default either becomes 256 x 256 by squashing, which is
    GFLA's way for the first and changes nothing about the second; joints go along.

    Attributes:
        raw_view: 'canvas' for squares with bands, 'person' for pictures without; None
            goes by the shape of the raw pictures.
        annotation_frame: columns that the user's joints are on, 256 or 176; None goes
            by where most joints are (:func:`~.joints.guess_frame`).
    """

    raw_view: str | None = None
    annotation_frame: int | None = None

    kind = DEEPFASHION

    def check(self) -> None:
        """See :meth:`Preparation.run`."""
        super().check()
        if self.raw_view not in (None, *RAW_VIEWS):
            raise ConfigError(
                f"raw_view must be one of {', '.join(RAW_VIEWS)}, got '{self.raw_view}'"
            )
        if self.annotation_frame not in (None, CANVAS_WIDTH, CROP_WIDTH):
            raise ConfigError(
                f'annotation_frame must be {CANVAS_WIDTH} or {CROP_WIDTH}, got '
                f'{self.annotation_frame}'
            )

    def read_wanted(self, lists: SplitLists) -> dict[str, str]:
        """Every image of the list, under its published name."""
        names = read_image_list(lists.images, _flat_name, _EXAMPLE)
        return {_key(name): name for name in names}

    def index(self, splits: Sequence[str]) -> dict[str, Index]:
        """All images below ``raw``: the tree does not tell the splits apart."""
        return dict.fromkeys(splits, index_files(self.walk_raw(), _key))

    def look(self, files: Sequence[Path], known: str | None) -> Look:
        """See :meth:`Preparation.look`.

        Raises:
            DataError: no raw picture can be opened, so that their shape is not known.
            ConfigError: a crop is asked for of pictures that have no bands.
        """
        raw_view = self.raw_view or (_probe(files) if files else known)
        if raw_view is None:
            raise DataError(
                f'no listed image was found below {self.raw}; check --raw and the lists'
            )
        crop = self.options.fit == 'crop'
        if crop and raw_view == 'person':
            raise ConfigError(
                "fit='crop' takes the middle of square pictures (the img tree), but "
                f"those below {self.raw} show that already: use fit='squash'"
            )
        on_canvas = raw_view == 'canvas'
        conversion = Conversion(
            size=self.options.size,
            crop=(SHIFT, SHIFT + CROP_WIDTH, CANVAS_WIDTH) if crop else None,
            square=on_canvas,
            filter=self.options.filter,
            file_type=self.options.file_type,
            quality=self.options.jpeg_quality,
        )
        view = CANVAS if on_canvas and not crop else PERSON
        return Look(raw_view, view, conversion, None if on_canvas else _ASPECT)

    def read_joints(self, file: Path) -> tuple[Annotations, int]:
        """See :func:`~.joints.read_canvas_joints`."""
        return read_canvas_joints(file, self.annotation_frame)


def prepare_deepfashion(
    raw: str | os.PathLike, out: str | os.PathLike, **options: Any
) -> Report:
    """Prepare DeepFashion In-shop for ``configs/_base_/datasets/deepfashion-256x256``.

    Args:
        raw: folder above the ``img`` or the ``img_highres`` tree, or above images with
            published names.
        out: folder to fill: ``train/``, ``test/``, ``fasion-annotation-*.csv``,
            ``fasion-pairs-*.csv``, ``manifest.json``. A run that was stopped goes on
            where it was; a complete folder is left as it is.
        **options: see :class:`DeepFashionPreparation`.

    Returns:
        What was found and what is missing.

    Raises:
        ConfigError, DataError: see :meth:`Preparation.run`.
    """
    return DeepFashionPreparation(Path(raw), Path(out), **options).run()


def _flat_name(path: str) -> str | None:
    name = parse_deepfashion(path)
    return name and name.flat


def _probe(files: Sequence[Path]) -> str:
    """The view that most of some pictures from all over the tree have."""
    views = []
    for file in files[:: max(1, len(files) // _PROBES)]:
        try:
            with open_image(file, str(file)) as image:
                height, width = upright_size(image)
        except DataError:
            continue
        views.append('canvas' if width == height else 'person')
    if not views:
        raise DataError(
            f'{files[0]} and others cannot be opened as images; check --raw'
        )
    return max(RAW_VIEWS, key=views.count)
