"""Pairs of images of one person with the joints of both."""

from __future__ import annotations

import logging
import os
import posixpath
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch
from mmengine import fileio
from mmengine.logging import print_log
from torch.utils.data import Dataset

from posegen.codecs.formats import SCALINGS
from posegen.codecs.joints import JOINT_NAMES
from posegen.codecs.names import pair_stem, respell
from posegen.registry import DATASETS, TRANSFORMS
from posegen.utils.errors import ConfigError, DataError, DependencyError

from .annotations import raise_first, scan_annotations, scan_pairs
from .transforms import LoadTruth

NUM_NAMED = 3  # problems spelled out in a report; the rest is counted


@DATASETS.register_module()
class PosePairDataset(Dataset):
    """Market-1501, DeepFashion, the synthetic people and your own photos alike.

    A sample is a plain dict: ``source_image``, ``target_image`` uint8 ``(3, H, W)``
    RGB; ``source_keypoints``, ``target_keypoints`` float32 ``(18, 3)`` x, y, score in
    pixels of ``image_size``; ``source_name``, ``target_name``; and with ``truth_dir``
    the true ``flow`` ``(2, H, W)``, ``visibility`` ``(H, W)``, ``part_labels``
    ``(H, W)`` and ``has_truth``, a bool. Joints travel, maps do not: heatmaps are made
    in batch on the model's device.

    Everything that names can tell is checked at construction; only stores that cannot
    list their folders (LMDB, HTTP) are not asked for the files. Lists may spell a name
    otherwise than the folder does (:func:`~posegen.codecs.names.name_key`): samples
    have the file's. Names, joints and pairs are held in shared memory, so worker
    processes, forked or spawned, copy nothing.

    Images are read as :func:`~posegen.utils.images.to_rgb` has it: joints are in the
    pixels of the image after the turn that a camera noted (EXIF). The published code
    does not turn; its sets carry no such notes.

    Args:
        data_root: folder that the other paths start from.
        image_dir: folder of the images.
        annotation_file: joints (see :mod:`posegen.datasets.annotations`).
        pair_file: pairs of image names.
        image_size: (height, width) of what the dataset yields.
        annotation_size: (height, width) of the frame the joints were annotated in; None
            means the pixels of each stored image.
        scaling: how joints go from there to ``image_size``: 'gfla' cuts to integers as
            published, 'center' keeps fractions.
        truth_dir: folder of ``<source stem>___<target stem>.npz``; None if there is no
            ground truth.
        pipeline: transforms, as configs or callables; None takes the usual ones.
        on_error: 'raise' stops at the first bad pair. 'skip' leaves bad pairs out and
            replaces a pair that turns out unreadable by the next readable one; both are
            counted and logged. That is for training: in a test set the next pair would
            be scored twice and the unreadable one never, so test sets take 'raise'.
        max_pairs: keep only the first so many pairs.
        backend_args: of MMEngine's file backend, for data that is not on a local disk;
            None goes by the address, as in ``data_root='http://...'``.
        truth_missing: what a pair without file in ``truth_dir`` is. 'raise': an error.
            'empty': a pair whose ``has_truth`` is False, with zero flow, no visible
            pixel and labels of 0, so that it can be in one batch with pairs that have a
            truth; a set without ``truth_dir``, or whose folder is not there, which is
            logged, then has such pairs only.

    Raises:
        ConfigError: an argument is not one of its choices, the pipeline loads a truth
            that the set has not, or ``truth_missing='empty'`` meets a ``truth_dir`` in
            a store that cannot list its files.
        DataError: a file is missing, a line is not in the format, or a pair names an
            image without joints or without a file; the message names file and line.
    """

    def __init__(
        self,
        data_root: str,
        image_dir: str,
        annotation_file: str,
        pair_file: str,
        image_size: tuple[int, int],
        annotation_size: tuple[int, int] | None = None,
        scaling: str = 'gfla',
        truth_dir: str | None = None,
        pipeline: Sequence[dict | Callable[[dict], dict]] | None = None,
        on_error: str = 'raise',
        max_pairs: int | None = None,
        backend_args: dict | None = None,
        truth_missing: str = 'raise',
    ) -> None:
        _check_choice('scaling', scaling, SCALINGS)
        _check_choice('on_error', on_error, ('raise', 'skip'))
        _check_choice('truth_missing', truth_missing, ('raise', 'empty'))
        self.image_size = check_size('image_size', image_size)
        self.annotation_size = annotation_size and check_size(
            'annotation_size', annotation_size
        )
        self.scaling, self.on_error, self.backend_args = scaling, on_error, backend_args
        if max_pairs is not None and max_pairs < 1:
            raise ConfigError(f'max_pairs must be 1 or more, got {max_pairs}')
        _check_root(data_root, backend_args)
        self.image_dir, self.annotation_file, self.pair_file, self.truth_dir = (
            path and _join(str(data_root), path, backend_args)
            for path in (image_dir, annotation_file, pair_file, truth_dir)
        )
        self.truth_missing = truth_missing
        self.loads_truth = truth_dir is not None or truth_missing == 'empty'
        self.pipeline = _build_pipeline(pipeline, truth=self.loads_truth)
        self.metainfo = {'joint_names': JOINT_NAMES, 'image_size': self.image_size}
        self.skipped = self._read(max_pairs)
        # Set by workers, seen by all: which pairs turned out to be unreadable.
        self._unreadable = torch.zeros(len(self), dtype=torch.bool).share_memory_()

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, index: int) -> dict[str, Any]:
        if not 0 <= index < len(self):
            raise IndexError(f'pair {index} of {len(self)}')
        if self.on_error == 'raise':
            return self._load(index, index)
        for place in (*range(index, len(self)), *range(index)):
            if not self._unreadable[place]:
                try:
                    return self._load(place, index)
                except DataError as error:
                    self._report_unreadable(place, error)
        raise DataError(f'{self.pair_file}: none of the {len(self)} pairs can be read')

    @property
    def num_unreadable(self) -> int:
        """Pairs found unreadable so far, by any worker."""
        return int(self._unreadable.sum())

    def pair_names(self, index: int) -> tuple[str, str]:
        """File names of the source and the target."""
        names = self._names.numpy()[self._pairs[index].numpy()]
        source, target = (name.tobytes().rstrip(b'\0').decode() for name in names)
        return source, target

    def _read(self, max_pairs: int | None) -> list[str]:
        """Read and check both files; what was left out, in words."""
        annotations, problems = scan_annotations(
            self.annotation_file, self.backend_args
        )
        pairs, bad_lines = scan_pairs(self.pair_file, self.backend_args)
        named = {name for _, *both in pairs for name in both}
        images = self._list_files(self.image_dir, named)
        known = set(annotations.names) if images is None else images
        spelled = respell(named.union(annotations.names), known)
        names = [spelled.get(name, name) for name in annotations.names]
        pairs = [(line, *(spelled.get(n, n) for n in both)) for line, *both in pairs]
        index = {name: i for i, name in enumerate(names)}
        problems += self._find_twins(annotations.names, names, index)
        sound, bad_pairs = self._sort_out(pairs, index, images)
        problems += bad_lines + bad_pairs
        if self.on_error == 'raise':
            raise_first(problems)
        if not sound:
            reason = f': {problems[0]}' if problems else ''
            raise DataError(f'{self.pair_file} has no usable pair{reason}')
        if problems:
            print_log(
                f'{self.pair_file}: {len(sound)} pairs are used; left out for '
                f'{_count_and_name(problems)}',
                logger='current',
                level=logging.WARNING,
            )
        sound = sound[:max_pairs]
        table = np.array([name.encode() for name in names])
        self._names = _share(table.view(np.uint8).reshape(len(names), -1))
        self._keypoints = _share(annotations.keypoints)
        self._lines = _share(np.array([line for line, *_ in sound], np.int32))
        self._pairs = _share(
            np.array([(index[source], index[to]) for _, source, to in sound], np.int32)
        )
        self._has_truth = _share(self._find_truths(pair for _, *pair in sound))
        return problems

    def _find_twins(
        self, listed: Sequence[str], names: Sequence[str], index: dict[str, int]
    ) -> list[str]:
        """A sentence for each row of joints whose file has another row too."""
        return [
            f"{self.annotation_file}: '{listed[row]}' and '{listed[index[name]]}' are "
            'one file in two spellings'
            for row, name in enumerate(names)
            if index[name] != row
        ]

    def _sort_out(
        self,
        pairs: list[tuple[int, str, str]],
        index: dict[str, int],
        images: set[str] | None,
    ) -> tuple[list[tuple[int, str, str]], list[str]]:
        """Split the pairs into usable ones and sentences on the others."""
        truths = self._list_truths() if self.truth_missing == 'raise' else None
        sound, problems = [], []
        for line, source, target in pairs:
            missing = images is not None and [
                name for name in (source, target) if name not in images
            ]
            bare = [name for name in (source, target) if name not in index]
            if missing:
                problem = f"there is no image '{missing[0]}' in {self.image_dir}"
            elif bare:
                problem = f"'{bare[0]}' has no sound row in {self.annotation_file}"
            elif truths is not None and truth_name(source, target) not in truths:
                truth = truth_name(source, target)
                problem = f"there is no truth file '{truth}' in {self.truth_dir}"
            else:
                sound.append((line, source, target))
                continue
            problems.append(f'{self.pair_file}, line {line}: {problem}')
        return sound, problems

    def _list_truths(self) -> set[str] | None:
        """Names of the files of truth; None without them or where nothing can list."""
        return self._list_files(self.truth_dir, ['']) if self.truth_dir else None

    def _find_truths(self, pairs: Iterable[tuple[str, str]]) -> np.ndarray:
        """bool (n,): pairs that have a file of truth; all of them must, or have one."""
        names = [truth_name(*pair) for pair in pairs]
        if self.truth_missing == 'raise' or self.truth_dir is None:
            return np.full(len(names), self.truth_dir is not None)
        try:
            truths = self._list_truths()
        except DataError as error:
            none = f'{error}: none of the {len(names)} pairs has a truth'
            print_log(none, 'current', logging.WARNING)
            return np.zeros(len(names), bool)
        if truths is None:
            raise ConfigError(
                f"truth_missing='empty' has to list {self.truth_dir}, which its store "
                'cannot do'
            )
        return np.array([name in truths for name in names])

    def _list_files(self, folder: str, names: Iterable[str]) -> set[str] | None:
        """Files beside ``names`` in ``folder``, by one listing of each folder.

        None where the store cannot list.
        """
        backend = _backend(folder, self.backend_args)
        if not hasattr(backend, 'list_dir_or_file'):
            return None
        local, found = type(backend) is fileio.LocalBackend, set()
        subs = {posixpath.dirname(name.replace('\\', '/')) for name in names}
        for sub in {sub and posixpath.normpath(sub) for sub in subs}:
            sub = _spell_folder(folder, '' if sub == '.' else sub, local)
            place = _join(folder, sub, self.backend_args) if sub else folder
            try:
                listing = _list_folder(place, self.backend_args)
                found |= {posixpath.join(sub, name) for name in listing}
            except OSError:
                if not sub:
                    raise DataError(f'the folder {place} does not exist') from None
        return found

    def _load(self, index: int, draw: int) -> dict[str, Any]:
        """One pair through the pipeline; errors name the line of the pair file.

        ``draw`` is the index as the sampler gave it: randomness follows from it.
        """
        results = {'index': draw, **self._describe(index)}
        try:
            for transform in self.pipeline:
                results = transform(results)
        except DataError as error:
            raise DataError(
                f'{error} ({self.pair_file}, line {self._lines[index]})'
            ) from error
        return results

    def _describe(self, index: int) -> dict[str, Any]:
        """What the transforms start from."""
        names = self.pair_names(index)
        results = {
            'image_size': self.image_size,
            'annotation_size': self.annotation_size,
            'scaling': self.scaling,
            'backend_args': self.backend_args,
        }
        for side, name, row in zip(('source', 'target'), names, self._pairs[index]):
            results[f'{side}_name'] = name
            results[f'{side}_path'] = posixpath.join(self.image_dir, name)
            results[f'{side}_keypoints'] = self._keypoints[row].numpy().copy()
        if self.loads_truth:
            results['truth_path'] = (
                posixpath.join(self.truth_dir, truth_name(*names))
                if self._has_truth[index]
                else None
            )
        return results

    def _report_unreadable(self, index: int, error: DataError) -> None:
        """Count; log the first few and then at every doubling, not a line each."""
        self._unreadable[index] = True
        count = self.num_unreadable
        if count <= NUM_NAMED or count & (count - 1) == 0:
            print_log(
                f'{count} of {len(self)} pairs cannot be read and are replaced by the '
                f'next one; the latest: {error}',
                logger='current',
                level=logging.WARNING,
            )


def truth_name(source: str, target: str) -> str:
    """File name of a pair's ground truth."""
    return f'{pair_stem(source, target)}.npz'


def _build_pipeline(
    pipeline: Sequence[dict | Callable[[dict], dict]] | None, truth: bool
) -> list[Callable[[dict], dict]]:
    if pipeline is None:
        types = ['LoadPairImages', *['LoadTruth'] * truth, 'ResizePair', 'PackPair']
        pipeline = [{'type': name} for name in types]
    steps = [step if callable(step) else TRANSFORMS.build(step) for step in pipeline]
    if not truth and any(isinstance(step, LoadTruth) for step in steps):
        raise ConfigError(
            "LoadTruth needs a dataset with truth_dir, or with truth_missing='empty'; "
            'got neither'
        )
    return steps


def _check_root(data_root: str, backend_args: dict | None) -> None:
    """Say it plainly when nothing is there at all; remote stores are not asked."""
    local = backend_args is None and '://' not in str(data_root)
    if local and not fileio.isdir(str(data_root) or '.'):
        raise DataError(
            f'the data folder {data_root} does not exist: put the data there, '
            'or point --cfg-options data_root=DIR to it (synthetic people: '
            'tools/datasets/make_synthetic.py --out DIR)'
        )


def _backend(place: str, backend_args: dict | None) -> Any:
    try:
        return fileio.get_file_backend(
            place, backend_args=backend_args, enable_singleton=True
        )
    except ImportError as error:
        raise DependencyError(f'backend_args {backend_args}: {error}') from error
    except (KeyError, TypeError) as error:  # no such backend, or other arguments
        raise ConfigError(
            f"backend_args {backend_args} are not those of one of MMEngine's file "
            f'backends: {type(error).__name__}: {error}'
        ) from error


def _list_folder(folder: str, backend_args: dict | None) -> list[str]:
    """Names of its files."""
    if type(_backend(folder, backend_args)) is fileio.LocalBackend:
        # As the backend does, in a fifth of the time.
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries if entry.is_file()]
    return list(
        fileio.list_dir_or_file(folder, list_dir=False, backend_args=backend_args)
    )


def _spell_folder(folder: str, sub: str, local: bool) -> str:
    """A path of folders below another as a local disk spells it."""
    if not (local and sub) or os.path.isdir(os.path.join(folder, sub)):
        return sub
    found = ''
    for part in sub.split('/'):
        place = os.path.join(folder, found)
        known = set(os.listdir(place)) if os.path.isdir(place) else set()
        found = posixpath.join(found, respell([part], known).get(part, part))
    return found


def _join(folder: str, path: str, backend_args: dict | None) -> str:
    """An address in a folder; in a store without folders, as in one that has them."""
    if hasattr(_backend(folder, backend_args), 'join_path'):
        return fileio.join_path(folder, path, backend_args=backend_args)
    return posixpath.join(folder, path)


def _share(array: np.ndarray) -> torch.Tensor:
    """A copy in shared memory; pickled to a worker, it is its address that travels."""
    return torch.from_numpy(array).share_memory_()


def _check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise ConfigError(f"{name} must be one of {tuple(choices)}, got '{value}'")


def check_size(name: str, size: Any) -> tuple[int, int]:
    """(height, width) as an argument gives it.

    Raises:
        ConfigError: it is something else.
    """
    numbers = size if isinstance(size, Sequence) else ()
    if len(numbers) != 2 or not all(isinstance(n, int) and n > 0 for n in numbers):
        raise ConfigError(f'{name} must be (height, width) in pixels, got {size}')
    return tuple(size)


def _count_and_name(problems: list[str]) -> str:
    rest = len(problems) - NUM_NAMED
    named = '; '.join(problems[:NUM_NAMED]) + (f'; and {rest} more' * (rest > 0))
    return f'{len(problems)} problem{"s" * (len(problems) > 1)}: {named}'
