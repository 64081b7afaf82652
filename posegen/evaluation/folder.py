"""Score folders of generated images against the real ones."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import groupby, islice
from pathlib import Path
from typing import TypeVar

import torch
from mmengine.device import get_device
from mmengine.logging import print_log
from rich.console import Console
from rich.progress import track

from posegen.datasets.annotations import read_annotations
from posegen.evaluation.functional import Moments, frechet_from_moments
from posegen.evaluation.metrics import L1, PSNR, SSIM, STLPIPS, PairMetric, warn_if_few
from posegen.evaluation.networks import Lite0Embedding
from posegen.evaluation.pairs import ImageFolder, Pair, find_pairs, read_image
from posegen.evaluation.protocols import Protocol, get_protocol
from posegen.evaluation.table import ScoreRow, ScoreTable
from posegen.utils.errors import ConfigError, DataError

COPY_SOURCE = 'copy the source'
"""Name of the row that scores the unchanged sources as if they were results."""

_BATCH = 8  # at 256x256 ST-LPIPS takes about 0.1 GB an image
_T = TypeVar('_T')


def score_folder(
    generated: str | Path | Mapping[str, str | Path],
    real: str | Path,
    protocols: Sequence[str] = ('posegen',),
    fid_real: str | Path | None = None,
    annotations: str | Path | None = None,
    *,
    copy_source: bool = False,
    offline_features: bool = False,
    progress: bool = False,
) -> ScoreTable:
    """Score folders of results: SSIM, PSNR, L1 and, where asked for, network metrics.

    Results are called ``<source stem>___<target stem>.png``; source and target are
    looked up in ``real`` by stem. All images are compared as stored.

    Args:
        generated: Folder of results, or several as name -> folder.
        real: Folder of the real images, sources and targets.
        protocols: Names of :data:`~posegen.evaluation.protocols.PROTOCOLS`.
        fid_real: Folder of real images to take the Frechet distance to, instead of the
            targets of the results.
        annotations: Annotation file with the joints of the targets, in pixels of the
            images: adds ``mask_ssim``, ``mask_psnr`` and ``mask_l1``, the published
            scores over the person for Market-1501.
        copy_source: Add a row for the unchanged source images over the same pairs, the
            score that any method should beat.
        offline_features: Add ``st_lpips`` and ``fd_efficientnet_lite0``, whose weights
            come with the extra ``offline-features``.
        progress: Show progress bars on stderr.

    Returns:
        One row per protocol and method.

    Raises:
        ConfigError: A protocol does not exist, or options contradict each other.
        DataError: A name has no match, a file does not decode, or sizes differ.
        DependencyError: ``offline_features`` without the extra being installed.
    """
    if fid_real is not None and not offline_features:
        raise ConfigError(
            'fid_real is only read for the Frechet distance: ask for offline_features '
            'as well'
        )
    chosen = [get_protocol(name) for name in protocols]
    for protocol in chosen:
        if protocol.name != 'posegen':
            raise ConfigError(
                f"folders are scored under 'posegen', not under '{protocol.name}'"
            )
    methods = _methods(generated, ImageFolder(real), copy_source)
    joints = _Joints(annotations) if annotations is not None else None
    frechet = _FrechetScorer(fid_real, progress) if offline_features else None
    rows = []
    for protocol in chosen:
        metrics = _pair_metrics(protocol, joints is not None, offline_features)
        for name, pairs in methods.items():
            values = _score_pairs(name, pairs, metrics, joints, progress)
            if frechet is not None:
                values['fd_efficientnet_lite0'] = frechet(name, pairs)
            rows.append(ScoreRow(name, protocol.name, len(pairs), values))
    return ScoreTable(tuple(rows))


def _methods(
    generated: str | Path | Mapping[str, str | Path],
    real: ImageFolder,
    copy_source: bool,
) -> dict[str, list[Pair]]:
    """Method -> its pairs."""
    if not isinstance(generated, Mapping):
        generated = {Path(generated).resolve().name: generated}
    if not generated:
        raise ConfigError('generated names no folder')
    methods = {name: find_pairs(folder, real) for name, folder in generated.items()}
    first, *others = methods
    names = {pair.names for pair in methods[first]}
    for other in others:
        if {pair.names for pair in methods[other]} != names:
            print_log(
                f"'{other}' and '{first}' hold results for different pairs: their "
                'scores cannot be compared',
                logger='current',
                level=logging.WARNING,
            )
    if copy_source:
        if COPY_SOURCE in methods:
            raise ConfigError(f"'{COPY_SOURCE}' is the name of a row of its own")
        methods[COPY_SOURCE] = [pair.copy_source() for pair in methods[first]]
    return methods


def _pair_metrics(
    protocol: Protocol, masked: bool, offline_features: bool
) -> list[PairMetric]:
    sigma = protocol.metric('ssim').window.sigma
    metrics: list[PairMetric] = [SSIM(sigma=sigma), PSNR(), L1()]
    if masked:
        metrics += [SSIM(sigma=sigma, masked=True), PSNR(masked=True), L1(masked=True)]
    if offline_features:
        metrics.append(STLPIPS())
    return metrics


def _score_pairs(
    name: str,
    pairs: Sequence[Pair],
    metrics: Sequence[PairMetric],
    joints: _Joints | None,
    progress: bool,
) -> dict[str, float]:
    """Mean scores over the pairs."""
    tracked = _track(pairs, f'{name}: pairs', progress)
    samples = (_read_pair(pair, joints) for pair in tracked)
    for batch in _batches(samples, key=lambda sample: sample['image'].shape):
        for metric in metrics:
            metric.process(None, batch)
    values: dict[str, float] = {}
    for metric in metrics:
        values |= metric.evaluate(len(pairs))
    return values


def _read_pair(pair: Pair, joints: _Joints | None) -> dict[str, torch.Tensor]:
    """The pair as a sample for metrics."""
    image, target = read_image(pair.image), read_image(pair.target)
    if image.shape != target.shape:
        sizes = ['{}x{}'.format(*pixels.shape[1:]) for pixels in (image, target)]
        raise DataError(
            f"'{pair.image}' is {sizes[0]} but its target '{pair.target}' is {sizes[1]}"
        )
    sample = dict(image=image, target_image=target)
    if joints is not None:
        sample['target_keypoints'] = joints.of(pair.target)
    return sample


class _Joints:
    """Joints of images by stem, from an annotation file."""

    def __init__(self, file: str | Path) -> None:
        annotations = read_annotations(file)
        self.file = file
        stems = [Path(name).stem for name in annotations.names]
        self.by_stem = dict(zip(stems, annotations.keypoints))

    def of(self, image: Path) -> torch.Tensor:
        """(18, 3) of an image."""
        if image.stem not in self.by_stem:
            raise DataError(f"'{self.file}' has no joints for '{image.name}'")
        return torch.from_numpy(self.by_stem[image.stem])


class _FrechetScorer:
    """Frechet distance of methods to one set of real images or to their targets."""

    def __init__(self, fid_real: str | Path | None, progress: bool) -> None:
        self.real = None if fid_real is None else tuple(ImageFolder(fid_real).files)
        self.progress = progress
        self.embedding = Lite0Embedding().to(get_device())
        # Methods over the same pairs share their targets, protocols everything.
        self.moments = cache(self._moments)

    def __call__(self, name: str, pairs: Sequence[Pair]) -> float:
        fake = self.moments(tuple(pair.image for pair in pairs), name)
        targets = self.real or tuple(pair.target for pair in pairs)
        real = self.moments(targets, 'real')
        count = min(fake.count, real.count)
        warn_if_few(count, Lite0Embedding.dim, 'fd_efficientnet_lite0')
        if count < 2:
            return float('nan')
        return frechet_from_moments(
            real.mean, real.covariance, fake.mean, fake.covariance
        ).item()

    def _moments(self, files: tuple[Path, ...], title: str) -> Moments:
        """Moments of the features of image files, in one pass."""
        tracked = _track(files, f'{title}: features', self.progress)
        images = (read_image(file) for file in tracked)
        total = None
        for batch in _batches(images, key=lambda image: image.shape):
            features = self.embedding(torch.stack(batch).to(get_device())).cpu()
            moments = Moments.of(features)
            total = moments if total is None else total.merge(moments)
        assert total is not None  # a folder without images was refused
        return total


def _batches(
    items: Iterable[_T], key: Callable[[_T], Hashable], limit: int = _BATCH
) -> Iterator[list[_T]]:
    """Neighbours of the same key in lists of at most ``limit``."""
    for _, group in groupby(items, key):
        while batch := list(islice(group, limit)):
            yield batch


def _track(items: Sequence[_T], title: str, show: bool) -> Iterable[_T]:
    console = Console(stderr=True)
    hidden = not (show and console.is_terminal)
    return track(items, title, console=console, transient=True, disable=hidden)
