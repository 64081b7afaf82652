"""A data set of one's own photos: pictures and keypoints in, a set that trains out.

Who is in which photo comes from sub-folders, from a pattern in the names or from a csv
file. The photos are letterboxed, so that what a model learns on keeps the proportions
that ``posegen infer`` shows it later.
"""

from __future__ import annotations

import csv
import os
import re
import shutil
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import permutations
from pathlib import Path, PurePosixPath

import numpy as np

from posegen.codecs.formats import other_frame, outside_frame
from posegen.codecs.names import MAX_STEM, name_key, safe_stem
from posegen.utils.errors import ConfigError, DataError
from posegen.utils.folders import list_files
from posegen.utils.image_types import describe_unread, is_image, unread_images
from posegen.utils.images import open_image, save_image, to_rgb, upright_size
from posegen.utils.paths import SHIPPED, configs_root
from posegen.utils.progress import track

from .annotations import Annotations, write_annotations, write_pairs
from .letterbox import fit, place_image, place_keypoints

PHOTO_LIST = 'photos.csv'
PHOTO_HEADER = ('name', 'group', 'split', 'photo')
SPLITS = ('train', 'test')
CROP_MARGIN = 0.2  # of the height of the joints' box, on each side: hair, hands, feet
SMALL = 1 / 3  # of the photo's height; people below it deserve to be cut out
STRIDE = 32  # of the deepest layer: sizes must be multiples of it


@dataclass(frozen=True)
class PhotoSetOptions:
    """How photos become a set.

    Attributes:
        size: (height, width) of what is written, multiples of 32.
        crop: cut each photo around its person first; otherwise it is used as a whole.
        min_joints: photos with fewer present joints are left out.
        test_fraction: share of the groups that are kept for testing.
        seed: of the choice of these groups.
        model: name of the config that the set's own config starts from; None takes the
            small one that is nearest in size.
        workers: photos that are worked on at a time.
    """

    size: tuple[int, int] = (256, 192)
    crop: bool = False
    min_joints: int = 6
    test_fraction: float = 0.1
    seed: int = 0
    model: str | None = None
    workers: int = 2

    def __post_init__(self) -> None:
        if any(n <= 0 or n % STRIDE for n in self.size):
            raise ConfigError(
                f'size must be (height, width) in multiples of {STRIDE}, got '
                f'{self.size}'
            )
        if not 0 <= self.test_fraction < 1:
            raise ConfigError(
                f'test_fraction must be in [0, 1), got {self.test_fraction}'
            )
        if self.min_joints < 1:
            raise ConfigError(f'min_joints must be at least 1, got {self.min_joints}')
        if self.workers < 1:
            raise ConfigError(f'workers must be at least 1, got {self.workers}')
        if self.seed < 0:
            raise ConfigError(f'seed must be 0 or more, got {self.seed}')


@dataclass
class PhotoSet:
    """What was written, and what was not.

    Attributes:
        folder: of the set.
        counts: split -> (groups, images, pairs).
        left_out: reason -> photos.
        small: photos whose person fills less than a third of their height.
        unused: names of keypoints that belong to no photo.
        outside: joints just outside their photos, which count as missing.
    """

    folder: Path
    counts: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    small: list[str] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)
    outside: int = 0

    @property
    def config(self) -> Path:
        """The config file that trains on the set."""
        return self.folder / 'config.py'


# -- who is in which photo -------------------------------------------------------------


def list_photos(folder: str | Path) -> list[str]:
    """Pictures below a folder, sorted, relative to it with '/'.

    :func:`~posegen.utils.folders.list_files` says how links and hidden files are taken.

    Raises:
        DataError: there is no such folder, or no picture in it that is read.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f'the folder of photos {folder} does not exist; check the path')
    files = list_files(folder)
    names = [name for name in files if is_image(name)]
    if not names:
        unread = ''.join(f'; {sentence}' for sentence in describe_unread(files))
        raise DataError(
            f'there is no photo in {folder}: expected files such as .jpg, .png or '
            f'.webp{unread}'
        )
    return names


def group_by_folder(photos: Iterable[str]) -> dict[str, str]:
    """Photo -> name of the folder it lies in.

    Raises:
        DataError: photos lie in no folder.
    """
    groups = {name: PurePosixPath(name_key(name)).parent.as_posix() for name in photos}
    loose = [name for name, folder in groups.items() if folder == '.']
    if loose:
        raise DataError(
            f'nothing says who is in {loose[0]}: put the photos of each person into a '
            'folder of their own, or give a csv file of names and groups, or a group '
            "pattern such as '^([a-z]+)_', which finds anna in anna_01.jpg"
        )
    return groups


def group_by_pattern(photos: Iterable[str], pattern: str) -> dict[str, str]:
    """Photo -> what a regular expression finds in its name.

    Args:
        photos: names, with their folders.
        pattern: searched in the name, with '/' between folders and letters composed;
            its first group counts, or all of it where it has none. Photos without a
            match, or where it is empty, belong to nobody.

    Raises:
        ConfigError: the pattern is not a regular expression.
        DataError: it matches no name.
    """
    try:
        regex = re.compile(unicodedata.normalize('NFC', pattern))
    except re.error as error:
        raise ConfigError(
            f'the group pattern {pattern!r} is no regular expression: {error}'
        ) from error
    matches = {name: regex.search(name_key(name)) for name in photos}
    found = {name: m[min(regex.groups, 1)] for name, m in matches.items() if m}
    groups = {name: group for name, group in found.items() if group}
    if not groups:
        first = next(iter(matches), 'none')
        raise DataError(
            f'the group pattern {pattern!r} matches none of {len(matches)} names, such '
            f'as {first!r}'
        )
    return groups


def group_by_file(photos: Iterable[str], file: str | Path) -> dict[str, str]:
    """Photo -> group as a csv file with the columns ``name,group`` has it.

    Args:
        photos: names, with their folders; a file name alone does where it is unique.
        file: one photo a line; the header may be left out.

    Raises:
        DataError: the file is missing, or a line has not two columns.
    """
    try:
        text = Path(file).read_text(encoding='utf-8-sig')
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f'{file} cannot be read as text: {error}') from error
    table = {}
    for number, row in enumerate(csv.reader(text.splitlines()), start=1):
        cells = [cell.strip() for cell in row]
        if len(cells) != 2 or not all(cells):
            raise DataError(
                f"{file}, line {number}: expected 'name,group', got {','.join(row)!r}"
            )
        table[cells[0]] = cells[1]
    if table.get('name') == 'group':
        del table['name']
    names = match_names(list(photos), list(table))
    return {photo: table[name] for photo, name in names.items()}


def match_names(photos: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """Photo -> the name that another list has for it.

    A photo is looked for by its path, then without the ending, then by its file name
    and without that ending; the last two only where no other photo is called so. Last,
    a name may have folders in front of the photo's path, where only one has. Spellings
    do not count (:func:`~posegen.codecs.names.name_key`).
    """
    exact = {name_key(name): name for name in reversed(names)}
    stems = {_stem(name): name for name in reversed(names)}
    keys = {photo: name_key(photo) for photo in photos}
    bases = [PurePosixPath(key).name for key in keys.values()]
    unique = {base for base, n in Counter(map(_stem, bases)).items() if n == 1}
    found = {}
    for (photo, key), base in zip(keys.items(), bases):
        name = exact.get(key) or stems.get(_stem(key))
        if name is None and _stem(base) in unique:
            name = exact.get(base) or stems.get(_stem(base))
        if name is not None:
            found[photo] = name
    if len(found) < len(keys):
        free = set(names) - set(found.values())
        tails = _tails([name for name in names if name in free])
        for photo in keys.keys() - found.keys():
            if (name := tails.get(_stem(keys[photo]))) is not None:
                found[photo] = name
    return {photo: found[photo] for photo in keys if photo in found}


def _tails(names: Sequence[str]) -> dict[str, str | None]:
    """Ends of names, of whole folders, without endings -> the one name, or None."""
    tails: dict[str, str | None] = {}
    for name in names:
        parts = PurePosixPath(_stem(name)).parts
        for count in range(1, len(parts)):
            tail = '/'.join(parts[-count:])
            tails[tail] = None if tail in tails else name
    return tails


def _stem(name: str) -> str:
    """Without the ending, and without what OpenPose puts behind the photo's name."""
    path = PurePosixPath(name_key(name))
    ended = is_image(path) or path.suffix.lower() == '.json'
    stem = path.stem if ended else path.name
    return (path.parent / stem.removesuffix('_keypoints')).as_posix()


def photo_sizes(
    folder: str | Path, photos: Iterable[str]
) -> dict[str, tuple[int, int]]:
    """(height, width) of photos as they are seen, with the camera's orientation.

    Photos that cannot be read are left out; :func:`make_photo_set` names them.
    """
    sizes = {}
    for name in photos:
        try:
            with open_image(Path(folder) / name, name) as image:
                sizes[name] = upright_size(image)
        except DataError:
            continue
    return sizes


# -- the set ---------------------------------------------------------------------------


def make_photo_set(
    photos: str | Path,
    keypoints: Annotations,
    groups: Mapping[str, str],
    out: str | Path,
    options: PhotoSetOptions | None = None,
) -> PhotoSet:
    """Make a data set of photos and keypoints.

    Orientation notes of cameras are applied first, as viewers and OpenCV (with it most
    detectors) do; keypoints are in the pixels of the photo as it is seen then. What is
    transparent becomes white (:func:`~posegen.utils.images.to_rgb`). Photos
    are scaled to fit ``size`` and centred, free space repeats their edge, and the
    joints move along; those just outside the photo become missing, and photos of which
    joints clearly lie outside (:func:`~posegen.codecs.formats.other_frame`) are left
    out. All ordered pairs inside a group are listed; a group is either in
    training or in testing.

    Args:
        photos: folder of pictures.
        keypoints: of the photos, by their names (:func:`match_names`).
        groups: photo -> who is in it.
        out: folder to make; it appears when everything is in it.
        options: see :class:`PhotoSetOptions`.

    Returns:
        What was written, and which photos were left out for what reason.

    Raises:
        DataError: ``out`` exists, or no group has two usable photos.
    """
    options = options or PhotoSetOptions()
    photos, out = Path(photos), Path(out).resolve()
    base = _base_config(options)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f'{out} exists already: name another folder, or remove it')
    names = [name for name in list_photos(photos) if out not in (photos / name).parents]
    result = PhotoSet(out)
    for cure, unread in unread_images(list_files(photos)).items():
        result.left_out[f'not read, as each {cure}'] = unread
    rows = _choose(photos, names, keypoints, groups, options, result)
    partial_folder = out.with_name(f'.{out.name}.{os.getpid()}')
    try:
        placed = _place_all(photos, rows, partial_folder, options, result)
        chosen = _split(placed, groups, options, result)
        _write_lists(partial_folder, placed, chosen, groups, result)
        _write_config(partial_folder / 'config.py', base, options, result)
        if out.exists():
            out.rmdir()
        os.replace(partial_folder, out)
    except OSError as error:
        raise DataError(
            f'{out} cannot be written ({error.strerror or error}): name another folder'
        ) from error
    finally:
        shutil.rmtree(partial_folder, ignore_errors=True)
    return result


def read_groups(folder: str | Path) -> dict[str, str]:
    """Image -> group of a set that :func:`make_photo_set` wrote; empty for others."""
    file = Path(folder) / PHOTO_LIST
    if not file.is_file():
        return {}
    with open(file, encoding='utf-8', errors='surrogateescape', newline='') as lines:
        rows = csv.DictReader(lines)
        if tuple(rows.fieldnames or ()) != PHOTO_HEADER:
            return {}
        return {row['name']: row['group'] for row in rows}


def _choose(
    photos: Path,
    names: Sequence[str],
    keypoints: Annotations,
    groups: Mapping[str, str],
    options: PhotoSetOptions,
    result: PhotoSet,
) -> dict[str, np.ndarray]:
    """Photo -> joints, of those that have a group and joints enough."""
    index = {name: row for row, name in enumerate(keypoints.names)}
    matched = match_names(names, keypoints.names)
    used = set(matched.values())
    result.unused = [name for name in keypoints.names if name not in used]
    rows = {}
    for name in names:
        joints = keypoints.keypoints[index[matched[name]]] if name in matched else None
        if joints is None:
            readable = photo_sizes(photos, [name])
            reason = 'no keypoints' if readable else 'not a whole image'
        elif name not in groups:
            reason = 'no group'
        elif (count := int((joints[:, 2] > 0).sum())) < options.min_joints:
            reason = _too_few(options)
            name = f'{name} ({count})'
        else:
            rows[name] = joints
            continue
        result.left_out.setdefault(reason, []).append(name)
    return rows


@dataclass(frozen=True)
class _Placed:
    """A photo as it was written: its name in the set and its joints there."""

    name: str
    keypoints: np.ndarray
    small: bool
    outside: int


def _place_all(
    photos: Path,
    rows: Mapping[str, np.ndarray],
    folder: Path,
    options: PhotoSetOptions,
    result: PhotoSet,
) -> dict[str, _Placed]:
    """Write every photo into ``folder``; photo -> how it was placed."""
    targets = _flat_names(rows)
    job = partial(_place, photos, folder, options)
    placed = {}
    with ThreadPoolExecutor(options.workers) as pool:
        done = pool.map(job, rows, rows.values(), targets)
        for name, outcome in zip(rows, track(done, 'photos', len(rows))):
            if isinstance(outcome, _Placed):
                placed[name] = outcome
                result.outside += outcome.outside
            else:
                reason, detail = outcome
                result.left_out.setdefault(reason, []).append(name + detail)
    return placed


def _place(
    photos: Path,
    folder: Path,
    options: PhotoSetOptions,
    name: str,
    keypoints: np.ndarray,
    target: str,
) -> _Placed | tuple[str, str]:
    """Write one photo, or say why not: the reason, and what goes behind the name."""
    try:
        with open_image(photos / name, name) as file:
            image = to_rgb(file, name)
    except DataError as error:
        broken = 'cannot be decoded' in str(error)
        reason = (
            'not a whole image' if broken else 'not 8-bit RGB, nor sure to become it'
        )
        return reason, ''
    size = image.shape[:2]
    if problem := other_frame(keypoints, size):
        return 'joints outside the photo', f' ({problem})'
    beyond = outside_frame(keypoints, size)
    keypoints = np.where(beyond[:, None], np.float32(0), keypoints)
    present = keypoints[:, 2] > 0
    if present.sum() < options.min_joints:
        return _too_few(options), f' ({present.sum()} on the photo)'
    points = keypoints[present, :2]
    low, high = points.min(0), points.max(0)
    small = not options.crop and (high - low)[1] < SMALL * size[0]
    if options.crop:
        image, keypoints = _cut_out(image, keypoints, low, high, options.size)
    placement = fit(image.shape[:2], options.size)
    save_image(folder / target, place_image(image, placement))
    joints = place_keypoints(keypoints, placement)
    return _Placed(target, joints, bool(small), int(beyond.sum()))


def _too_few(options: PhotoSetOptions) -> str:
    return f'fewer than {options.min_joints} joints'


def _cut_out(
    image: np.ndarray,
    keypoints: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    size: tuple[int, int],
) -> tuple[np.ndarray, np.ndarray]:
    """Cut around the joints' box, with a margin, in the shape of ``size``.

    The cut stays inside the photo: it moves there, and keeps its shape as far as the
    person allows.
    """
    limit = np.array(image.shape[1::-1])
    needed = np.minimum((high - low) + 2 * CROP_MARGIN * (high - low)[1] + 1, limit)
    aspect = size[1] / size[0]
    extent = np.array([max(needed[0], needed[1] * aspect), needed[1]])
    extent[1] = max(extent[1], extent[0] / aspect)
    shrink = min(1.0, *(limit / extent))
    extent = np.maximum(extent * shrink, needed).round().astype(int)
    first = ((low + high + 1) / 2 - extent / 2).round().astype(int)
    first = np.clip(first, 0, limit - extent)
    last = first + extent
    part = image[first[1] : last[1], first[0] : last[0]]
    moved = keypoints - np.array([*first, 0], dtype=np.float32)
    return part, np.where(keypoints[:, 2:] > 0, moved, 0).astype(np.float32)


def _flat_names(photos: Iterable[str]) -> list[str]:
    """File names without folders, each once also without its ending."""
    used: set[str] = set()
    flat = []
    for photo in photos:
        stem = safe_stem(photo)
        name, number = stem, 2
        while name.casefold() in used:
            ending, number = f'-{number}', number + 1
            cut = stem.encode()[: MAX_STEM - len(ending)].decode(errors='ignore')
            name = f'{cut}{ending}'
        used.add(name.casefold())
        flat.append(f'{name}.png')
    return flat


def _split(
    placed: Mapping[str, _Placed],
    groups: Mapping[str, str],
    options: PhotoSetOptions,
    result: PhotoSet,
) -> dict[str, dict[str, list[str]]]:
    """Split -> group -> photos, of the groups that have two photos or more."""
    members: dict[str, list[str]] = {}
    for photo in placed:
        members.setdefault(groups[photo], []).append(photo)
    alone = [names[0] for names in members.values() if len(names) == 1]
    if alone:
        result.left_out['the only usable photo of its group'] = alone
    whole = sorted(key for key, names in members.items() if len(names) > 1)
    if not whole:
        reasons = ', '.join(f'{len(v)} {k}' for k, v in result.left_out.items())
        if result.unused:
            reasons += f"; keypoints of other names, such as '{result.unused[0]}'"
        raise DataError(
            'no group has two usable photos, so there is no pair; left out: '
            f'{reasons or "nothing"}'
        )
    count = min(round(options.test_fraction * len(whole)), len(whole) - 1)
    if options.test_fraction > 0 and len(whole) > 1:
        count = max(count, 1)
    order = np.random.default_rng(options.seed).permutation(len(whole))
    tested = {whole[index] for index in order[:count]}
    result.small = [
        name for key in whole for name in members[key] if placed[name].small
    ]
    return {
        'train': {key: members[key] for key in whole if key not in tested},
        'test': {key: members[key] for key in whole if key in tested},
    }


def _write_lists(
    folder: Path,
    placed: Mapping[str, _Placed],
    chosen: Mapping[str, Mapping[str, list[str]]],
    groups: Mapping[str, str],
    result: PhotoSet,
) -> None:
    """Move the images into their splits and write all lists."""
    table = []
    for split, members in chosen.items():
        photos = [photo for names in members.values() for photo in names]
        if not photos:
            continue
        names = [placed[photo].name for photo in photos]
        (folder / split).mkdir()
        for name in names:
            os.replace(folder / name, folder / split / name)
        joints = np.stack([placed[photo].keypoints for photo in photos])
        write_annotations(folder / f'annotation-{split}.csv', names, joints)
        pairs = [
            (placed[a].name, placed[b].name)
            for group in members.values()
            for a, b in permutations(group, 2)
        ]
        write_pairs(folder / f'pairs-{split}.csv', pairs)
        table += [(placed[p].name, groups[p], split, p) for p in photos]
        result.counts[split] = len(members), len(photos), len(pairs)
    for left in folder.glob('*.png'):
        left.unlink()
    place = folder / PHOTO_LIST  # names of photos may have bytes that are no text
    with open(
        place, 'w', encoding='utf-8', errors='surrogateescape', newline=''
    ) as file:
        csv.writer(file, lineterminator='\n').writerows([PHOTO_HEADER, *table])


# -- its config ------------------------------------------------------------------------

_CONFIG = """\
# Own photos, {height} x {width}, made by tools/datasets/make_photo_set.py. The model is
# that of the base; a path that does not fit this machine any more is mended here.

_base_ = [{base!r}]

data_root = {root!r}

_train = dict(
    _delete_=True,
    type='PosePairDataset',
    image_dir='train',
    annotation_file='annotation-train.csv',
    pair_file='pairs-train.csv',
    image_size=({height}, {width}),
    annotation_size=({height}, {width}),
    scaling='center',
)
{test}
train_dataloader = dict(dataset=_train)
val_dataloader = dict(dataset=dict(max_pairs=200, **_test))
test_dataloader = dict(dataset=_test)
"""
_TEST_GROUPS = """\
_test = dict(  # other people than in training
    _delete_=True,
    type='PosePairDataset',
    image_dir='test',
    annotation_file='annotation-test.csv',
    pair_file='pairs-test.csv',
    image_size=({height}, {width}),
    annotation_size=({height}, {width}),
    scaling='center',
)
"""
_NO_TEST_GROUPS = """\
_test = _train  # no people are kept for testing: scores say nothing about others
"""


def _base_config(options: PhotoSetOptions) -> Path:
    """The config that the set's own one starts from."""
    name = options.model or (
        'spig_market1501-128x64_small'
        if max(options.size) <= 160
        else 'spig_deepfashion-256x256_small'
    )
    root = configs_root()
    found = sorted(root.glob(f'*/{name}.py'))
    if not found or '*' in name:
        raise ConfigError(
            f'there is no model {name!r}; `posegen list-models` lists the names'
        )
    return found[0]


def _name_of(base: Path) -> str:
    """The config by a name that holds wherever posegen is installed."""
    return f'{SHIPPED}{base.relative_to(configs_root()).as_posix()}'


def _write_config(
    path: Path, base: Path, options: PhotoSetOptions, result: PhotoSet
) -> None:
    size = dict(zip(('height', 'width'), options.size))
    test = _TEST_GROUPS if 'test' in result.counts else _NO_TEST_GROUPS
    test = test.format(**size)
    text = _CONFIG.format(
        base=_name_of(base), root=str(result.folder), test=test, **size
    )
    path.write_text(text, encoding='utf-8')
