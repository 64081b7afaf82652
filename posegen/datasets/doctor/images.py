"""Are the images there, whole, upright and of the right size?"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from posegen.utils.errors import DataError
from posegen.utils.image_types import is_image, unread_images
from posegen.utils.images import (
    open_image,
    orientation_of,
    read_image,
    to_rgb,
    unusual_pixels,
    upright_size,
)
from posegen.utils.progress import track

from .files import disguise_cure, disguise_of
from .findings import Finding, group
from .layouts import Size, Split
from .lists import Lists

_NUM_BANDS = 20  # images that are looked at for DeepFashion's filler
_LOST_WHOLE = 0.98  # more missing than this share: it is not single files that are lost


@dataclass(frozen=True)
class ImageState:
    """What reading one image told.

    Attributes:
        size: (height, width) as it is read, upright; None if it cannot be read.
        problem: why it cannot be read, in words; None if it can.
        turned: a camera noted that it has to be turned.
        unusual: what has to be made 8-bit RGB; None for usual pixels.
    """

    size: Size | None
    problem: str | None = None
    turned: bool = False
    unusual: str | None = None


def read_states(
    folder: Path, names: Iterable[str], fast: bool = False, title: str = 'images'
) -> dict[str, ImageState]:
    """Read images side by side, with progress.

    Args:
        folder: where they are.
        names: relative to it.
        fast: read headers only, which finds no image that breaks off.
        title: of the progress bar.
    """
    names = list(names)
    threads = min(os.cpu_count() or 1, 16)
    with ThreadPoolExecutor(threads) as pool:
        states = pool.map(lambda name: _read_state(folder / name, fast), names)
        return dict(zip(names, track(states, title, len(names))))


def _read_state(path: Path, fast: bool) -> ImageState:
    try:
        with open_image(path, path.name) as image:
            # A PNG without a note in front is decoded to look for one behind.
            if fast and image.format == 'PNG' and 'exif' not in image.info:
                return ImageState(image.size[::-1], unusual=unusual_pixels(image))
            if not fast:
                to_rgb(image, path.name)
            size, turned = upright_size(image), orientation_of(image) > 1
            return ImageState(size, turned=turned, unusual=unusual_pixels(image))
    except DataError as error:
        reason = str(error).split(': ', 1)[-1]
        broken = 'broken: ' if 'cannot be decoded' in str(error) else ''
        return ImageState(None, disguise_of(path) or f'{broken}{reason}')


def check_presence(split: Split, lists: Lists, there: set[str]) -> list[Finding]:
    """Images that lists name and that are not there, and the other way round."""
    named = set(lists.names)
    wanted = [name for name in lists.pair_names if name not in there]
    only_annotated = [n for n in lists.names if n not in there]
    only_annotated = sorted(set(only_annotated) - set(lists.pair_names))
    images = {name for name in there if is_image(name)}
    findings = []
    for cure, unread in unread_images(sorted(there - named)).items():
        text = f'{split.name}: {{n}} images in {split.images} are not read.'
        findings += group('note', 'not read', unread, text, f'each {cure}.')
    if wanted:
        findings += _explain_missing(split, wanted, images, len(lists.pair_names))
    if not wanted or len(only_annotated) > len(wanted):
        findings += group(
            'warning',
            'annotated, not there',
            only_annotated,
            f'{split.name}: {{n}} annotated images are not in {split.images}; no pair '
            'needs them.',
            'nothing to do for training; Frechet distances to all training images '
            'need them.',
        )
    extra = sorted(images - named) if named else []
    return findings + group(
        'note',
        'not annotated',
        extra,
        f'{split.name}: {{n}} images in {split.images} are in neither list.',
    )


def check_states(
    split: Split, lists: Lists, states: dict[str, ImageState]
) -> list[Finding]:
    """Images that cannot be read, are turned, or have another size than the joints."""
    return [
        *_check_readable(split, lists, states),
        *group(
            'warning',
            'turned',
            [name for name, state in states.items() if state.turned],
            f'{split.name}: {{n}} images carry a note of the camera to turn them, '
            'which all of posegen follows and the published code does not.',
            'see in the sheet that joints fit; those that were annotated on the stored '
            'pixels need images without the note (`exiftool -Orientation= FILES`).',
        ),
        *_check_pixels(split, states),
        *_check_sizes(split, states),
        *_check_bands(split, states),
    ]


def _check_pixels(split: Split, states: dict[str, ImageState]) -> list[Finding]:
    """Images that become 8-bit RGB by a rule of posegen's."""
    unusual: dict[str, list[str]] = {}
    for name, state in states.items():
        if state.unusual is not None:
            unusual.setdefault(state.unusual, []).append(name)
    return [
        finding
        for what, names in unusual.items()
        for finding in group(
            'warning',
            'pixel type',
            names,
            f'{split.name}: {{n}} images have {what}: they are read with white behind '
            'what is transparent and as 8 bits, and are refused by `posegen evaluate`.',
            'save them as 8-bit RGB, as published sets are.',
        )
    ]


def _check_readable(
    split: Split, lists: Lists, states: dict[str, ImageState]
) -> list[Finding]:
    needed = set(lists.pair_names)
    broken: dict[str, list[str]] = {}
    for name, state in states.items():
        if state.problem is not None:
            kind = re.sub(r'\d{2,}', 'N', state.problem)  # counts of bytes differ
            broken.setdefault(kind, []).append(name)
    findings = []
    for kind, names in broken.items():
        spare = not needed & set(names)
        findings += group(
            'warning' if spare else 'error',
            'unreadable',
            names,
            f'{split.name}: {{n}} images cannot be read: {kind}.',
            disguise_cure(kind, str(split.images / names[0])),
        )
    return findings


def _check_sizes(split: Split, states: dict[str, ImageState]) -> list[Finding]:
    sizes = Counter(state.size for state in states.values() if state.size)
    frame = split.annotation_size
    if not sizes or frame is None:
        return []
    odd = {s: n for s, n in sizes.items() if not _same_shape(s, frame)}
    if not odd or _is_known_squeeze(frame, odd):
        return []
    of_size = [
        f'{n} (height {size[0]}, width {size[1]}): '
        + next(name for name, state in states.items() if state.size == size)
        for size, n in sorted(odd.items(), key=lambda item: -item[1])
    ]
    count = sum(odd.values())
    finding = Finding(
        'error' if count > len(states) / 2 else 'warning',
        'image size',
        f'{split.name}: {count:,} of {len(states):,} images have other proportions '
        f'than the frame of the joints, {frame[0]} x {frame[1]} (height, width).',
        _size_cure(split),
        tuple(of_size[:3]),
        len(of_size),
    )
    return [finding]


def _check_bands(split: Split, states: dict[str, ImageState]) -> list[Finding]:
    """Square DeepFashion images with their filler, but joints of the crop without."""
    square = [name for name, state in states.items() if state.size == (256, 256)]
    if split.family != 'deepfashion' or split.annotation_size != (256, 176):
        return []
    checked = square[:_NUM_BANDS]
    banded = [name for name in checked if _has_bands(split.images / name)]
    if not checked or len(banded) < 0.8 * len(checked):
        return []
    return [
        Finding(
            'error',
            'joint frame',
            f'{split.name}: images are the 256 wide canvas with its flat bands left '
            'and right, but annotation_size says that joints lie on the 176 wide crop.',
            'use fasion-annotation-*.csv with annotation_size=(256, 256), or images of '
            f'the crop: {split.prepare} writes either.',
            tuple(banded[:3]),
            len(banded),
        )
    ]


def _has_bands(path: Path) -> bool:
    try:
        image = read_image(path).astype(np.float32)
    except DataError:
        return False
    return all(band.std(axis=1).max() < 4 for band in (image[:, :36], image[:, 220:]))


def _size_cure(split: Split) -> str:
    if split.family == 'deepfashion':
        return (
            'joints of the 256 wide canvas need images of that canvas: '
            f'{split.prepare} writes them; images of the 176 wide '
            'crop need fasion-resize-annotation-*.csv and annotation_size=(256, 176).'
        )
    return (
        'take the images that were annotated, or, if the joints are in the pixels of '
        'each image, set annotation_size=None.'
    )


def _same_shape(size: Size, frame: Size) -> bool:
    """Whether one is the other enlarged, but for rounding to whole pixels."""
    return abs(size[0] * frame[1] - size[1] * frame[0]) <= max(*size, *frame)


def _is_known_squeeze(frame: Size, sizes: Iterable[Size]) -> bool:
    """DeepFashion's crop stored as a square, the joints left on the crop: GFLA's."""
    return frame == (256, 176) and all(height == width for height, width in sizes)


def _explain_missing(
    split: Split, wanted: list[str], images: set[str], total: int
) -> list[Finding]:
    """Missing images, told apart by why: other name, other folder, or lost."""
    keys = {_key(name): name for name in images}
    bases = {_key(name.split('/')[-1]): name for name in images}
    elsewhere, renamed, lost = [], [], []
    for name in wanted:
        if found := keys.get(_key(name)):
            renamed.append(f'{name} is called {found}')
        elif found := bases.get(_key(name.split('/')[-1])):
            elsewhere.append(f'{name} is at {found}')
        else:
            lost.append(name)
    whole = len(lost) > _LOST_WHOLE * total
    many = f'{split.name}: {{n}} of {total:,} images that pairs name'
    return [
        *group(
            'error',
            'image names',
            renamed,
            f'{many} have another spelling or ending in {split.images}.',
            f'rename them, or write the folder with {split.prepare}.',
        ),
        *group(
            'error',
            'images one level off',
            elsewhere,
            f'{many} lie in another folder below {split.images}.',
            'move them up, or set image_dir to the folder that the names start in.',
        ),
        *group(
            'error',
            'images missing',
            lost,
            f'{many} are not in {split.images}.',
            _lost_cure(split, whole),
        ),
    ]


def _lost_cure(split: Split, whole: bool) -> str:
    todo = f'{"unpack" if whole else "complete"} the images'
    if split.family in ('deepfashion', 'market1501'):
        return f'{todo}; {split.prepare} says which of the raw ones are not there.'
    return f'{todo}, or make the set again with {split.prepare}.'


def _key(name: str) -> str:
    """The same for a name in other spelling: ending, case, fasion/fashion, dashes."""
    stem = re.sub(r'\.\w+$', '', name.lower()).replace('fasion', 'fashion')
    return re.sub(r'[\W_]', '', stem)
