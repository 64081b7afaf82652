"""Which scores of which protocols can be had, and why the others can't."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass, fields, replace

from posegen.evaluation.extractors import LITE0, STAND_INS, load_network, network_key
from posegen.evaluation.protocols import (
    FID,
    HIGHER_IS_BETTER,
    InceptionScore,
    Metric,
    Protocol,
)
from posegen.evaluation.scoring import Side, Variant
from posegen.models.feature_nets.weights import without_downloads
from posegen.utils.errors import WeightsError


@dataclass(frozen=True)
class Cell:
    """One score of one protocol.

    Attributes:
        protocol: The protocol's name.
        metric: Its record, or the name of an offline stand-in.
        jpeg: Whether results become jpeg files first, as the protocol's code stored
            them.
    """

    protocol: str
    metric: Metric | str
    jpeg: bool = False

    @property
    def name(self) -> str:
        """Column of the table."""
        return self.metric if isinstance(self.metric, str) else self.metric.name

    @property
    def of_set(self) -> bool:
        """Whether it is a score of the whole set and not made from those of pairs."""
        return isinstance(self.metric, FID | InceptionScore) or self.metric == LITE0

    @property
    def variant(self) -> Variant:
        """What is computed for a pair, without what only counts for the mean."""
        if isinstance(self.metric, str):
            return Variant(self.metric)
        changes = dict(name='', batch_size=1, last_batch='keep', mean='image')
        known = {item.name for item in fields(self.metric)} & set(changes)
        plain = replace(self.metric, **{name: changes[name] for name in known})
        return Variant(plain, self.jpeg)


@dataclass(frozen=True)
class Plan:
    """What will be computed.

    Attributes:
        cells: Scores that can be had.
        missing: (protocol, metric) -> why there is none.
    """

    cells: tuple[Cell, ...]
    missing: dict[tuple[str, str], str]

    @property
    def variants(self) -> list[Variant]:
        """Distinct ways in which pairs are scored."""
        return list(dict.fromkeys(c.variant for c in self.cells if not c.of_set))

    def obstacles(self) -> str:
        """Why there is what is missing, for an error."""
        return '; '.join(
            f'{metric} ({protocol}): {reason}'
            for (protocol, metric), reason in self.missing.items()
        )


def make_plan(
    protocols: Iterable[Protocol],
    has_joints: bool,
    has_fid_real: bool,
    jpeg_round_trip: bool,
    offline_features: bool,
) -> Plan:
    """Look at each score of each protocol; networks are loaded, or found missing.

    Args:
        protocols: What is asked for.
        has_joints: Whether joints of the targets are known.
        has_fid_real: Whether a folder with the real set of FID was given.
        jpeg_round_trip: Whether results become jpeg files where the code of a protocol
            stored such.
        offline_features: Whether the first protocol gets the stand-ins as well; then
            nothing is downloaded.

    Raises:
        DependencyError: The packages of the stand-ins are not installed.
    """
    protocols = list(protocols)
    obstacles: dict[Hashable, str | None] = {}  # of this call: files may come later
    cells: list[Cell] = []
    missing: dict[tuple[str, str], str] = {}
    for protocol in protocols:
        jpeg = jpeg_round_trip and protocol.stored.format == 'jpeg'
        for metric in protocol.metrics:
            reason = _obstacle(protocol, metric, has_joints, has_fid_real)
            key = network_key(metric)
            if reason is None and key is not None:
                weights = key[:2] if isinstance(key, tuple) else key
                if weights not in obstacles:
                    obstacles[weights] = _weights_obstacle(key, offline_features)
                reason = obstacles[weights]
            if reason is None:
                cells.append(Cell(protocol.name, metric, jpeg))
            else:
                missing[protocol.name, metric.name] = reason
        for name, reason in protocol.unknown.items():
            if name in HIGHER_IS_BETTER:
                missing.setdefault((protocol.name, name), reason)
    if offline_features:
        for name in STAND_INS:
            load_network(name)
            cells.append(Cell(protocols[0].name, name))
    return Plan(tuple(cells), missing)


def _obstacle(
    protocol: Protocol, metric: Metric, has_joints: bool, has_fid_real: bool
) -> str | None:
    """Why a score can't be had, or None."""
    if unknown := protocol.missing(metric.name):
        return f'{unknown[0]} is not established: {protocol.source(unknown[0])}'
    if metric.mask == 'silhouette':
        return 'silhouettes of the people would be needed'
    if metric.mask != 'none' and not has_joints:
        return 'needs the joints of the targets: --annotations'
    if isinstance(metric, FID) and metric.real_set == 'train' and not has_fid_real:
        return 'its real set is that of all training images: --fid-real'
    return None


def _weights_obstacle(key: Hashable, offline: bool) -> str | None:
    # Here and not in the processes, where each would try to download.
    refusal = without_downloads('--offline-features downloads nothing')
    try:
        with refusal if offline else nullcontext():
            load_network(key)
    except WeightsError as error:
        return str(error)
    return None


def feature_recipe(
    metric: FID | InceptionScore | str, side: Side
) -> FID | InceptionScore | str:
    """The part of a record that makes the features of one side.

    Metrics with equal recipes share their features.
    """
    if isinstance(metric, str):
        return metric
    steps = dict(fake=(), real=()) | {side: getattr(metric, side)}
    if isinstance(metric, InceptionScore):
        return replace(metric, name='', **steps, logits_bias=True, splits=1)
    return FID(
        **steps,
        name='',
        weights=metric.weights,
        input_resize=metric.input_resize,
        normalisation=metric.normalisation,
        real_set=None,
        real_count=None,
        batch_size=1,
        last_batch='keep',
    )
