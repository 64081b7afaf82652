"""Scores of whole sets through Inception: FID, KID, Inception score."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import torch
from mmengine.device import get_device
from mmengine.dist import all_gather_object, get_dist_info
from torch import Tensor

from posegen.evaluation import functional as F
from posegen.evaluation import protocols
from posegen.evaluation.aggregate import kept_count
from posegen.evaluation.extractors import load_network, network_key
from posegen.evaluation.metrics.base import (
    Sample,
    SampleMetric,
    image_pair,
    warn_if_few,
)
from posegen.evaluation.networks import InceptionNet
from posegen.evaluation.pairs import ImageFolder, read_image
from posegen.evaluation.steps import apply_steps
from posegen.registry import METRICS
from posegen.utils.errors import ConfigError
from posegen.utils.progress import track


class InceptionMetric(SampleMetric):
    """Keeps Inception features of each sample, made the way of a protocol.

    Args:
        record: Which network, and what images go through before it.
        file: Weights; see :class:`~posegen.evaluation.networks.InceptionNet`.
        prefix: See :class:`SampleMetric`.

    Raises:
        WeightsError: The weights are neither there nor to be had.
    """

    def __init__(
        self,
        record: protocols.FID | protocols.InceptionScore,
        file: str | None = None,
        prefix: str | None = None,
    ) -> None:
        super().__init__(prefix)
        self.record: Any = record
        self.net: Any = load_network(_network_key(record, file))
        self.looks_at_targets = True

    def process(self, data_batch: Any, data_samples: Sequence[Sample]) -> None:
        """Keep the features of each sample, (2, d): result and target; or (1, d)."""
        fake, real = image_pair(data_samples)
        height = fake.shape[2]
        features = [self.embed(apply_steps(fake, self.record.fake, height))]
        if self.looks_at_targets:
            features.append(self.embed(apply_steps(real, self.record.real, height)))
        # A view would drag the memory of its whole batch to the other processes.
        self.results.extend(sample.clone() for sample in torch.stack(features, dim=1))

    def embed(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) of 0..255 after the steps -> (B, d) float32 on the CPU."""
        images = apply_steps(images, (self.record.input_resize,), images.shape[2])
        return self.net(images.to(get_device())).cpu()

    def kept(self, results: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Features (n, d) of results, and of targets, without what is dropped."""
        count = kept_count(self.record, len(results))
        return torch.stack(list(results))[:count].unbind(dim=1)


@METRICS.register_module()
class FID(InceptionMetric):
    """``fid``, the Frechet distance of Inception features; lower is better.

    By default that of the protocol ``posegen``, which is clean-fid's, to the targets.

    Args:
        protocol: Whose network, resize, input normalisation and last-batch rule, see
            :data:`~posegen.evaluation.protocols.PROTOCOLS`.
        metric: Which of its metrics, where it has two.
        real_dir: Folder of real images to take the distance to, instead of the targets.
            Must be given for a protocol that takes it to the training images. Its
            features are taken once, by all processes together.
        file: Weights; see :class:`~posegen.evaluation.networks.InceptionNet`.
        prefix: See :class:`SampleMetric`.

    Raises:
        ConfigError: The protocol has no FID, or one that can't be had this way.
        WeightsError: The weights are neither there nor to be had.
    """

    def __init__(
        self,
        protocol: str = 'posegen',
        metric: str = 'fid',
        real_dir: str | None = None,
        file: str | None = None,
        prefix: str | None = None,
    ) -> None:
        record = find_record(protocol, metric, protocols.FID)
        if record.real_set == 'train' and real_dir is None:
            raise ConfigError(
                f"{metric} of protocol '{protocol}' is taken to all training images: "
                'give their folder as real_dir, or take another protocol'
            )
        super().__init__(record, file, prefix)
        self.real_files = None if real_dir is None else ImageFolder(real_dir).files
        self.real_moments: F.Moments | None = None
        self.looks_at_targets = real_dir is None
        self.warned = False

    def evaluate(self, size: int) -> dict[str, float]:
        """Compute the metric over all processes; see MMEngine's BaseMetric."""
        if self.real_files is not None and self.real_moments is None:
            self.real_moments = self._collect_real(self.real_files)
        return super().evaluate(size)

    def _collect_real(self, files: Sequence[Any]) -> F.Moments:
        """Moments of the real images; each process looks at its share."""
        files = files[: kept_count(self.record, len(files))]
        if len(files) < 2:
            raise ConfigError(
                f"one image in '{files[0].parent}' is too few for a covariance"
            )
        rank, world_size = get_dist_info()
        mine = files[rank::world_size]
        moments = [
            F.Moments.of(self.embed(_read(file, self.record.real)))
            for file in track(mine, 'features of real images', len(mine))
        ]
        parts = all_gather_object(reduce(F.Moments.merge, moments) if moments else None)
        return reduce(F.Moments.merge, (part for part in parts if part is not None))

    def compute_metrics(self, results: list[Tensor]) -> dict[str, float]:
        """Distance between the two sets of features; nan for less than two images."""
        fake, *real = self.kept(results)
        name = self.record.name
        if len(fake) < 2:
            return {name: float('nan')}
        if not self.warned:  # once, not at every validation
            self.warned = True
            warn_if_few(len(fake), self.net.dim, name)
        if self.real_moments is None:
            return {name: F.frechet_distance(real[0], fake).item()}
        ours, theirs = F.Moments.of(fake), self.real_moments
        distance = F.frechet_from_moments(
            theirs.mean, theirs.covariance, ours.mean, ours.covariance
        )
        return {name: distance.item()}


@METRICS.register_module()
class KID(InceptionMetric):
    """``kid``, the kernel distance of Inception features to the targets.

    Lower is better. Its mean doesn't depend on the number of images, so that it says
    more than FID about a few hundred of them; it may fall below 0.

    Args:
        protocol: Whose; by default that of clean-fid, times 1000.
        file: Weights; see :class:`~posegen.evaluation.networks.InceptionNet`.
        prefix: See :class:`SampleMetric`.

    Raises:
        ConfigError: The protocol has no KID.
        WeightsError: The weights are neither there nor to be had.
    """

    def __init__(
        self,
        protocol: str = 'vtoneval',
        file: str | None = None,
        prefix: str | None = None,
    ) -> None:
        super().__init__(find_record(protocol, 'kid', protocols.KID), file, prefix)

    def compute_metrics(self, results: list[Tensor]) -> dict[str, float]:
        """Mean over random subsets, times the protocol's factor; nan for one image."""
        fake, real = self.kept(results)
        value = float('nan')
        if len(fake) > 1:
            record = self.record
            value = F.kernel_distance(real, fake, record.subsets, record.subset_size)
        return {self.record.name: self.record.factor * value}


@METRICS.register_module()
class InceptionScore(InceptionMetric):
    """``inception_score`` of the results alone; higher is better.

    Args:
        protocol: Whose; by default PATN's: TensorFlow's network of 2015 without the
            bias of its last layer, images in the order of the data set in 10 splits.
        file: Weights; see :class:`~posegen.evaluation.networks.InceptionNet`.
        prefix: See :class:`SampleMetric`.

    Raises:
        ConfigError: The protocol has no Inception score.
        WeightsError: The weights are neither there nor to be had.
    """

    def __init__(
        self,
        protocol: str = 'patn',
        file: str | None = None,
        prefix: str | None = None,
    ) -> None:
        record = find_record(protocol, 'inception_score', protocols.InceptionScore)
        super().__init__(record, file, prefix)
        self.looks_at_targets = False

    def compute_metrics(self, results: list[Tensor]) -> dict[str, float]:
        """Mean over the splits; nan for fewer images than splits."""
        (fake,) = self.kept(results)
        if len(fake) < self.record.splits:
            return {self.record.name: float('nan')}
        net: InceptionNet = self.net
        logits = net.logits(fake.to(get_device()), bias=self.record.logits_bias)
        return {self.record.name: F.inception_score(logits.cpu(), self.record.splits)}


def find_record(protocol: str, name: str, kind: type) -> Any:
    """The record of a protocol's metric, complete and of the kind wanted.

    Raises:
        ConfigError: There is no such protocol or metric, or the published code does
            not say all of it.
    """
    whole = protocols.get_protocol(protocol)
    try:
        record = whole.metric(name)
    except KeyError as error:
        raise ConfigError(str(error.args[0])) from error
    if not isinstance(record, kind):
        raise ConfigError(f"{name} of protocol '{protocol}' is no {kind.__name__}")
    if missing := whole.missing(name):
        raise ConfigError(
            f"{name} of protocol '{protocol}' can't be had, {missing[0]} is "
            f'{whole.source(missing[0])}'
        )
    return record


def _network_key(record: protocols.Metric, file: str | None) -> tuple:
    """Key of :func:`load_network`; metrics with the same weights share a network."""
    key: Any = network_key(record)
    return key if file is None else (*key, file)


def _read(file: Any, steps: Sequence[protocols.Step]) -> Tensor:
    """(1, 3, H, W) of 0..255 after the steps."""
    image = torch.from_numpy(read_image(file)).permute(2, 0, 1)[None]
    return apply_steps(image, steps, image.shape[2])
