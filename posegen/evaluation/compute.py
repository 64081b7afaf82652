"""Compute everything that a plan asks for, for all methods in one go."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from posegen.evaluation.aggregate import (
    Interval,
    interval_of,
    kept_count,
    pool,
    too_few,
)
from posegen.evaluation.jobs import PairJob, run_jobs
from posegen.evaluation.pairs import Pair
from posegen.evaluation.plan import Cell, Plan
from posegen.evaluation.scoring import PairValues
from posegen.evaluation.sets import SetScores
from posegen.utils.errors import DataError


class Computation:
    """Scores of methods under protocols.

    Args:
        methods: Name -> pairs.
        plan: What to compute.
        joints: Name -> (n, 18, 3) of the targets; empty where they are not known.
        fid_real: Images of the real set that was given, if any.
    """

    def __init__(
        self,
        methods: Mapping[str, Sequence[Pair]],
        plan: Plan,
        joints: Mapping[str, np.ndarray],
        fid_real: Sequence[Path] | None,
    ) -> None:
        self.methods = methods
        self.plan = plan
        self.joints = joints
        self.variants = plan.variants
        self.sets = SetScores(fid_real)
        self.pair_values: dict[str, PairValues] = {}
        self.set_values: dict[tuple[Cell, str], float | str] = {}

    def run(self, processes: int, progress: bool) -> None:
        """Read all images and compute all that needs them.

        Raises:
            DataError: An image can't be read, or a method has no score of pairs under
                any protocol.
        """
        set_cells = [cell for cell in self.plan.cells if cell.of_set]
        todo = []
        for name, pairs in self.methods.items():
            for cell in set_cells:
                if obstacle := self.sets.add(cell, pairs):
                    self.set_values[cell, name] = obstacle
                else:
                    todo.append((cell, name))
        jobs = {
            name: PairJob(tuple(pairs), self.joints.get(name))
            for name, pairs in self.methods.items()
        }
        with tempfile.TemporaryDirectory(prefix='posegen-') as folder:
            self.pair_values, features = run_jobs(
                jobs, self.sets.jobs, self.variants, Path(folder), processes, progress
            )
            for cell, name in todo:
                score = self.sets.score(cell, self.methods[name], features)
                self.set_values[cell, name] = score
        for values in self.pair_values.values():
            if self.variants and not values.values:
                raise DataError(next(iter(values.problems.values())))

    def of_pairs(self, cell: Cell, name: str) -> np.ndarray | str:
        """(n,) float64, what each pair of a method got, or why they got nothing."""
        number = self.variants.index(cell.variant)
        found = self.pair_values[name]
        return found.values.get(number, found.problems.get(number, ''))

    def score(self, cell: Cell, name: str) -> float | str:
        """The score of a method, or why it has none."""
        if cell.of_set:
            return self.set_values[cell, name]
        values = self.of_pairs(cell, name)
        if isinstance(values, str):
            return values
        if not kept_count(cell.metric, len(values)):
            return too_few(cell.metric, len(values))
        return pool(cell.metric, values)

    def interval(self, cell: Cell, name: str) -> Interval | None:
        """95 % interval of a score over the pairs; None for scores of sets."""
        values = None if cell.of_set else self.of_pairs(cell, name)
        return None if values is None else interval_of(cell.metric, values)
