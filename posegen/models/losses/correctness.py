"""Sampling correctness of all parts and levels of a flow generator (eq. 9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from posegen.models.losses.perceptual import pick_layer
from posegen.models.ops import (
    affine_regularization,
    flow_warp,
    max_similarity,
    sampling_correctness,
)
from posegen.registry import MODELS
from posegen.utils.errors import ConfigError

#: Part -> level -> flow (B, 2, h, w), as a flow generator gives them.
PartFlows = Mapping[str, Mapping[int, Tensor]]


@MODELS.register_module()
class SamplingCorrectnessLoss(nn.Module):
    """L_sam (eq. 9): correctness of every part's flow, summed over parts and levels.

    Several feature layers at one level are joined (:func:`join_features`). The best
    match of a position (:func:`~posegen.models.ops.max_similarity`) does not depend on
    the flow, so it is computed once a level and serves all parts. Gradient reaches the
    flows alone.

    Args:
        layers: Level -> layers of the feature net that judge the flow at that level.
            Levels of a flow that are not named here are not judged.
        weight: Factor of the correctness.
        reduction: ``'sample'`` or ``'batch'``, see
            :func:`~posegen.models.ops.sampling_correctness`.
        regularization_weight: Factor of
            :func:`~posegen.models.ops.affine_regularization`, 0 (the paper) leaves it
            out; the code that the paper's authors built on has 1/2000 of ``weight``.
        regularization_kernel: Level -> width of its windows; None: 5 at level 2 and 3
            at level 3.

    Raises:
        ValueError: ``layers`` is empty or names no layer at a level, the reduction is
            unknown, or a level has no kernel although the regulariser is on.
    """

    def __init__(
        self,
        layers: Mapping[int, Sequence[str]] | None = None,
        weight: float = 5.0,
        reduction: str = 'sample',
        regularization_weight: float = 0.0,
        regularization_kernel: Mapping[int, int] | None = None,
    ) -> None:
        super().__init__()
        layers = {2: ('relu3_1',)} if layers is None else layers
        kernels = regularization_kernel or {2: 5, 3: 3}
        # A config that went through a file or the command line has text for its keys.
        self.layers = {int(level): names for level, names in layers.items()}
        self.kernels = {int(level): width for level, width in kernels.items()}
        self.weight = weight
        self.reduction = reduction
        self.regularization_weight = regularization_weight
        self._check()

    def _check(self) -> None:
        for level, names in self.layers.items():
            if isinstance(names, str) or not names:
                raise ValueError(
                    f'layers[{level}] must be a list of layer names, got {names!r}'
                )
        if not self.layers:
            raise ValueError('layers must name at least one level, got none')
        if self.reduction not in ('batch', 'sample'):
            raise ValueError(
                f"reduction must be 'batch' or 'sample', got {self.reduction!r}"
            )
        missing = sorted(self.layers.keys() - self.kernels.keys())
        if self.regularization_weight and missing:
            raise ValueError(
                f'regularization_kernel must name the levels {missing}, it has '
                f'{sorted(self.kernels)}'
            )

    @property
    def layers_needed(self) -> frozenset[str]:
        return frozenset(name for names in self.layers.values() for name in names)

    def forward(
        self,
        target_feats: Mapping[str, Tensor],
        source_feats: Mapping[str, Tensor],
        flows: PartFlows,
        masks: Mapping[str, Tensor] | None = None,
        offsets: Mapping[str, float] | None = None,
    ) -> dict[str, Tensor | dict[str, Tensor]]:
        """Judge the flows of all parts.

        Args:
            target_feats: Layer -> (B, C, h, w) features of the target image.
            source_feats: Layer -> (B, C, h, w) features of the source image.
            flows: Part -> level -> (B, 2, h, w), dx and dy in pixels of that level.
            masks: Part -> (B, 1, H, W), where in the target the part is, of any size;
                None: everywhere.
            offsets: Layer -> how many pixels of the image its centers lie right of and
                below its positions (:class:`~posegen.models.feature_nets.FeatureNet`):
                the masks are read there, for several layers at their mean. None, or a
                layer that is not named: 0.

        Returns:
            ``total``: weighted scalar to minimise; ``parts``: part -> its correctness,
            unweighted and without the regulariser.

        Raises:
            ConfigError: A level is missing.
            ValueError: A layer or a mask is missing, the flows of one level differ in
                size, or shapes do not belong together.
        """
        self._check_flows(flows, masks)
        raw = dict.fromkeys(flows, 0.0)
        for level, names in self.layers.items():
            at_level = {part: levels[level] for part, levels in flows.items()}
            size = _common_size(at_level, level)
            with torch.no_grad():
                target = join_features(target_feats, names, size, 'target_feats')
                source = join_features(source_feats, names, size, 'source_feats')
                best = max_similarity(target, source)
            cells = _mean_offset(names, offsets) / 2**level
            for part, flow in at_level.items():
                mask = None if masks is None else _shifted(masks[part], cells, size)
                raw[part] = raw[part] + sampling_correctness(
                    target, source, flow, mask, best, self.reduction
                )
        total = self.weight * sum(raw.values()) + self._regularization(flows)
        return {
            'total': total,
            'parts': {part: value.detach() for part, value in raw.items()},
        }

    def _check_flows(
        self, flows: PartFlows, masks: Mapping[str, Tensor] | None
    ) -> None:
        if not flows:
            raise ValueError('flows must hold at least one part, got none')
        for part, levels in flows.items():
            missing = sorted(self.layers.keys() - levels.keys())
            if missing:
                raise ConfigError(
                    f'flows[{part!r}] lacks the levels {missing} that layers of the '
                    f'sampling correctness names; the flow net gives {sorted(levels)}'
                )
            if masks is not None and part not in masks:
                raise ValueError(
                    f'masks lacks the part {part!r} (it has {sorted(masks)})'
                )

    def _regularization(self, flows: PartFlows) -> Tensor | float:
        if not self.regularization_weight:
            return 0.0
        return self.regularization_weight * sum(
            affine_regularization(levels[level], self.kernels[level])
            for levels in flows.values()
            for level in self.layers
        )

    def extra_repr(self) -> str:
        return (
            f'layers={self.layers}, weight={self.weight}, '
            f'reduction={self.reduction!r}, '
            f'regularization_weight={self.regularization_weight}'
        )


def join_features(
    feats: Mapping[str, Tensor],
    layers: Sequence[str],
    size: tuple[int, int],
    argument: str = 'feats',
) -> Tensor:
    """Layers as one map: unit length over channels each, resized, concatenated.

    A layer that stands alone keeps its lengths: a cosine does not see them, and a warp
    then mixes neighbours as the published loss does, strong features counting more.

    Args:
        feats: Layer -> (B, C, h, w).
        layers: The layers to join; several weigh the same.
        size: (h, w) of the result; bilinear where a layer has another size.
        argument: What ``feats`` is called in error messages.

    Returns:
        (B, sum of C, h, w).

    Raises:
        ValueError: A layer is missing.
    """
    picked = [pick_layer(feats, layer, argument) for layer in layers]
    if len(picked) > 1:
        picked = [F.normalize(feat, dim=1) for feat in picked]
    joined = torch.cat([_resize(feat, size) for feat in picked], dim=1)
    # The warp reads pixels as rows of channels; laid out so once, not once a part.
    return joined.contiguous(memory_format=torch.channels_last)


def _mean_offset(layers: Sequence[str], offsets: Mapping[str, float] | None) -> float:
    """Of joined layers, which weigh the same, in pixels of the image."""
    return sum((offsets or {}).get(layer, 0.0) for layer in layers) / len(layers)


def _shifted(mask: Tensor, cells: float, size: tuple[int, int]) -> Tensor:
    """A mask (B, 1, H, W), read ``cells`` of a map of ``size`` further right and down.

    Linear between its pixels, so that the mean over a position's area is exact; what
    lies outside is as the border.
    """
    if not cells:
        return mask
    mask = mask if mask.is_floating_point() else mask.float()
    height, width = (cells * s / n for s, n in zip(mask.shape[2:], size))
    shape = (len(mask), 1, *mask.shape[2:])
    shift = [mask.new_full(shape, step) for step in (width, height)]
    return flow_warp(mask, torch.cat(shift, dim=1))


def _resize(feat: Tensor, size: tuple[int, int]) -> Tensor:
    if feat.shape[2:] == size:
        return feat
    return F.interpolate(feat, size, mode='bilinear', align_corners=False)


def _common_size(flows: Mapping[str, Tensor], level: int) -> tuple[int, int]:
    sizes = {part: tuple(flow.shape[-2:]) for part, flow in flows.items()}
    if len(set(sizes.values())) != 1:
        raise ValueError(f'flows of level {level} must be of one size, got {sizes}')
    return next(iter(sizes.values()))
