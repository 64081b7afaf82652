"""Score folders of generated images against the real ones."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log

from posegen.datasets.annotations import read_annotations
from posegen.evaluation.compute import Computation
from posegen.evaluation.disagreement import Sizes, find_disagreements
from posegen.evaluation.hue import HUE_CORRELATION, find_truths, score_hues
from posegen.evaluation.manifest import (
    describe_images,
    hash_file,
    hash_files,
    make_manifest,
)
from posegen.evaluation.naming import NamingScheme, image_key
from posegen.evaluation.pairs import (
    ImageFolder,
    Pair,
    cut_strip,
    find_pairs,
    image_size,
    read_image,
)
from posegen.evaluation.plan import make_plan
from posegen.evaluation.processes import choose_processes
from posegen.evaluation.protocols import FID, PROTOCOLS, Protocol, get_protocol
from posegen.evaluation.slicing import stack_joints
from posegen.evaluation.table import PairScores, ScoreRow, ScoreTable
from posegen.utils.errors import ConfigError, DataError

COPY_SOURCE = 'copy the source'
"""Name of the row that scores the unchanged sources as if they were results."""


def score_folder(
    generated: str | Path | Mapping[str, str | Path],
    real: str | Path,
    protocols: Sequence[str] = ('posegen',),
    fid_real: str | Path | None = None,
    annotations: str | Path | None = None,
    *,
    copy_source: bool = False,
    offline_features: bool = False,
    jpeg_round_trip: bool = False,
    slices: bool = False,
    truth: str | Path | None = None,
    naming: str | None = None,
    processes: int | None = 1,
    progress: bool = False,
) -> ScoreTable:
    """Score folders of results under published protocols.

    Results may be called in any of the ways of
    :data:`~posegen.evaluation.naming.NAMING_SCHEMES`, and may be strips of 3 or 5
    panels; sources and targets are looked up in ``real``. What a protocol does to the
    images, and what it computes, is what its record says.

    Args:
        generated: Folder of results, or several as name -> folder.
        real: Folder of the real images: the targets, and mostly the sources.
        protocols: Names of :data:`~posegen.evaluation.protocols.PROTOCOLS`.
        fid_real: Folder of the real images that a protocol compares the whole set with
            where that is not the targets: mostly all training images.
        annotations: Annotation file with joints in pixels of the real images, for
            scores over the person (the published mask of Market-1501) and slices.
        copy_source: Add a row for the unchanged sources: what a method should beat.
        offline_features: Add ``st_lpips`` and ``fd_efficientnet_lite0`` to the rows of
            the first protocol: stand-ins whose weights come with the extra
            ``offline-features``, on images as they are stored. Nothing is downloaded.
        jpeg_round_trip: Where the code of a protocol stored results as jpeg, let those
            that are not go through one (in memory, Pillow's default quality) first.
        slices: Also score parts of the body, regions that the source shows or hides,
            and thirds of the pairs by pose distance and by what the source shows, under
            the first protocol; needs ``annotations``.
        truth: Folder with the ground truth of the pairs, as of synthetic people:
            ``<source stem>___<target stem>.npz``. Adds ``hue_correlation`` of torso and
            legs, in [-1, 1], to the rows of the first protocol, on images as they are
            stored.
        naming: Naming scheme of the results; None finds it for each folder.
        processes: Number of them that share the work; the numbers are the same. None
            takes one per core where there is enough work for them.
        progress: Show progress on stderr.

    Returns:
        One row per protocol and method. Scores that can't be had (their weights can't
        be loaded, a real set or joints were not given, ...) are in ``missing`` with the
        reason, all others in ``values``.

    Raises:
        ConfigError: A protocol or naming scheme does not exist, options contradict each
            other, or nothing that is asked for can be had.
        DataError: A name has no match, a file does not decode or is no 8-bit RGB image
            of 0..255, a pair has no file in ``truth``, or no score of pairs can be
            computed, as where sizes differ.
        DependencyError: ``offline_features`` without the extra being installed.
    """
    chosen = [get_protocol(name) for name in dict.fromkeys(protocols)]
    _check_options(chosen, fid_real, annotations, offline_features, slices)
    inputs = _read_inputs(
        chosen, generated, real, fid_real, annotations, truth, naming, copy_source
    )
    if processes is None:
        processes = choose_processes(inputs.num_pairs)
    options = dict(
        copy_source=copy_source,
        offline_features=offline_features,
        jpeg_round_trip=jpeg_round_trip,
        slices=slices,
        naming=naming,
        processes=processes,
    )
    computation = _prepare(chosen, inputs, options)
    computation.run(processes, progress)
    return _tabulate(chosen, inputs, options, computation)


def _check_options(
    chosen: Sequence[Protocol],
    fid_real: str | Path | None,
    annotations: str | Path | None,
    offline_features: bool,
    slices: bool,
) -> None:
    if not chosen:
        raise ConfigError(f'protocols is empty; there are: {", ".join(PROTOCOLS)}')
    if fid_real is not None and not offline_features:
        _check_fid_real_is_used(chosen)
    if slices and annotations is None:
        raise ConfigError('slices need joints: give annotations as well')


@dataclass(frozen=True)
class _Inputs:
    """What is on disk."""

    real: ImageFolder
    methods: dict[str, _Method]
    fid_real: ImageFolder | None
    annotations: str | Path | None
    joints: dict[str, np.ndarray]  # by method; empty without annotations
    truths: dict[str, list[Path]]  # by method; empty without truth

    @property
    def num_pairs(self) -> int:
        return sum(len(method.pairs) for method in self.methods.values())


def _read_inputs(
    chosen: Sequence[Protocol],
    generated: str | Path | Mapping[str, str | Path],
    real: str | Path,
    fid_real: str | Path | None,
    annotations: str | Path | None,
    truth: str | Path | None,
    naming: str | None,
    copy_source: bool,
) -> _Inputs:
    real_images = ImageFolder(real)
    methods = _find_methods(generated, real_images, naming, copy_source)
    _warn_of_unread(real_images)
    fid_images = None if fid_real is None else ImageFolder(fid_real)
    if fid_images is not None:
        _warn_of_unread(fid_images)
        _check_fid_count(chosen, fid_images)
    joints = {} if annotations is None else _joints_of(methods, Joints(annotations))
    truths = {
        name: find_truths(method.pairs, truth)
        for name, method in methods.items()
        if truth is not None
    }
    return _Inputs(real_images, methods, fid_images, annotations, joints, truths)


def _prepare(
    chosen: Sequence[Protocol], inputs: _Inputs, options: Mapping[str, Any]
) -> Computation:
    plan = make_plan(
        chosen,
        has_joints=inputs.annotations is not None,
        has_fid_real=inputs.fid_real is not None,
        jpeg_round_trip=options['jpeg_round_trip'],
        offline_features=options['offline_features'],
    )
    if not plan.cells:
        raise ConfigError(f'nothing can be scored: {plan.obstacles()}')
    return Computation(
        {name: method.pairs for name, method in inputs.methods.items()},
        plan,
        inputs.joints,
        None if inputs.fid_real is None else inputs.fid_real.files,
        options['slices'],
    )


def _tabulate(
    chosen: Sequence[Protocol],
    inputs: _Inputs,
    options: Mapping[str, Any],
    computation: Computation,
) -> ScoreTable:
    methods = inputs.methods
    rows = [
        _row(computation, protocol.name, name)
        for protocol in chosen
        for name in methods
    ]
    for name, truths in inputs.truths.items():
        place = [*methods].index(name)  # of the first protocol
        rows[place] = _with_hue(rows[place], methods[name].pairs, truths)
    sliced = methods if options['slices'] else ()
    return ScoreTable(
        tuple(rows),
        slices=tuple(row for name in sliced for row in computation.slice_rows(name)),
        disagreements=tuple(find_disagreements(rows, _sizes_of(methods))),
        manifest=make_manifest(_describe_inputs(inputs), chosen, options),
        pairs={name: _pair_scores(computation, name) for name in methods},
    )


def _sizes_of(methods: Mapping[str, _Method]) -> Sizes:
    """Sizes of a result and its target; those of the first pair stand for all."""
    pair = next(iter(methods.values())).pairs[0]
    target = image_size(pair.target)
    height, width = cut_strip(read_image(pair.image), target).shape[:2]
    return (height, width), target


def _check_fid_real_is_used(protocols: Sequence[Protocol]) -> None:
    metrics = [metric for protocol in protocols for metric in protocol.metrics]
    if not any(isinstance(m, FID) and m.real_set == 'train' for m in metrics):
        names = ', '.join(protocol.name for protocol in protocols)
        raise ConfigError(
            f'fid_real is given, but nothing is compared with it: {names} take no FID, '
            'or one to the targets; leave it out, or ask for offline_features'
        )


def _check_fid_count(protocols: Sequence[Protocol], images: ImageFolder) -> None:
    """Warn where DeepFashion's real set is not the published one."""
    if not any(key.startswith(('WOMEN/', 'MEN/')) for key in images.keys):
        return
    wanted: dict[int, list[str]] = {}
    for protocol in protocols:
        for metric in protocol.metrics:
            if isinstance(metric, FID) and metric.real_set == 'train':
                wanted.setdefault(metric.real_count or 0, []).append(protocol.name)
    for count, names in wanted.items():
        if count not in (0, len(images.keys)):
            _warn(
                f"'{images.path}' has {len(images.keys):,} images, but FID under "
                f'{", ".join(names)} is taken to {count:,}: values differ from printed '
                'ones for that reason alone'
            )


def _warn_of_unread(images: ImageFolder) -> None:
    for sentence in images.unread:
        _warn(f"'{images.path}': {sentence}")


def _warn_of_types(images: ImageFolder) -> None:
    """Say where results were not all stored alike."""
    if len(images.types) > 1:
        counts = ', '.join(f'{n:,} {kind}' for kind, n in sorted(images.types.items()))
        _warn(
            f"'{images.path}' has results of several types ({counts}): what an encoder "
            'lost is part of the scores'
        )


def _warn(text: str) -> None:
    print_log(text, logger='current', level=logging.WARNING)


def _row(computation: Computation, protocol: str, name: str) -> ScoreRow:
    """Scores of a method under a protocol."""
    missing = {
        metric: reason
        for (owner, metric), reason in computation.plan.missing.items()
        if owner == protocol
    }
    values: dict[str, float] = {}
    intervals = {}
    for cell in computation.plan.cells:
        if cell.protocol != protocol:
            continue
        score = computation.score(cell, name)
        if isinstance(score, str):
            missing[cell.name] = score
            continue
        values[cell.name] = score
        if interval := computation.interval(cell, name):
            intervals[cell.name] = interval
    n = len(computation.methods[name])
    return ScoreRow(name, protocol, n, values, missing, intervals)


def _with_hue(row: ScoreRow, pairs: Sequence[Pair], truths: Sequence[Path]) -> ScoreRow:
    """A row with the hue correlation as well, or why it has none."""
    found = score_hues(pairs, truths)
    if isinstance(found, str):
        return replace(row, missing={**row.missing, HUE_CORRELATION: found})
    score, interval = found
    values = {**row.values, HUE_CORRELATION: score}
    return replace(
        row, values=values, intervals={**row.intervals, HUE_CORRELATION: interval}
    )


def _pair_scores(computation: Computation, name: str) -> PairScores:
    """What each pair of a method got under every protocol."""
    values = {}
    for cell in computation.plan.cells:
        found = (
            'of the set' if cell.of_set else computation.of_pairs(cell.variant, name)
        )
        if not isinstance(found, str):
            values[cell.protocol, cell.name] = found
    return PairScores(tuple(computation.methods[name]), values)


@dataclass(frozen=True)
class _Method:
    """The results of one method."""

    pairs: tuple[Pair, ...]
    folder: ImageFolder | None = None  # copied sources have none
    scheme: NamingScheme | None = None


def _find_methods(
    generated: str | Path | Mapping[str, str | Path],
    real: ImageFolder,
    naming: str | None,
    copy_source: bool,
) -> dict[str, _Method]:
    if not isinstance(generated, Mapping):
        generated = {Path(generated).resolve().name: generated}
    if not generated:
        raise ConfigError('generated names no folder')
    methods = {}
    for name, folder in generated.items():
        images = ImageFolder(folder)
        _warn_of_unread(images)
        _warn_of_types(images)
        scheme, pairs = find_pairs(images, real, naming)
        methods[name] = _Method(tuple(pairs), images, scheme)
    first, *others = methods
    names = {pair.names for pair in methods[first].pairs}
    for other in others:
        if {pair.names for pair in methods[other].pairs} != names:
            _warn(
                f"'{other}' and '{first}' hold results for different pairs: their "
                'scores cannot be compared'
            )
    if copy_source:
        if COPY_SOURCE in methods:
            raise ConfigError(f"'{COPY_SOURCE}' is the name of a row of its own")
        copies = tuple(pair.copy_source() for pair in methods[first].pairs)
        methods[COPY_SOURCE] = _Method(copies)
    return methods


class Joints:
    """Joints of images by key, from an annotation file.

    Args:
        file: In the format of :func:`~posegen.datasets.read_annotations`.
    """

    def __init__(self, file: str | Path) -> None:
        annotations = read_annotations(file)
        self.file = file
        keys = map(image_key, annotations.names)
        self.by_key = dict(zip(keys, annotations.keypoints))

    def of(self, images: Sequence[tuple[Path | None, str | None]]) -> np.ndarray:
        """(n, 18, 3) of images, each with its key.

        Raises:
            DataError: The file has none for one of them.
        """
        for image, key in images:
            if key not in self.by_key:
                name = key if image is None else image.name
                raise DataError(f"'{self.file}' has no joints for '{name}'")
        return np.stack([self.by_key[str(key)] for _, key in images])


def _joints_of(methods: Mapping[str, _Method], joints: Joints) -> dict[str, np.ndarray]:
    """Method -> (n, 2, 18, 3), joints of targets and, if known, of sources."""
    found = {}
    for name, method in methods.items():
        targets = joints.of([(p.target, p.names[1]) for p in method.pairs])
        sources = [(p.source, p.names[0]) for p in method.pairs]
        known = all(key in joints.by_key for _, key in sources)
        others = joints.of(sources) if known else None
        found[name] = stack_joints(targets, others)
    return found


def _describe_inputs(read: _Inputs) -> dict[str, Any]:
    """Counts and checksums of everything that was read."""
    real, methods, fid_real = read.real, read.methods, read.fid_real
    annotations = read.annotations
    used = {
        file
        for method in methods.values()
        for pair in method.pairs
        for file in (pair.source, pair.target)
        if file is not None
    }
    inputs: dict[str, Any] = dict(real=describe_images(used, real.path), generated={})
    for name, method in methods.items():
        if method.folder is None or method.scheme is None:
            continue  # copied sources are real images
        files = [pair.image for pair in method.pairs]
        inputs['generated'][name] = dict(
            **describe_images(files, method.folder.path), naming=method.scheme.pattern
        )
    if fid_real is not None:
        inputs['fid_real'] = describe_images(fid_real.files, fid_real.path)
    if annotations is not None:
        inputs['annotations'] = dict(
            file=str(annotations), sha256=hash_file(annotations)
        )
    if read.truths:
        files = {file for of in read.truths.values() for file in of}
        folder = next(iter(files)).parent
        inputs['truth'] = dict(
            folder=str(folder), files=len(files), sha256=hash_files(files, folder)
        )
    return inputs
