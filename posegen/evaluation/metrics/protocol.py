"""All that a published protocol says about pairs, during a test run."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.device import get_device
from mmengine.logging import print_log

from posegen.evaluation import protocols
from posegen.evaluation.aggregate import pool
from posegen.evaluation.extractors import load_network, network_key
from posegen.evaluation.metrics.base import (
    Sample,
    SampleMetric,
    hide_surroundings,
    image_pair,
)
from posegen.evaluation.metrics.sets import FID, KID, InceptionScore, find_record
from posegen.evaluation.pair_scores import score_pairs
from posegen.evaluation.steps import apply_steps
from posegen.registry import METRICS
from posegen.utils.errors import ConfigError

_BACKGROUNDS = {'pose-black': 0.0, 'pose-grey': 127.5}


class RecordMetric(SampleMetric):
    """A score of pairs as a protocol's record says.

    Args:
        record: Of SSIM, MS-SSIM, PSNR, L1 or LPIPS.
        prefix: See :class:`SampleMetric`.
    """

    def __init__(self, record: protocols.Metric, prefix: str | None = None) -> None:
        super().__init__(prefix)
        self.record = record
        self.net: Any = None
        if isinstance(record, protocols.LPIPS):
            self.net = load_network(network_key(record))

    def process(self, data_batch: Any, data_samples: Sequence[Sample]) -> None:
        """Score a batch of samples of one size."""
        record = self.record
        fake, real = image_pair(data_samples)
        height = fake.shape[2]
        fake = apply_steps(fake, record.fake, height)
        real = apply_steps(real, record.real, height)
        if record.mask != 'none':
            background = _BACKGROUNDS[record.mask]
            fake, real = hide_surroundings(fake, real, data_samples, background)
        if self.net is None:
            scores = score_pairs(record, fake, real)
        else:
            scores = self.net(fake.to(get_device()), real.to(get_device()))
        self.results.extend(scores.tolist())

    def compute_metrics(self, results: list[float]) -> dict[str, float]:
        """What the record makes of the samples' scores."""
        return {self.record.name: pool(self.record, np.array(results))}


@METRICS.register_module()
class ProtocolScores(SampleMetric):
    """Scores of a published protocol, mistakes included: ``gfla/ssim``, ``gfla/psnr``.

    Results are scored as they would be saved to png, whatever the published code saved
    them as.

    Args:
        protocol: Name out of :data:`~posegen.evaluation.protocols.PROTOCOLS`.
        metrics: Which of its metrics. By default all that can be had; what can't is
            named in a line of the log. FID, LPIPS and Inception scores need weights
            that are downloaded once.
        real_dir: Folder of the training images, for an FID that is taken to them.
        prefix: Put before each name with a slash; the protocol's name by default.

    Raises:
        ConfigError: There is no such protocol or metric, or one that was asked for
            can't be had.
        WeightsError: Weights are neither there nor to be had.
    """

    def __init__(
        self,
        protocol: str,
        metrics: Sequence[str] | None = None,
        real_dir: str | None = None,
        prefix: str | None = None,
    ) -> None:
        super().__init__(protocol if prefix is None else prefix)
        whole = protocols.get_protocol(protocol)
        wanted = [m.name for m in whole.metrics] if metrics is None else metrics
        self.parts: list[SampleMetric] = []
        for name in wanted:
            try:
                self.parts.append(_build(protocol, name, real_dir))
            except ConfigError as error:
                if metrics is not None:
                    raise
                print_log(f'left out: {error}', 'current', logging.WARNING)

    def process(self, data_batch: Any, data_samples: Sequence[Sample]) -> None:
        """Let every part see the samples."""
        for part in self.parts:
            part.process(data_batch, data_samples)

    def evaluate(self, size: int) -> dict[str, float]:
        """Scores of all parts; each collects its own results."""
        values: dict[str, float] = {}
        for part in self.parts:
            values |= part.evaluate(size)
        return {f'{self.prefix}/{name}': value for name, value in values.items()}

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Nothing: the parts compute theirs."""
        raise NotImplementedError('ProtocolScores has no results of its own')


def _build(protocol: str, name: str, real_dir: str | None) -> SampleMetric:
    """The metric of a record."""
    record = find_record(protocol, name, protocols.Metric)
    if record.mask == 'silhouette':
        raise ConfigError(f"{name} of protocol '{protocol}' needs silhouettes")
    if isinstance(record, protocols.KID):
        return KID(protocol)
    if isinstance(record, protocols.FID):
        trained = record.real_set == 'train'
        return FID(protocol, name, real_dir if trained else None)
    if isinstance(record, protocols.InceptionScore):
        return InceptionScore(protocol)
    return RecordMetric(record)
