"""Local warping at finer levels than the paper's one, joined to the decoder.

The paper does not say at how many levels it warps. With one, all detail has to pass
through it; the code base that it grew from warps at two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from posegen.models.spig.local_warping import LocalWarping
from posegen.registry import MODELS


class FineLevel(LocalWarping):
    """Equations 2, 3, 5 and 6 at one more level, in the middle of the decoder.

    Warped parts are fused with the decoder's features, which stand where the paper's
    own level has those of the global pose.

    Args:
        parts: Names of the parts.
        channels: Channels of a part's features.
        decoder_channels: Channels of the decoder's features, kept by the fusion.
        warp: Config of the warp operator, one a part.
        selection: Config of the choice by visibility.
        hdc: Config of the hybrid dilated block, one a part; None leaves it out.
        fusion: Config of the fusion.
        batched_parts: Run the blocks of all parts in one pass.

    Raises:
        ValueError: If the fusion gives another number of channels than the decoder has.
    """

    def __init__(
        self,
        parts: Sequence[str],
        channels: int,
        decoder_channels: int,
        warp: Mapping,
        selection: Mapping,
        hdc: Mapping | None,
        fusion: Mapping,
        batched_parts: bool = False,
    ) -> None:
        super().__init__()

        def per_part(cfg: Mapping) -> nn.ModuleDict:
            return nn.ModuleDict(
                {part: _build(cfg, channels=channels) for part in parts}
            )

        self.warps = per_part(warp)
        self.selection = _build(selection)
        self.hdcs = per_part(hdc) if hdc else None
        self.grouped = self.group('hdcs') if batched_parts else None
        self.fusion = _build(
            fusion,
            part_channels=channels,
            num_parts=len(parts),
            pose_channels=decoder_channels,
        )
        if self.fusion.out_channels != decoder_channels:
            raise ValueError(
                'at a level of fine_levels the fusion must give as many channels as '
                f'the decoder has there, {decoder_channels}; got '
                f'{self.fusion.out_channels}'
            )

    def forward(
        self,
        source_feats: Mapping[str, Tensor],
        pose_feats: Mapping[str, Tensor],
        flows: Mapping[str, tuple[Tensor, Tensor]],
        decoded: Tensor,
    ) -> Tensor:
        """Add the parts to the decoder's features.

        Args:
            source_feats: Part -> (B, C, h, w) features of the part's image.
            pose_feats: Part -> (B, C, h, w) features of the part's target pose.
            flows: Part -> (flow (B, 2, h, w), visibility (B, 1, h, w)).
            decoded: (B, D, h, w).

        Returns:
            (B, D, h, w).
        """
        return self.fusion(self.warp_parts(source_feats, pose_feats, flows), decoded)


def _build(cfg: Mapping, **supplied: int) -> nn.Module:
    return MODELS.build(dict(cfg), default_args=supplied)
