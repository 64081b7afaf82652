"""SPIG: the paper's model with its two training stages.

"Structure-aware Person Image Generation with Pose Decomposition and Semantic
Correlation", AAAI 2021. Equations 1 to 8 are in :mod:`.generator`, its components in
:mod:`.components` and :mod:`posegen.models.layers`, equations 9 to 14 in
:mod:`posegen.models.losses`.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from posegen.codecs import part_masks
from posegen.models.flow_based import FlowBasedTransfer
from posegen.models.ops import flow_warp, resize_flow
from posegen.registry import MODELS

#: How thick limbs are drawn, as a fraction of the image height.
BODY_RADIUS = 1 / 16


@MODELS.register_module()
class SPIG(FlowBasedTransfer):
    """Structure-aware person image generation.

    Args:
        generator: Config of :class:`~posegen.models.spig.SPIGGenerator`.
        discriminators: Name -> ``dict(net=..., condition=(...))``.
        feature_net: Frozen feature net of L_sam, L_per and L_sty.
        losses: ``sam``, ``rec``, ``adv``, ``per``, ``sty`` (eq. 10).
        data_preprocessor: Config of the preprocessor.
        train_stage: ``'flow'`` (stage 1, eq. 9) or ``'full'`` (stage 2, eq. 10).
        mask_radius: Radius, as a fraction of the image height, of the capsules around a
            part's limbs that weight its L_sam; None looks at the whole target. The
            paper does not say how the parts' losses are confined.

    Raises:
        ValueError: If ``mask_radius`` is not above 0; further as in the base class.
    """

    def __init__(
        self,
        generator: Mapping,
        discriminators: Mapping | None = None,
        feature_net: Mapping | None = None,
        losses: Mapping | None = None,
        data_preprocessor: Mapping | None = None,
        train_stage: str = 'full',
        mask_radius: float | None = BODY_RADIUS,
    ) -> None:
        if mask_radius is not None and mask_radius <= 0:
            raise ValueError(f'mask_radius must be above 0 or None, got {mask_radius}')
        super().__init__(
            generator,
            discriminators,
            feature_net,
            losses,
            data_preprocessor,
            train_stage,
        )
        self.mask_radius = mask_radius
        self.parts = dict(self.generator.parts)

    def part_regions(
        self, keypoints: Tensor, size: tuple[int, int], radius: float = BODY_RADIUS
    ) -> dict[str, Tensor]:
        """Capsules around each part's limbs in the target.

        Args:
            keypoints: (B, 18, 3) in pixels of ``size``.
            size: (height, width).
            radius: Radius of the capsules, as a fraction of the height.

        Returns:
            Part -> (B, 1, H, W) of 0 and 1.
        """
        return {
            part: part_masks(keypoints, joints, size, radius=radius)
            for part, joints in self.parts.items()
        }

    def loss_masks(self, batch: Mapping) -> dict[str, Tensor] | None:
        if self.mask_radius is None:
            return None
        size = tuple(batch['target_image'].shape[-2:])
        return self.part_regions(batch['target_keypoints'], size, self.mask_radius)

    def warped_source(
        self, source: Tensor, target_keypoints: Tensor, flows: Mapping[str, Tensor]
    ) -> Tensor:
        """The source warped by each part's flow inside that part's region."""
        size = tuple(source.shape[-2:])
        regions = self.part_regions(target_keypoints, size)
        result = source.new_ones(source.shape)
        for part, flow in flows.items():
            warped = flow_warp(source, resize_flow(flow, size))
            result = regions[part] * warped + (1 - regions[part]) * result
        return result
