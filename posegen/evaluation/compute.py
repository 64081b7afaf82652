"""Compute everything that a plan asks for, for all methods in one go."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from posegen.evaluation.aggregate import Interval, interval_of, pool
from posegen.evaluation.jobs import PairJob, run_jobs
from posegen.evaluation.pairs import Pair, image_size
from posegen.evaluation.plan import Cell, Plan
from posegen.evaluation.scoring import PairValues, Variant
from posegen.evaluation.sets import SetScores
from posegen.evaluation.slicing import (
    difficulty_rows,
    have_sources,
    region_names,
    region_rows,
)
from posegen.evaluation.table import SliceRow
from posegen.utils.errors import DataError


class Computation:
    """Scores of methods under protocols.

    Args:
        methods: Name -> pairs.
        plan: What to compute.
        joints: Name -> (n, 2, 18, 3) of targets and sources; empty where they are not
            known, and those of sources 0 throughout where only they are not.
        fid_real: Images of the real set that was given, if any.
        slices: Also score regions of the images.
    """

    def __init__(
        self,
        methods: Mapping[str, Sequence[Pair]],
        plan: Plan,
        joints: Mapping[str, np.ndarray],
        fid_real: Sequence[Path] | None,
        slices: bool = False,
    ) -> None:
        self.methods = methods
        self.plan = plan
        self.joints = joints
        self.regions: list[str] = []
        if slices:
            self.regions = region_names(have_sources([*joints.values()]))
        self.variants = plan.variants + [Variant(name) for name in self.regions]
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

    def of_pairs(self, variant: Variant, name: str) -> np.ndarray | str:
        """(n,) float64, what each pair of a method got, or why they got nothing."""
        number = self.variants.index(variant)
        found = self.pair_values[name]
        return found.values.get(number, found.problems.get(number, ''))

    def score(self, cell: Cell, name: str) -> float | str:
        """The score of a method, or why it has none."""
        if cell.of_set:
            return self.set_values[cell, name]
        values = self.of_pairs(cell.variant, name)
        if isinstance(values, str):
            return values
        return pool(cell.metric, values)

    def interval(self, cell: Cell, name: str) -> Interval | None:
        """95 % interval of a score over the pairs; None for scores of sets."""
        values = 'of the set' if cell.of_set else self.of_pairs(cell.variant, name)
        return None if isinstance(values, str) else interval_of(cell.metric, values)

    def slice_rows(self, name: str) -> Iterator[SliceRow]:
        """Rows of a method: regions, and thirds of the pairs under the first protocol.

        What needs the joints of the sources is left out where they are not known.
        """
        joints = self.joints[name]
        protocol = self.plan.cells[0].protocol
        found = {
            region: self.of_pairs(Variant(region), name) for region in self.regions
        }
        regions = {key: of for key, of in found.items() if not isinstance(of, str)}
        yield from region_rows(name, protocol, regions)
        if have_sources([joints]):
            values = {}
            for cell in self.plan.cells:
                if cell.protocol == protocol and not cell.of_set:
                    of = self.of_pairs(cell.variant, name)
                    if not isinstance(of, str):
                        values[cell.name] = of
            height, _ = image_size(self.methods[name][0].target)
            yield from difficulty_rows(name, protocol, values, joints, height)
