"""End-point error of predicted part flows against the true flow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from posegen.models.ops import limb_flow, resize_flow

PART_LABELS: dict[int, str] = {1: 'head', 2: 'torso', 3: 'leg'}
"""Label of a person pixel in the ground truth -> name of its part; 0 is background."""


@dataclass(frozen=True)
class PixelMean:
    """A mean over pixels as sum and count, so that means of many images pool."""

    total: float
    count: int

    @property
    def value(self) -> float:
        """The mean; not a number where there was no pixel."""
        return self.total / self.count if self.count else float('nan')

    def merge(self, other: PixelMean) -> PixelMean:
        """The mean over the pixels of both."""
        return PixelMean(self.total + other.total, self.count + other.count)


def flow_end_point_error(
    part_flows: Mapping[str, Tensor],
    truth: Tensor,
    visibility: Tensor,
    part_labels: Tensor,
    label_names: Mapping[int, str] = PART_LABELS,
    keypoints: tuple[Tensor, Tensor] | None = None,
) -> dict[str, PixelMean]:
    """Mean distance between predicted and true flow over visible person pixels.

    Each pixel is judged by the flow of the part that it belongs to; a model with one
    part is judged by that everywhere. Flows are enlarged bilinearly and counted in
    pixels of the picture.

    Args:
        part_flows: Part name -> (2, h, w) in pixels of that map, target -> source.
        truth: (2, H, W) in pixels of the picture.
        visibility: (H, W) bool: the pixel's surface is seen in the source as well.
        part_labels: (H, W) uint8, 0 where there is no person.
        label_names: Label -> part name.
        keypoints: (18, 3) of the source and of the target, in pixels of the picture.

    Returns:
        ``epe`` over all pixels, ``epe_zero_flow`` of predicting no motion at all, with
        ``keypoints`` ``epe_limb_flow`` of :func:`~posegen.models.ops.limb_flow`, which
        needs no training, and ``epe_<part>`` for each label, in pixels of the picture.
    """
    truth = truth.double()
    flow = _flow_by_label(part_flows, part_labels, label_names)
    error = torch.linalg.vector_norm(flow - truth, dim=0)
    judged = visibility.bool() & (part_labels > 0)
    result = {
        'epe': _pixel_mean(error, judged),
        'epe_zero_flow': _pixel_mean(torch.linalg.vector_norm(truth, dim=0), judged),
    }
    if keypoints is not None:
        source, target = (points[None].double() for points in keypoints)
        limbs, _ = limb_flow(source, target, (truth.shape[1], truth.shape[2]))
        distance = torch.linalg.vector_norm(limbs[0] - truth, dim=0)
        result['epe_limb_flow'] = _pixel_mean(distance, judged)
    for label, name in label_names.items():
        result[f'epe_{name}'] = _pixel_mean(error, judged & (part_labels == label))
    return result


def _flow_by_label(
    part_flows: Mapping[str, Tensor],
    part_labels: Tensor,
    label_names: Mapping[int, str],
) -> Tensor:
    """(2, H, W): at each pixel the flow of its label's part, 0 on the background."""
    size = (part_labels.shape[0], part_labels.shape[1])
    if len(part_flows) == 1:
        (flow,) = part_flows.values()
        return _enlarge(flow, size)
    if missing := set(label_names.values()) - set(part_flows):
        raise ValueError(
            f'there is no flow for the parts {sorted(missing)} of the ground truth; '
            f'the model has {sorted(part_flows)}'
        )
    composed = torch.zeros(2, *size, dtype=torch.float64, device=part_labels.device)
    for label, name in label_names.items():
        flow = _enlarge(part_flows[name], size)
        composed = torch.where(part_labels == label, flow, composed)
    return composed


def _enlarge(flow: Tensor, size: tuple[int, int]) -> Tensor:
    return resize_flow(flow[None].double(), size)[0]


def _pixel_mean(error: Tensor, mask: Tensor) -> PixelMean:
    return PixelMean(error[mask].sum().item(), int(mask.sum()))
