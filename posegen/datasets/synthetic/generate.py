"""Write a whole set of synthetic people: pictures, annotations, pairs, truth."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from posegen.codecs.names import pair_stem
from posegen.datasets.annotations import write_annotations, write_pairs
from posegen.utils.errors import DataError
from posegen.utils.workers import start_worker

if TYPE_CHECKING:
    from posegen.datasets.synthetic.scene import Person

SPLITS = ('train', 'test')
FORMAT = 1
MANIFEST = 'manifest.json'
LOOKS = ('standard', 'varied')
#: One thread per worker: the same rounding, and so the same bytes, on any machine load.
_THREADS = ('OPENBLAS_NUM_THREADS', 'OMP_NUM_THREADS', 'MKL_NUM_THREADS')


@dataclass(frozen=True)
class SetOptions:
    """What a set contains; a set is a function of these alone.

    Attributes:
        size: (height, width) of the pictures.
        train_people, test_people: identities; the two splits share none.
        views: pictures of each person.
        pairs_per_person: ordered pairs of each person.
        background: 'plain' or 'street'.
        truth: splits whose pairs get ground truth.
        seed: of everything random.
        look: 'standard', or 'varied' for people as real photos show them.
    """

    size: tuple[int, int] = (128, 64)
    train_people: int = 500
    test_people: int = 60
    views: int = 4
    pairs_per_person: int = 8
    background: str = 'plain'
    truth: tuple[str, ...] = SPLITS
    seed: int = 0
    look: str = 'standard'

    def people(self, split: str) -> int:
        """Number of identities in a split."""
        return self.train_people if split == 'train' else self.test_people


@dataclass(frozen=True)
class _Task:
    folder: Path
    options: SetOptions
    split: str
    index: int


def generate_set(
    out: str | Path, workers: int = 2, progress: bool = True, **options: object
) -> Path:
    """Write a set of synthetic people in the layout of the real sets.

    Layout: ``{train,test}/*.png``, ``synthetic-annotation-{train,test}.csv``,
    ``synthetic-pairs-{train,test}.csv``,
    ``truth/{train,test}/<from stem>___<to stem>.npz`` and, last, ``manifest.json``.
    The set is written beside ``out`` and moved there when it is complete.

    Args:
        out: folder to create. If it already holds this very set, nothing is done.
        workers: processes; the bytes do not depend on it.
        progress: show a progress bar.
        **options: see :class:`SetOptions`.

    Returns:
        The folder.

    Raises:
        DataError: the folder holds something else, or an option has a wrong value.
        DependencyError: anny or warp is not installed.
    """
    chosen = SetOptions(**options)
    _check(chosen, workers)
    out = Path(out)
    if out.exists() and any(out.iterdir()):
        _check_same(out, chosen)
        return out
    partial = out.with_name(out.name + '.partial')
    shutil.rmtree(partial, ignore_errors=True)
    _make_folders(partial, chosen)
    rows = _run(partial, chosen, workers, progress)
    _write_tables(partial, rows)
    _write_manifest(partial, chosen)
    if out.exists():
        out.rmdir()
    os.replace(partial, out)
    return out


def _check(options: SetOptions, workers: int) -> None:
    from posegen.datasets.synthetic.backgrounds import KINDS

    most = options.views * (options.views - 1)
    rules = {
        'size': (min(options.size) >= 16, 'at least 16 pixels high and wide'),
        'train_people': (options.train_people >= 0, 'not negative'),
        'test_people': (options.test_people >= 0, 'not negative'),
        'views': (options.views >= 2, 'at least 2'),
        'pairs_per_person': (
            1 <= options.pairs_per_person <= most,
            f'between 1 and views * (views - 1) = {most}',
        ),
        'background': (options.background in KINDS, f'one of {", ".join(KINDS)}'),
        'look': (options.look in LOOKS, f'one of {", ".join(LOOKS)}'),
        'truth': (set(options.truth) <= set(SPLITS), f'some of {", ".join(SPLITS)}'),
    }
    for name, (right, wanted) in rules.items():
        if not right:
            value = getattr(options, name)
            raise DataError(f'{name} must be {wanted}, but is {value!r}')
    if options.look == 'varied' and options.background != SetOptions.background:
        raise DataError(
            "look 'varied' chooses its own places, so background must be left out, "
            f'but is {options.background!r}'
        )
    if workers < 1:
        raise DataError(f'workers must be at least 1, but is {workers}')


def _check_same(out: Path, options: SetOptions) -> None:
    manifest = out / MANIFEST
    if not manifest.is_file():
        raise DataError(
            f'{out} is not empty and holds no synthetic set ({MANIFEST} is missing); '
            'name another folder or remove it'
        )
    there = json.loads(manifest.read_text())
    if (there.get('format'), there.get('options')) != (FORMAT, _plain(options)):
        raise DataError(
            f'{out} holds a synthetic set made with other options (see {manifest}); '
            'name another folder or remove it'
        )


def _plain(options: SetOptions) -> dict:
    """As in the manifest, where the standard look goes without saying.

    Sets that were made before there was another look are the same sets.
    """
    plain = json.loads(json.dumps(asdict(options)))
    if options.look == 'standard':
        del plain['look']
    return plain


def _make_folders(folder: Path, options: SetOptions) -> None:
    for split in SPLITS:
        (folder / split).mkdir(parents=True)
        if split in options.truth:
            (folder / 'truth' / split).mkdir(parents=True)


def _run(folder: Path, options: SetOptions, workers: int, progress: bool) -> dict:
    """All people, in worker processes. Returns rows per split in people's order."""
    tasks = [
        _Task(folder, options, split, index)
        for split in SPLITS
        for index in range(options.people(split))
    ]
    rows = {split: [] for split in SPLITS}
    with _single_threads(), _workers(workers) as pool:
        pool.submit(_prepare).result()
        results = zip(tasks, pool.map(_write_person, tasks))
        for task, row in _track(results, len(tasks), progress):
            rows[task.split].append(row)
    return rows


@contextmanager
def _workers(count: int) -> Iterator[ProcessPoolExecutor]:
    """Worker processes that drop what is left to do when something goes wrong."""
    pool = ProcessPoolExecutor(count, get_context('spawn'), start_worker)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _single_threads() -> Iterator[None]:
    """Start worker processes whose numerical libraries use one thread."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, '1'))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value


def _track(results: Iterator, total: int, progress: bool) -> Iterator:
    from rich.progress import track

    return track(results, 'people', total, disable=not progress)


def _prepare() -> None:
    """In one worker, before the others start: fill the caches on disk.

    The body model and the compiled ray casting kernels are made once per machine.
    """
    from posegen.datasets.synthetic.body import load_body_model
    from posegen.datasets.synthetic.raycast import Caster

    load_body_model()
    corners = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]])
    Caster(corners, np.array([[0, 1, 2]], np.int32)).first_hit(
        np.array([0.2, 0.2, 1.0]), np.array([[0.0, 0, -1]])
    )


def person_generator(seed: int, split: str, index: int) -> np.random.Generator:
    """The source of randomness of one identity, independent of all others."""
    key = (SPLITS.index(split), index)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def image_name(options: SetOptions, split: str, index: int, view: int) -> str:
    """File name; identities are numbered through both splits, train first."""
    identity = index + (options.train_people if split == 'test' else 0)
    return f'{identity:05d}_{view:02d}.png'


def _make_person(options: SetOptions, rng: np.random.Generator) -> Person:
    from posegen.datasets.synthetic.scene import make_person
    from posegen.datasets.synthetic.varied import make_varied_person

    counts = (tuple(options.size), options.views, options.pairs_per_person)
    if options.look == 'varied':
        return make_varied_person(rng, *counts)
    return make_person(rng, *counts, options.background)


def _write_person(task: _Task) -> dict:
    """Render one person and write its files; returns its table rows."""
    from PIL import Image

    options, split = task.options, task.split
    person = _make_person(options, person_generator(options.seed, split, task.index))
    names = [
        image_name(options, split, task.index, view) for view in range(options.views)
    ]
    for name, view in zip(names, person.views):
        Image.fromarray(view.image).save(task.folder / split / name, optimize=False)
    if split in options.truth:
        _write_truth(task.folder / 'truth' / split, person, names)
    pairs = [(names[a], names[b]) for a, b in person.pairs]
    return {'names': names, 'joints': person.joints, 'pairs': pairs}


def _write_truth(folder: Path, person: Person, names: list[str]) -> None:
    from posegen.datasets.synthetic.truth import pair_truth

    for source, target in person.pairs:
        truth = pair_truth(person.figure, person.views[source], person.views[target])
        stem = pair_stem(names[source], names[target])
        np.savez_compressed(
            folder / f'{stem}.npz',
            flow=truth.flow,
            visibility=truth.visibility,
            part_labels=truth.part_labels,
            **_place(person, source, target),
        )


def _place(person: Person, source: int, target: int) -> dict[str, bool]:
    """What the truth says of the background; nothing where it is always the same."""
    if person.windows is None:
        return {}
    return {'same_place': person.same_place(source, target)}


def _write_tables(folder: Path, rows: dict) -> None:
    for split in SPLITS:
        names = [name for row in rows[split] for name in row['names']]
        pairs = [pair for row in rows[split] for pair in row['pairs']]
        joints = [marked for row in rows[split] for marked in row['joints']]
        points = np.reshape(joints, (-1, 18, 2)).astype(np.float32)
        score = (points[..., :1] >= 0).astype(np.float32)
        keypoints = np.concatenate([points, score], 2)
        write_annotations(
            folder / f'synthetic-annotation-{split}.csv', names, keypoints
        )
        write_pairs(folder / f'synthetic-pairs-{split}.csv', pairs)


def _write_manifest(folder: Path, options: SetOptions) -> None:
    from importlib.metadata import version

    packages = ('anny', 'warp-lang', 'numpy', 'scipy')
    manifest = {
        'format': FORMAT,
        'options': _plain(options),
        'packages': {name: version(name) for name in packages},
    }
    text = json.dumps(manifest, indent=2) + '\n'
    (folder / MANIFEST).write_text(text, encoding='utf-8')
