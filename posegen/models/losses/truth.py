"""Losses against the true flow, visibility and parts, where a set has them.

Truth is ``flow`` (B, 2, H, W) in pixels of the image, ``visibility`` (B, H, W) bool and
``part_labels`` (B, H, W), 0 for the background. Sets with and without it can be mixed:
``has_truth`` (B,) bool says which samples count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from posegen.models.ops import resize_flow
from posegen.models.ops.precision import full_precision
from posegen.registry import MODELS
from posegen.utils.errors import DataError

#: Part -> its label in ``part_labels``.
PART_LABELS: dict[str, int] = dict(head=1, torso=2, leg=3)
#: Keys of a batch with truth.
TRUTH = ('flow', 'visibility', 'part_labels')

_EPS = 1e-8
_LEAST = 1e-6  # what is added to a likelihood before its logarithm
_SURE = 1e-4  # how near to 0 and 1 a visibility counts


def part_regions(
    parts: Sequence[str],
    part_labels: Tensor,
    label_names: Mapping[str, int] = PART_LABELS,
) -> dict[str, Tensor]:
    """Where each part is.

    Args:
        parts: Names of the parts; a single one is the whole person, whatever its name.
        part_labels: (B, H, W), 0 for the background.
        label_names: Part -> label.

    Returns:
        Part -> (B, H, W) bool.

    Raises:
        ValueError: A part has no label.
    """
    if len(parts) == 1:
        return {parts[0]: part_labels > 0}
    if missing := sorted(set(parts) - set(label_names)):
        raise ValueError(
            f'the truth has no label for the parts {missing}; its parts are '
            f'{sorted(label_names)}'
        )
    return {part: part_labels == label_names[part] for part in parts}


def has_truth(batch: Mapping) -> bool:
    """Whether any pair of a batch has a truth."""
    if any(key not in batch for key in TRUTH):
        return False
    return 'has_truth' not in batch or bool(batch['has_truth'].any())


def require_truth(batch: Mapping, who: str) -> dict[str, Tensor | None]:
    """The truth of a batch, as arguments of the losses.

    Args:
        batch: A batch of pairs.
        who: What needs the truth, for the error.

    Raises:
        DataError: The batch has none.
    """
    if missing := [key for key in TRUTH if key not in batch]:
        raise DataError(
            f'{who} needs the truth of each pair, but the batch has no '
            f'{", ".join(missing)}: give the data set its truth_dir, or leave the loss '
            'out'
        )
    return {key: batch[key] for key in TRUTH} | {'has_truth': batch.get('has_truth')}


@MODELS.register_module()
class FlowTruthLoss(nn.Module):
    """Charbonnier end-point error of the flow of each part on that part's pixels.

    The mean of sqrt(|flow - truth|^2 + eps^2) over all parts' visible pixels of a
    sample and over levels, in pixels of the image; then the mean over samples.

    Args:
        weight: Factor of the loss.
        hidden_weight: Weight of pixels that the source does not show, against 1 of
            those that it does. Their true flow points to where the source shows what
            lies over them: the front of a garment for its back.
        eps: In pixels.
        label_names: Part -> label.
    """

    layers_needed: frozenset[str] = frozenset()

    def __init__(
        self,
        weight: float = 0.5,
        hidden_weight: float = 0.0,
        eps: float = 0.1,
        label_names: Mapping[str, int] = PART_LABELS,
    ) -> None:
        super().__init__()
        self.weight = weight
        self.hidden_weight = hidden_weight
        self.eps = eps
        self.label_names = dict(label_names)

    def forward(
        self,
        flows: Mapping[str, Mapping[int, Tensor]],
        flow: Tensor,
        visibility: Tensor,
        part_labels: Tensor,
        has_truth: Tensor | None = None,
    ) -> Tensor:
        """Weighted scalar.

        Args:
            flows: Part -> level -> (B, 2, h, w) in pixels of that level.
            flow: (B, 2, H, W) true flow.
            visibility: (B, H, W) bool.
            part_labels: (B, H, W).
            has_truth: (B,) bool, or None: all have.
        """
        regions = part_regions([*flows], part_labels, self.label_names)
        seen = visibility.to(flow.dtype)
        seen = seen + self.hidden_weight * (1 - seen)
        total = weights = flow.new_zeros(len(flow))
        for part, levels in flows.items():
            weight = regions[part] * seen
            for predicted in levels.values():
                total = total + (self._errors(predicted, flow) * weight).sum((1, 2))
                weights = weights + weight.sum((1, 2))
        return self.weight * _mean(total / (weights + _EPS), has_truth)

    @full_precision
    def _errors(self, predicted: Tensor, flow: Tensor) -> Tensor:
        predicted = resize_flow(predicted, tuple(flow.shape[-2:]))
        return ((predicted - flow).square().sum(1) + self.eps**2).sqrt()

    def extra_repr(self) -> str:
        return f'weight={self.weight}, hidden_weight={self.hidden_weight}'


class _TruthLoss(nn.Module):
    """A weight and the labels of the parts."""

    layers_needed: frozenset[str] = frozenset()

    def __init__(
        self, weight: float = 1.0, label_names: Mapping[str, int] = PART_LABELS
    ) -> None:
        super().__init__()
        self.weight = weight
        self.label_names = dict(label_names)

    def extra_repr(self) -> str:
        return f'weight={self.weight}'


@MODELS.register_module()
class VisibilityTruthLoss(_TruthLoss):
    """Binary cross entropy of each part's visibility.

    1 where the part is and the source shows it, 0 everywhere else; a cell of a coarser
    map is judged by the share of its pixels. Mean over parts, levels and pixels.

    Args:
        weight: Factor of the loss.
        label_names: Part -> label.
    """

    def forward(
        self,
        visibilities: Mapping[str, Mapping[int, Tensor]],
        flow: Tensor,
        visibility: Tensor,
        part_labels: Tensor,
        has_truth: Tensor | None = None,
    ) -> Tensor:
        """Weighted scalar.

        Args:
            visibilities: Part -> level -> (B, 1, h, w) in [0, 1].
            flow: Not used; the losses from truth are called alike.
            visibility: (B, H, W) bool.
            part_labels: (B, H, W).
            has_truth: (B,) bool, or None: all have.
        """
        regions = part_regions([*visibilities], part_labels, self.label_names)
        values = [
            _entropy(predicted, (regions[part] & visibility.bool())[:, None])
            for part, levels in visibilities.items()
            for predicted in levels.values()
        ]
        return self.weight * _mean(torch.stack(values, 1).mean(1), has_truth)


@full_precision
def _entropy(predicted: Tensor, truth: Tensor) -> Tensor:
    """Binary cross entropy of (B, 1, h, w) and (B, 1, H, W) bool, a mean a sample."""
    truth = F.interpolate(truth.to(predicted.dtype), predicted.shape[2:], mode='area')
    # The visibility of a part that the source lacks is 0 whatever the net says.
    predicted = predicted.clamp(_SURE, 1 - _SURE)
    entropy = F.binary_cross_entropy(predicted, truth, reduction='none')
    return entropy.mean((1, 2, 3))


@MODELS.register_module()
class ParsingTruthLoss(_TruthLoss):
    """Cross entropy of the target's parsing into background and parts.

    A cell of a coarser map is judged by the shares of its pixels. Mean over pixels.

    Args:
        weight: Factor of the loss.
        label_names: Part -> label.
    """

    @full_precision
    def forward(
        self,
        parsing: Tensor,
        parts: Sequence[str],
        flow: Tensor,
        visibility: Tensor,
        part_labels: Tensor,
        has_truth: Tensor | None = None,
    ) -> Tensor:
        """Weighted scalar.

        Args:
            parsing: (B, 1 + len(parts), h, w), logarithms of the shares of background
                and parts.
            parts: The parts in the order of ``parsing``.
            flow: Not used; the losses from truth are called alike.
            visibility: Likewise.
            part_labels: (B, H, W).
            has_truth: (B,) bool, or None: all have.
        """
        regions = part_regions(parts, part_labels, self.label_names)
        truth = torch.stack([part_labels == 0, *regions.values()], dim=1)
        truth = F.interpolate(truth.to(parsing.dtype), parsing.shape[2:], mode='area')
        entropy = -(truth * parsing).sum(1).mean((1, 2))
        return self.weight * _mean(entropy, has_truth)


def _mean(values: Tensor, has_truth: Tensor | None) -> Tensor:
    """The mean over samples (B,) that have truth; 0 where none has."""
    if has_truth is None:
        return values.mean()
    return (values * has_truth).sum() / has_truth.sum().clamp_min(1)


@MODELS.register_module()
class ChoiceTruthLoss(_TruthLoss):
    """Negative log-likelihood of the candidates that a pixel can be made from.

    That is the source as it stands on the background, the painted image where the
    person of the source stands before it, and either of them near that person's
    outline; a part's warp where the part is and the source shows it; and the painted
    image or that warp where the source does not, since what lies over a hidden surface
    is often of the same cloth; the painted image where no part has the pixel. Mean over
    pixels, of pairs that show two places as well: what is known there is that the
    source's background is to be kept, and its person is not.

    Args:
        weight: Factor of the loss.
        label_names: Part -> label.
    """

    def __init__(
        self, weight: float = 0.1, label_names: Mapping[str, int] = PART_LABELS
    ) -> None:
        super().__init__(weight, label_names)

    @full_precision
    def forward(
        self,
        masks: Tensor,
        parts: Sequence[str],
        flow: Tensor,
        visibility: Tensor,
        part_labels: Tensor,
        has_truth: Tensor | None = None,
        near_person: Tensor | None = None,
        on_person: Tensor | None = None,
    ) -> Tensor:
        """Weighted scalar.

        Args:
            masks: (B, 2 + len(parts), H, W) weights of source, painted image and the
                parts' warps, which sum to 1.
            parts: The parts in the order of ``masks``.
            flow: Not used; the losses from truth are called alike.
            visibility: (B, H, W) bool.
            part_labels: (B, H, W).
            has_truth: (B,) bool, or None: all have.
            near_person: (B, H, W) bool, where the source may show its person; None:
                nowhere.
            on_person: (B, H, W) bool, where it surely does; None: nowhere.
        """
        regions = [*part_regions(parts, part_labels, self.label_names).values()]
        background = part_labels == 0
        kept = background if on_person is None else background & ~on_person
        painted = ~background & ~visibility.bool()
        for person in (near_person, on_person):
            if person is not None:
                painted = painted | background & person
        painted = painted | ~(background | torch.stack(regions).any(0))
        right = torch.stack([kept, painted, *regions], dim=1)
        likelihood = (masks * right).sum(1)
        # A clamp would leave what is surely wrong without a gradient.
        entropy = -(likelihood + _LEAST).log().mean((1, 2))
        return self.weight * _mean(entropy, has_truth)
