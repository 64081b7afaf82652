"""The steps that both data sets share: lists, images, tables, report."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path, PurePath
from typing import Any, ClassVar

from posegen import __version__
from posegen.datasets.annotations import Annotations, write_annotations, write_pairs
from posegen.utils.errors import ConfigError, DataError
from posegen.utils.image_files import Conversion, FileTask, convert_files
from posegen.utils.progress import track

from .folder import (
    Index,
    check_lists_outside,
    check_ours,
    list_whole,
    make_folder,
    walk_files,
)
from .joints import View, describe_joints, place_joints
from .kinds import SPLITS, Kind
from .lists import SplitLists, explain_missing, find_lists
from .manifest import (
    FORMAT,
    check_same_options,
    describe_images,
    read_manifest,
    write_manifest,
)
from .options import ImageOptions
from .report import Count, Report, SplitReport
from .tables import make_tables

_ODD = 0.03  # relative difference from the usual aspect that is worth a note


@dataclass(frozen=True)
class Look:
    """How the raw images are to be seen.

    Attributes:
        raw_view: for the manifest; None where a set has only one.
        view: what the prepared images show of the annotated picture.
        conversion: of the files.
        aspect: usual width / height of a raw image; others are noted. None: any.
    """

    raw_view: str | None
    view: View
    conversion: Conversion
    aspect: float | None = None


@dataclass
class SplitState:
    """A split on its way.

    Attributes:
        name: 'train' or 'test'.
        lists: the user's files.
        digests: of their bytes.
        wanted: file name of each image, by its key.
        there: file names that are done.
        faults: why others are not.
        odd: file names of pictures with an unusual shape.
    """

    name: str
    lists: SplitLists
    digests: dict[str, str]
    wanted: dict[str, str]
    there: set[str] = field(default_factory=set)
    faults: dict[str, str] = field(default_factory=dict)
    odd: list[str] = field(default_factory=list)

    @property
    def todo(self) -> dict[str, str]:
        """What is wanted and not there."""
        return {key: f for key, f in self.wanted.items() if f not in self.there}


@dataclass
class Preparation(ABC):
    """Brings a folder to the state that was asked for, from any state it is in.

    Attributes:
        raw: folder above the raw images.
        out: folder that is prepared.
        lists: folder of the user's lists; None means ``raw``.
        given: split -> list -> file, for lists that the user named.
        options: of the images.
        splits: some of 'train', 'test'.
        workers: processes; None means one a core.
        allow_missing: accept an incomplete set: pairs of what is missing are left out,
            and a split without joints is images alone.
    """

    raw: Path
    out: Path
    lists: Path | None = None
    given: Mapping[str, Mapping[str, Path]] = field(default_factory=dict)
    options: ImageOptions = ImageOptions()
    splits: Sequence[str] = SPLITS
    workers: int | None = None
    allow_missing: bool = False

    kind: ClassVar[Kind]
    in_place: ClassVar[bool] = False  # raw images may lie in ``out`` already
    raw_view: ClassVar[str | None] = None  # asked for
    annotation_frame: ClassVar[int | None] = None  # asked for

    def run(self) -> Report:
        """Do it.

        Raises:
            ConfigError: an option is not one of its choices.
            DataError: a list is missing, the folder was prepared with other options or
                cannot be written, or there is no image of the set.
        """
        self.check()
        splits = [self._start(name) for name in self.splits]
        manifest = read_manifest(self.out) or {}
        check_same_options(self.out, manifest, self._identity(self.raw_view))
        for split in splits:
            split.there = self._list_done(split, manifest)
        if all(self._is_unchanged(split, manifest) for split in splits):
            return self._report(manifest, [])
        index = self._index_needed(splits)
        files = [index[s.name][k] for s in splits for k in s.todo if k in index[s.name]]
        look = self.look(files, manifest.get('raw_view'))
        manifest = self._claim(splits, manifest, look)
        self._convert(splits, index, look)
        reports = [self._finish(split, look, manifest) for split in splits]
        report = self._report(manifest, reports)
        report.write_missing()
        write_manifest(self.out, manifest)
        return report

    # What a data set does its own way.

    @abstractmethod
    def read_wanted(self, lists: SplitLists) -> dict[str, str]:
        """File name, as published, of each image of a split by its key."""

    @abstractmethod
    def index(self, splits: Sequence[str]) -> dict[str, Index]:
        """All raw images that may belong to each split."""

    @abstractmethod
    def look(self, files: Sequence[Path], known: str | None) -> Look:
        """How to see the raw images.

        Args:
            files: those that are wanted and not done.
            known: ``raw_view`` of the manifest.
        """

    @abstractmethod
    def read_joints(self, file: Path) -> tuple[Annotations, int]:
        """Joints in the frame of the annotated picture, and the width of the file's."""

    def check(self) -> None:
        """Check what was asked for; see :meth:`run`."""
        self.options.check()
        if not self.splits or not set(self.splits) <= set(SPLITS):
            raise ConfigError(
                f'splits must be some of {", ".join(SPLITS)}, got {self.splits}'
            )
        if self.workers is not None and self.workers < 1:
            raise ConfigError(f'workers must be at least 1, got {self.workers}')

    def walk_raw(self) -> list[str]:
        """Paths of all files below ``raw``, except for what was prepared."""
        ours = [self.out / self.kind.image_dir.format(split=s) for s in SPLITS]
        return walk_files(self.raw, [] if self._is_in_place else ours)

    # The steps.

    def _start(self, name: str) -> SplitState:
        folder, patterns = self.lists or self.raw, self.kind.patterns
        lists = find_lists(folder, name, patterns, self.given.get(name, {}))
        # The first list names the images; nothing goes without it.
        first = [*patterns][0]
        needed = [first] + ['annotation'] * (not self.allow_missing)
        for what in needed:
            if getattr(lists, what) is None:
                names, optional = patterns[what], what != first
                raise DataError(explain_missing(folder, name, what, names, optional))
        check_lists_outside(self.out, lists.files())
        wanted = self.read_wanted(lists)
        ending = f'.{self.options.file_type}'
        wanted = {k: str(PurePath(f).with_suffix(ending)) for k, f in wanted.items()}
        return SplitState(name, lists, lists.digests(), wanted)

    def _list_done(self, split: SplitState, manifest: dict[str, Any]) -> set[str]:
        """Images that are there; in place, only when all were decoded once."""
        if self._is_in_place and not _record(manifest, split.name).get('complete'):
            return set()
        return list_whole(self._folder(split)) & set(split.wanted.values())

    def _is_unchanged(self, split: SplitState, manifest: dict[str, Any]) -> bool:
        record = _record(manifest, split.name)
        return (
            bool(record.get('complete'))
            and record['sha256'] == split.digests
            and self.annotation_frame in (None, record['annotation_frame'])
            and not split.todo
            and all(path.is_file() for path in self._tables(split))
        )

    def _index_needed(self, splits: Sequence[SplitState]) -> dict[str, Index]:
        """Raw files of the splits that lack something."""
        needed = [split.name for split in splits if split.todo]
        if needed and not self.raw.is_dir():
            raise DataError(f'the folder {self.raw} does not exist; check --raw')
        index = self.index(needed) if needed else {}
        if needed and not any(index.values()):
            raise DataError(
                f'there is no image of {self.kind.title} below {self.raw}: expected '
                f'files such as {self.kind.example}; check --raw (the image folders of '
                '--out are not searched)'
            )
        return {split.name: {} for split in splits} | index

    def _claim(
        self, splits: Sequence[SplitState], manifest: dict[str, Any], look: Look
    ) -> dict[str, Any]:
        """Say in the folder what is about to be made there."""
        identity = self._identity(look.raw_view)
        check_same_options(self.out, manifest, identity)
        if not manifest:
            folders = [] if self._is_in_place else map(self._folder, splits)
            tables = [path for split in splits for path in self._tables(split)]
            check_ours([*folders, *tables])
        make_folder(self.out)
        for split in splits:
            make_folder(self._folder(split))
        records = {name: _record(manifest, name) for name in SPLITS}
        # Nothing is known about the splits at work until they are done.
        records |= {split.name: {} for split in splits}
        manifest = {
            'format': FORMAT,
            **identity,
            'versions': {'posegen': __version__, 'pillow': version('pillow')},
            'splits': records,
        }
        write_manifest(self.out, manifest)
        return manifest

    def _convert(
        self, splits: Sequence[SplitState], index: Mapping[str, Index], look: Look
    ) -> None:
        """Make the images that lack; note in the splits how it went."""
        owners: dict[FileTask, tuple[SplitState, str]] = {}
        for split in splits:
            for key, name in split.todo.items():
                source = index[split.name].get(key)
                if source is None:
                    split.faults[name] = f'not found below {self.raw}'
                else:
                    owners[self._task(source, self._folder(split) / name)] = split, name
        results = convert_files(
            [*owners], look.conversion, self.workers or _count_cores()
        )
        for result in track(results, 'images', len(owners)):
            split, name = owners[result.task]
            if result.fault is not None:
                split.faults[name] = result.fault
                continue
            split.there.add(name)
            height, width = result.size
            if look.aspect and abs(width / height / look.aspect - 1) > _ODD:
                split.odd.append(name)

    def _task(self, source: Path, target: Path) -> FileTask:
        same = self._is_in_place and source.resolve() == target.resolve()
        return FileTask(target if same else source, target)

    def _finish(
        self, split: SplitState, look: Look, manifest: dict[str, Any]
    ) -> SplitReport:
        """Write the split's tables, and put what came of it all into the manifest."""
        report = SplitReport(split.name, missing=[*split.faults.items()])
        self._count(report, 'images', len(split.wanted), len(split.there))
        frame = None
        if split.lists.annotation is None:
            report.missing.append(('the annotation file', 'not among the lists'))
        else:
            frame = self._write_tables(split, look, report)
        manifest['splits'][split.name] = {
            'complete': not report.missing,
            'lists': split.lists.file_names(),
            'sha256': split.digests,
            'annotation_frame': frame,
            'counts': {
                count.what: {'expected': count.expected, 'found': count.found}
                for count in report.counts
            },
            'notes': report.notes,
        }
        if split.odd:  # seen in this run only, so not for the manifest
            note = f'{len(split.odd):,} pictures of unusual shape, as {split.odd[0]}'
            report.notes = [*report.notes, note]
        return report

    def _write_tables(self, split: SplitState, look: Look, report: SplitReport) -> int:
        """Write annotation and pairs; returns the width of the user's frame."""
        lists = split.lists
        joints, frame = self.read_joints(lists.annotation)
        tables = make_tables(joints, split.wanted, self.kind, split.name, lists)
        report.missing += tables.missing
        placed = place_joints(tables.annotations, look.view, self._frame)
        names, pairs = placed.annotations.names, tables.pairs
        if self.allow_missing:
            sound = split.there.intersection(names)
            pairs = [pair for pair in pairs if sound.issuperset(pair)]
        self._count(report, 'annotated', len(split.wanted), len(names))
        self._count(report, 'pairs', len(tables.pairs), len(pairs))
        report.notes += describe_joints(placed, frame)
        origin = f'of {lists.pairs.name}' if lists.pairs else 'built from the joints'
        report.notes.append(f'pairs are {origin}')
        annotation_file, pair_file = self._tables(split)
        write_annotations(annotation_file, names, placed.annotations.keypoints)
        write_pairs(pair_file, pairs)
        return frame

    def _report(self, manifest: dict[str, Any], made: Sequence[SplitReport]) -> Report:
        """The report of a run; with nothing made, what the manifest tells."""
        report = Report(self.out, list(made), unchanged=not made)
        report.notes.append(describe_images(manifest))
        for name in [] if made else self.splits:
            record = _record(manifest, name)
            report.splits.append(SplitReport(name, notes=record['notes']))
            for what, numbers in record['counts'].items():
                self._count(report.splits[-1], what, **numbers)
        if self._frame != self.kind.size:
            report.notes.append(
                f'set image_size and annotation_size to {self._frame} in the config: '
                f'its {self.kind.size} is not the size of these images'
            )
        return report

    def _count(self, report: SplitReport, what: str, expected: int, found: int) -> None:
        published = self.kind.pairs if what == 'pairs' else self.kind.images
        report.counts.append(Count(what, expected, found, published[report.name]))

    def _identity(self, raw_view: str | None) -> dict[str, Any]:
        """What decides how images look: the manifest's first fields."""
        return {
            'dataset': self.kind.name,
            'options': self.options.record(),
            'raw_view': raw_view,
            'annotation_size': list(self._frame),
        }

    @property
    def _frame(self) -> tuple[int, int]:
        """(height, width) that joints are written for: that of the config for 'keep',
        as a dataset resizes images to it when it loads them."""
        return self.options.size or self.kind.size

    @property
    def _is_in_place(self) -> bool:
        return self.in_place and self.raw.resolve() == self.out.resolve()

    def _folder(self, split: SplitState) -> Path:
        return self.out / self.kind.image_dir.format(split=split.name)

    def _tables(self, split: SplitState) -> tuple[Path, Path]:
        names = self.kind.annotation_name, self.kind.pair_name
        annotation_file, pair_file = (name.format(split=split.name) for name in names)
        return self.out / annotation_file, self.out / pair_file


def _record(manifest: dict[str, Any], split: str) -> dict[str, Any]:
    return manifest.get('splits', {}).get(split, {})


def _count_cores() -> int:
    """Those that this process may use, where the system tells."""
    known = hasattr(os, 'sched_getaffinity')
    return len(os.sched_getaffinity(0)) if known else os.cpu_count() or 1
