"""The work of a scoring as batches for processes, and what comes back from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from posegen.evaluation.features import FeatureSet, collect_features
from posegen.evaluation.pairs import Pair
from posegen.evaluation.processes import map_batches
from posegen.evaluation.protocols import FID, InceptionScore
from posegen.evaluation.scoring import (
    FeatureTask,
    PairTask,
    PairValues,
    Scorer,
    Side,
    Variant,
)
from posegen.utils.progress import track

_BATCH = 8  # at 256x256 the networks take about 0.1 GB an image


@dataclass(frozen=True)
class PairJob:
    """Score the pairs of a method in all variants.

    Attributes:
        pairs: All of them.
        joints: (n, 2, 18, 3) of their targets and sources, if known.
    """

    pairs: tuple[Pair, ...]
    joints: np.ndarray | None

    def tasks(self) -> list[PairTask]:
        """The job in batches."""
        return [
            PairTask(
                self.pairs[start : start + _BATCH],
                None if self.joints is None else self.joints[start : start + _BATCH],
            )
            for start in range(0, len(self.pairs), _BATCH)
        ]

    def collect(self, results: Iterable[PairValues]) -> PairValues:
        """One result of those of the batches."""
        parts = list(results)
        problems: dict[int, str] = {}
        for part in reversed(parts):  # the first problem is the one to tell
            problems |= part.problems
        numbers = [n for n in parts[0].values if n not in problems]
        values = {n: np.concatenate([p.values[n] for p in parts]) for n in numbers}
        return PairValues(values, problems)


@dataclass(frozen=True)
class FeatureJob:
    """Take the features of a list of images; equal jobs are done once.

    Attributes:
        recipe: As for :class:`~posegen.evaluation.scoring.FeatureTask`.
        side: The same.
        files: The same.
        jpeg: The same.
    """

    recipe: FID | InceptionScore | str
    side: Side
    files: tuple[tuple[Path, Path | None], ...]
    jpeg: bool = False

    def tasks(self) -> list[FeatureTask]:
        """The job in batches."""
        return [
            FeatureTask(
                self.recipe, self.side, self.files[start : start + _BATCH], self.jpeg
            )
            for start in range(0, len(self.files), _BATCH)
        ]


@dataclass
class FeatureNeeds:
    """What is needed of the features of a job.

    Attributes:
        stops: Numbers of images, from the first, whose moments are needed.
        all: Whether every feature is needed.
    """

    stops: set[int]
    all: bool = False


def run_jobs(
    pair_jobs: Mapping[str, PairJob],
    feature_jobs: Mapping[FeatureJob, FeatureNeeds],
    variants: Sequence[Variant],
    folder: Path,
    processes: int,
    progress: bool,
) -> tuple[dict[str, PairValues], dict[FeatureJob, FeatureSet]]:
    """Do all work in one go through one set of processes.

    Args:
        pair_jobs: By method.
        feature_jobs: What is needed of each.
        variants: What pairs are scored by.
        folder: For temporary files of features.
        processes: Number of them; the results do not depend on it.
        progress: Show a bar on stderr, or lines where that is no terminal.
    """
    tasks: list[Any] = []
    for job in (*pair_jobs.values(), *feature_jobs):
        tasks += job.tasks()
    results: Iterator[Any] = map_batches(Scorer, (variants,), tasks, processes)
    if progress:
        results = track(results, 'scoring, batches', len(tasks))
    scores = {
        name: job.collect(islice(results, len(job.tasks())))
        for name, job in pair_jobs.items()
    }
    features = {
        job: collect_features(
            islice(results, len(job.tasks())),
            len(job.files),
            sorted(needs.stops),
            folder if needs.all else None,
        )
        for job, needs in feature_jobs.items()
    }
    for _ in results:  # nothing is left, but the processes may end now
        raise AssertionError('more results than tasks')
    return scores, features
