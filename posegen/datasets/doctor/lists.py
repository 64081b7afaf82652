"""Are the two lists sound, and do they fit each other and the data set?"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from posegen.codecs.names import respell
from posegen.datasets.annotations import Annotations, scan_annotations, scan_pairs
from posegen.datasets.photo_set import read_groups
from posegen.datasets.pose_pair_dataset import truth_name
from posegen.utils.errors import DataError

from .files import disguise_cure, disguise_of
from .findings import Finding, group
from .layouts import LAYOUTS, Split

Pair = tuple[int, str, str]  # line number, source, target


@dataclass(frozen=True)
class Lists:
    """What could be read of a split's lists; None where a list could not be.

    ``groups`` says who an image shows, for sets that ``make_photo_set`` wrote.
    """

    annotations: Annotations | None
    pairs: list[Pair] | None
    groups: dict[str, str]

    @property
    def pair_names(self) -> list[str]:
        """Images that pairs name, each once, in the order of the file."""
        pairs = self.pairs or ()
        return list(dict.fromkeys(name for _, *both in pairs for name in both))

    @property
    def names(self) -> list[str]:
        """Images that either list names."""
        annotated = self.annotations.names if self.annotations else ()
        return list(dict.fromkeys([*self.pair_names, *annotated]))

    def respelled(self, files: set[str]) -> Lists:
        """The same, each name as a file has it that differs in spelling only."""
        spelled = respell(self.names, files)
        if not spelled:
            return self
        rows, pairs = self.annotations, self.pairs
        if rows is not None:
            names = [spelled.get(name, name) for name in rows.names]
            rows = Annotations(names, rows.keypoints)
        if pairs is not None:
            pairs = [
                (line, spelled.get(source, source), spelled.get(target, target))
                for line, source, target in pairs
            ]
        return Lists(rows, pairs, self.groups)


_ROW_KINDS = (
    ('row twice', 'has a row already', 'keep one row for each image.'),
    (
        'row length',
        'must have 18 numbers',
        'write 18 numbers for y and 18 for x; other joint lists become 18 joints with '
        '`tools/datasets/convert_keypoints.py`.',
    ),
    ('no number', 'finite numbers', 'write -1 for y and x of a joint that is missing.'),
    ('row format', '', "write rows as `name.jpg: [18 y]: [18 x]`, with ':' between."),
)


def read_lists(split: Split) -> tuple[Lists, list[Finding]]:
    """Read both lists, sound lines only, with findings on the rest."""
    # Fractions are a finding of their own, with the joints.
    scan = partial(scan_annotations, pixels=False)
    annotations, findings = _scan(split.annotations, scan)
    rows, bad = annotations or (None, [])
    for kind, sign, cure in _ROW_KINDS:
        these = [problem for problem in bad if sign in problem]
        bad = [problem for problem in bad if sign not in problem]
        findings += group(
            'error',
            kind,
            [_shorten(problem, split) for problem in these],
            f'{split.name}: {{n}} rows of {split.annotations} cannot be used.',
            cure,
        )
    pairs, more = _scan(split.pairs, scan_pairs)
    rows_of_pairs, bad = pairs or (None, [])
    findings += more + group(
        'error',
        'pair format',
        [_shorten(problem, split) for problem in bad],
        f'{split.name}: {{n}} lines of {split.pairs} do not hold two names.',
        'write lines as `source.jpg,target.jpg`.',
    )
    return Lists(rows, rows_of_pairs, read_groups(split.root)), findings


def check_lists(split: Split, lists: Lists) -> list[Finding]:
    """Counts, names, pairs: everything that the lists alone can tell."""
    findings = []
    if lists.annotations is not None:
        findings += _check_counts(split, 'annotations', len(lists.annotations))
    if lists.pairs is not None:
        findings += _check_counts(split, 'pairs', len(lists.pairs))
        findings += _check_pairs(split, lists.pairs, lists.groups)
    findings += _check_set_names(split, lists)
    if lists.annotations is not None and lists.pairs is not None:
        findings += _check_rows(split, lists)
    if split.truth is not None and split.truth.is_dir() and lists.pairs:
        findings += _check_truth(split, split.truth, lists.pairs)
    return findings


def check_overlap(splits: dict[str, tuple[Split, Lists]]) -> list[Finding]:
    """People who are in training and in testing."""
    if 'train' not in splits or 'test' not in splits:
        return []
    (train, train_lists), (test, test_lists) = splits['train'], splits['test']
    if train.pairs == test.pairs:
        return [
            Finding(
                'warning',
                'train is test',
                f'training and testing read the same pairs, {train.pairs}.',
                'scores then say nothing about other people: test on people who are '
                'not in training.',
            )
        ]
    test_keys = {
        person_of(test.family, name, test_lists.groups)
        for name in test_lists.pair_names
    }
    shared = Counter(
        key
        for name in train_lists.pair_names
        if (key := person_of(train.family, name, train_lists.groups)) in test_keys
        and key is not None
    )
    return group(
        'error',
        'train/test overlap',
        [f'{key} ({count} training images)' for key, count in shared.items()],
        '{n} people (or outfits) are in the pairs of training and of testing.',
        'take their pairs out of one of the two lists.',
    )


def person_of(family: str, name: str, groups: Mapping[str, str]) -> str | None:
    """Who (Market-1501) or which outfit (DeepFashion) an image shows, by its name.

    None where that is not known: distractors, and sets without a rule or ``groups``.
    """
    if family == 'market1501':
        match = re.match(r'(\d{4})_', name)
        return None if match is None or match[1] == '0000' else match[1]
    if family == 'deepfashion':
        match = re.match(r'(.*?id\d{10})', name)
        return match[1] if match else None
    return groups.get(name)


def _scan(path: Path, scan) -> tuple[tuple | None, list[Finding]]:
    """What a list holds; None, and why, where it cannot be read at all."""
    if not path.is_file():
        return None, []  # reported with the places
    try:
        return scan(path), []
    except DataError as error:
        disguise = disguise_of(path)
        if disguise is None or (disguise == 'empty' and path.stat().st_size):
            cure = 'put the header back as the first line.'
            if isinstance(error.__cause__, UnicodeDecodeError):
                cure = 'save it as plain text in UTF-8.'
            return None, [Finding('error', 'list format', f'{error}.', cure)]
        return None, [
            Finding(
                'error',
                'no list',
                f'{path} is {disguise}, not a list.',
                disguise_cure(disguise, str(path)),
            )
        ]


def _shorten(problem: str, split: Split) -> str:
    return problem.replace(f'{split.annotations}, ', '').replace(f'{split.pairs}, ', '')


def _check_counts(split: Split, what: str, found: int) -> list[Finding]:
    if found == 0:
        return [
            Finding(
                'error',
                f'no {what}',
                f'{split.name}: the list of {what} holds nothing but its header.',
                f'fill it, or make it again with {split.prepare}.',
            )
        ]
    expected = LAYOUTS[split.family].counts.get(split.name)
    wanted = expected and expected[what == 'pairs']
    if not wanted or found == wanted or not split.is_whole_set():
        return []
    return [
        Finding(
            'warning',
            'count',
            f'{split.name}: {found:,} {what}, the published list has {wanted:,}.',
            'scores compare with published ones on the whole set only; '
            f'{split.prepare} reports what is missing.',
        )
    ]


def _check_pairs(
    split: Split, pairs: list[Pair], groups: dict[str, str]
) -> list[Finding]:
    alone = [f'line {line}: {a}' for line, a, b in pairs if a == b]
    counts = Counter((a, b) for _, a, b in pairs)
    twice = [f'{a},{b} ({n} times)' for (a, b), n in counts.items() if n > 1]
    crossed = []
    for line, a, b in pairs:
        people = [person_of(split.family, name, groups) for name in (a, b)]
        if None not in people and people[0] != people[1]:
            crossed.append(f'line {line}: {a},{b}')
    return [
        *group(
            'warning',
            'pair with itself',
            alone,
            f'{split.name}: {{n}} pairs turn an image into itself.',
            'take them out of the list.',
        ),
        *group(
            'warning',
            'pair twice',
            twice,
            f'{split.name}: {{n}} pairs are listed more than once.',
            "keep one of each: `awk '!seen[$0]++' OLD > NEW`.",
        ),
        *group(
            'error',
            'pair across people',
            crossed,
            f'{split.name}: {{n}} pairs join different people (or outfits).',
            'make the list again with posegen.datasets.build_pairs.',
        ),
    ]


def _check_set_names(split: Split, lists: Lists) -> list[Finding]:
    """Names that belong to another data set than the file is called after."""
    names = lists.names
    pattern = LAYOUTS[split.family].names
    if pattern is None or not names:
        return []
    strange = [name for name in names if not pattern.fullmatch(name.split('/')[-1])]
    others = [
        layout.title
        for family, layout in LAYOUTS.items()
        if family != split.family
        and layout.names
        and strange
        and layout.names.fullmatch(strange[0].split('/')[-1])
    ]
    looks = f'; they look like {others[0]}' if others else ''
    title = LAYOUTS[split.family].title
    return group(
        'error' if len(strange) > len(names) / 2 else 'warning',
        'names',
        strange,
        f'{split.name}: {{n}} of {len(names):,} names are not {title} names{looks}.',
        f'use the lists of {title}, with images named as in them '
        f'({split.prepare} names them so).',
    )


def _check_rows(split: Split, lists: Lists) -> list[Finding]:
    """Pairs against the annotation: every image a row, every row some joints."""
    annotations = lists.annotations
    index = {name: row for row, name in enumerate(annotations.names)}
    names = lists.pair_names
    bare = [name for name in names if name not in index]
    rows = np.array([index[name] for name in names if name in index], dtype=int)
    joints = (annotations.keypoints[rows, :, 2] > 0).sum(1)
    nobody = [annotations.names[row] for row in rows[joints == 0]]
    few = [annotations.names[row] for row in rows[(joints > 0) & (joints < 4)]]
    return [
        *group(
            'error',
            'no row',
            bare,
            f'{split.name}: {{n}} images that pairs name have no row in '
            f'{split.annotations}.',
            'add their joints, or take their pairs out; '
            '`tools/datasets/convert_keypoints.py` writes rows from other formats.',
        ),
        *group(
            'warning',
            'no joints',
            nobody,
            f'{split.name}: {{n}} images that pairs name have no joint at all.',
            'leave them out: a pose without joints teaches nothing.',
        ),
        *group(
            'warning',
            'few joints',
            few,
            f'{split.name}: {{n}} images that pairs name have fewer than 4 joints.',
            'leave them out, or look at them in the sheet.',
        ),
    ]


def _check_truth(split: Split, truth: Path, pairs: list[Pair]) -> list[Finding]:
    there = set(os.listdir(truth))
    names = (truth_name(a, b) for _, a, b in pairs if a != b)
    return group(
        'error',
        'truth missing',
        [name for name in names if name not in there],
        f'{split.name}: {{n}} pairs have no true flow in {truth}.',
        f'make the set again with {split.prepare}, or set truth_dir=None.',
    )
