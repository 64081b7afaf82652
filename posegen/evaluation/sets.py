"""Scores of whole sets: Frechet and kernel distances, Inception score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from posegen.evaluation import functional as F
from posegen.evaluation.aggregate import kept_count, too_few
from posegen.evaluation.extractors import inception_logits
from posegen.evaluation.features import FeatureSet
from posegen.evaluation.jobs import FeatureJob, FeatureNeeds
from posegen.evaluation.metrics import warn_if_few
from posegen.evaluation.pairs import Pair
from posegen.evaluation.plan import Cell, feature_recipe
from posegen.evaluation.protocols import FID, KID, InceptionScore, Metric
from posegen.evaluation.scoring import needs_height


class SetScores:
    """The features that set scores need, and the scores that come from them.

    Args:
        fid_real: Images of the real set that was given, if any.
    """

    def __init__(self, fid_real: Sequence[Path] | None) -> None:
        self.fid_real = fid_real
        self.jobs: dict[FeatureJob, FeatureNeeds] = {}

    def add(self, cell: Cell, pairs: Sequence[Pair]) -> str | None:
        """Plan the features of one score of one method.

        Returns:
            Why there can be no score, or None.
        """
        jobs = self._jobs_of(cell, pairs)
        if obstacle := too_few(cell.metric, min(len(job.files) for job in jobs)):
            return obstacle
        for job in jobs:
            needs = self.jobs.setdefault(job, FeatureNeeds(set()))
            if isinstance(cell.metric, KID | InceptionScore):
                needs.all = True
            else:
                needs.stops.add(kept_count(cell.metric, len(job.files)))
        return None

    def score(
        self,
        cell: Cell,
        pairs: Sequence[Pair],
        features: Mapping[FeatureJob, FeatureSet],
    ) -> float:
        """The score of a cell that was added, from the features of its jobs."""
        metric = cell.metric
        jobs = self._jobs_of(cell, pairs)
        counts = [kept_count(metric, len(job.files)) for job in jobs]
        sets = [features[job] for job in jobs]
        if isinstance(metric, InceptionScore):
            return _inception_score(metric, sets[0])
        if isinstance(metric, KID):
            return _kernel_distance(metric, sets[0], sets[1])
        return _frechet(cell.name, sets, counts)

    def _jobs_of(self, cell: Cell, pairs: Sequence[Pair]) -> list[FeatureJob]:
        """Features of the results, and of the real images unless none are needed."""
        metric = cell.metric
        assert isinstance(metric, FID | InceptionScore | str)
        fakes = tuple((pair.image, pair.target) for pair in pairs)
        jobs = [FeatureJob(feature_recipe(metric, 'fake'), 'fake', fakes, cell.jpeg)]
        if not isinstance(metric, InceptionScore):
            reals = self._real_files(metric, pairs)
            jobs.append(FeatureJob(feature_recipe(metric, 'real'), 'real', reals))
        return jobs

    def _real_files(
        self, metric: FID | str, pairs: Sequence[Pair]
    ) -> tuple[tuple[Path, Path | None], ...]:
        """Real images; with results beside them where their height is asked for."""
        asked = isinstance(metric, Metric) and needs_height(metric.real)
        given = isinstance(metric, str) or metric.real_set == 'train'
        if self.fid_real is not None and given:
            other = pairs[0].image if asked else None
            return tuple((file, other) for file in self.fid_real)
        return tuple((p.target, p.image if asked else None) for p in pairs)


def _frechet(name: str, sets: Sequence[FeatureSet], counts: Sequence[int]) -> float:
    fake, real = (one.moments[count] for one, count in zip(sets, counts))
    warn_if_few(min(counts), len(fake.mean), name)
    return F.frechet_from_moments(
        real.mean, real.covariance, fake.mean, fake.covariance
    ).item()


def _kernel_distance(metric: KID, fake: FeatureSet, real: FeatureSet) -> float:
    assert fake.features is not None and real.features is not None
    assert metric.subsets is not None and metric.subset_size is not None
    distance = F.kernel_distance(
        real.features, fake.features, metric.subsets, metric.subset_size
    )
    return metric.factor * float(distance)


def _inception_score(metric: InceptionScore, fake: FeatureSet) -> float:
    assert fake.features is not None
    logits = inception_logits(metric, fake.features)
    return float(F.inception_score(logits, metric.splits))
