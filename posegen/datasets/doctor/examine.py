"""The whole examination of a data set."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from posegen.utils.errors import DataError
from posegen.utils.folders import list_files

from .files import (
    ARCHIVES,
    check_archives,
    check_places,
    check_root,
    root_option,
)
from .findings import Finding, Report
from .images import ImageState, check_presence, check_states, read_states
from .joints import check_joints
from .layouts import (
    LAYOUTS,
    Split,
    parent_set,
    recognise,
    split_of_dataset,
    splits_of_folder,
)
from .lists import Lists, check_lists, check_overlap, read_lists


def examine_folder(
    folder: str | Path, fast: bool = False
) -> tuple[Report, list[Split]]:
    """Find out which data set a folder holds and examine the splits that are there.

    Args:
        folder: laid out as one of the data configs says, or by ``make_photo_set``.
        fast: read headers of images only.

    Returns:
        The report, and the splits of which something is there.

    Raises:
        DataError: the folder does not exist.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f'the folder {folder} does not exist; check the path')
    family = recognise(folder)
    if family is None:
        return _unknown(folder), []
    splits = splits_of_folder(folder, family)
    there = [s for s in splits if any(path.exists() for path in s.paths)]
    report = examine(there or splits, f'{folder}: {LAYOUTS[family].title}', fast)
    for split in splits:
        if there and split not in there:
            text = f'there is no {split.name} split in {folder}.'
            report.add([Finding('note', 'split', text)])
    return report, there or splits


def examine_datasets(
    datasets: Mapping[str, Mapping[str, Any]], title: str, fast: bool = False
) -> tuple[Report, list[Split]]:
    """Examine what the datasets of a config read.

    Args:
        datasets: name of the split -> arguments of a ``PosePairDataset``, with
            ``type`` and ``data_root``.
        title: of the report.
        fast: read headers of images only.

    Returns:
        The report, and the splits that could be examined.
    """
    findings, splits = [], []
    for name, dataset in datasets.items():
        if reason := _not_examined(dataset):
            text = f'{name}: {reason}, so it is not examined.'
            findings.append(Finding('note', 'not examined', text))
        else:
            splits.append(split_of_dataset(name, dataset))
    report = examine(splits, title, fast)
    report.add(findings)
    return report, splits


def examine(splits: Sequence[Split], title: str, fast: bool = False) -> Report:
    """Examine splits; a problem of one never keeps the others from being looked at.

    Args:
        splits: what to examine.
        title: of the report.
        fast: read headers of images only.
    """
    report = Report(title)
    read: dict[str, tuple[Split, Lists]] = {}
    done: dict[tuple[Path, ...], str] = {}
    states: dict[Path, dict[str, ImageState]] = {}
    for split in splits:
        root = check_root(split.root)
        report.add(root)
        if root:
            continue
        if (before := done.setdefault(split.paths, split.name)) != split.name:
            report.facts.append(f'{split.name}: the same files as {before}')
            continue
        read[split.name] = split, _examine_split(split, report, states, fast)
    report.add(check_overlap(read))
    return report


def _examine_split(
    split: Split, report: Report, states: dict[Path, dict[str, ImageState]], fast: bool
) -> Lists:
    report.add(check_places(split))
    report.add(check_archives(split))
    lists, findings = read_lists(split)
    report.add(findings)
    report.add(check_lists(split, lists))
    mine: dict[str, ImageState] = {}
    if split.images.is_dir():
        there = set(list_files(split.images))
        lists = lists.respelled(there)
        report.add(check_presence(split, lists, there))
        known = states.setdefault(split.images, {})
        new = [name for name in lists.names if name in there and name not in known]
        known |= read_states(split.images, new, fast, f'{split.name}: images')
        mine = {name: known[name] for name in lists.names if name in known}
        report.add(check_states(split, lists, mine))
    if lists.annotations is not None and len(lists.annotations):
        report.add(check_joints(split, lists.annotations, mine))
    report.facts.append(_fact(split, lists, mine))
    return lists


def _fact(split: Split, lists: Lists, states: dict[str, ImageState]) -> str:
    rows = 'no' if lists.annotations is None else f'{len(lists.annotations):,}'
    pairs = 'no' if lists.pairs is None else f'{len(lists.pairs):,}'
    sizes = Counter(state.size for state in states.values() if state.size)
    common = [f'{n:,} of {h}x{w}' for (h, w), n in sizes.most_common(3)]
    more = f', {len(sizes) - 3} other sizes' if len(sizes) > 3 else ''
    images = f'{sum(sizes.values()):,} images'
    images += f' ({", ".join(common)}{more})' if common else ''
    return f'{split.name}: {images}, {rows} annotated, {pairs} pairs'


def _not_examined(dataset: Mapping[str, Any]) -> str | None:
    if dataset.get('type') != 'PosePairDataset':
        return f'its dataset is a {dataset.get("type")}'
    if dataset.get('backend_args'):
        return 'its files are not on a local disk (backend_args)'
    missing = [
        key
        for key in ('data_root', 'image_dir', 'annotation_file', 'pair_file')
        if dataset.get(key) is None
    ]
    return f'it does not state {missing[0]}' if missing else None


def _unknown(folder: Path) -> Report:
    report = Report(f'{folder}: no data set that posegen knows')
    names = sorted(os.listdir(folder))
    inner = [name for name in names if (folder / name).is_dir()]
    below = [name for name in inner if recognise(folder / name)]
    near = folder / below[0] if below else parent_set(folder)
    if near is not None:
        cure = f'take that folder: `{root_option(near)}` for a config.'
        text = f'{folder} holds no lists; {near} looks like a data set.'
        report.add([Finding('error', 'one level off', text, cure)])
        return report
    packed = [name for name in names if name.endswith(ARCHIVES)]
    hint = f' Archives are there: {", ".join(packed[:3])}; unpack them.' * bool(packed)
    report.add(
        [
            Finding(
                'error',
                'unknown layout',
                f'{folder} holds neither annotation-*.csv and pairs-*.csv nor the '
                f'lists of a public set.{hint}',
                'give the config that reads it, or make a set of it: '
                '`tools/datasets/make_photo_set.py` from photos and keypoints, '
                '`prepare_deepfashion.py` or `prepare_market1501.py` from the public '
                'sets.',
                tuple(names[:3]),
                len(names),
            )
        ]
    )
    return report
