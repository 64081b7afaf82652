"""Local warping module of the paper: equations 2, 3 and 5 for all parts."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from posegen.models.layers.grouped import group_modules, run_grouped

#: Flow (B, 2, h, w) and visibility (B, 1, h, w) of one level.
FlowPair = tuple[Tensor, Tensor]


class LocalWarping(nn.Module):
    """Base of what warps the features of parts, one after the other or in one pass.

    Attributes, filled by a subclass:
        warps: Part -> warp operator (eq. 2).
        selection: Choice by visibility (eq. 3).
        hdcs: Part -> hybrid dilated block (eq. 5); None leaves it out.
        grouped: Name of an attribute that holds a network a part -> all of them as
            one (:func:`~posegen.models.layers.grouped.group_modules`); None runs the
            parts one after the other.
    """

    warps: nn.ModuleDict
    selection: nn.Module
    hdcs: nn.ModuleDict | None
    grouped: dict[str, nn.Module] | None

    def group(self, *names: str) -> dict[str, nn.Module]:
        """What :attr:`grouped` holds of the attributes named, as far as they are there.

        Raises:
            ConfigError: The networks of one can't be run in one pass.
        """
        networks = {name: getattr(self, name) for name in names}
        return {
            name: group_modules(list(nets.values()))
            for name, nets in networks.items()
            if nets is not None
        }

    def warp_parts(
        self,
        source_feats: Mapping[str, Tensor],
        pose_feats: Mapping[str, Tensor],
        flows: Mapping[str, FlowPair],
    ) -> list[Tensor]:
        """The features of all parts in the target's pose.

        Args:
            source_feats: Part -> (B, C, h, w) features of the part's image.
            pose_feats: Part -> (B, C, h, w) features of the part's target pose.
            flows: Part -> flow and visibility.

        Returns:
            (B, C, h, w) of each part.
        """
        if self.grouped is None:
            return [
                self.warp_part(part, source_feats[part], pose_feats[part], flows[part])
                for part in self.warps
            ]
        selected = self._select_at_once(source_feats, pose_feats, flows)
        return run_grouped(self.grouped['hdcs'], selected) if self.hdcs else selected

    def warp_part(
        self, part: str, source_feat: Tensor, pose_feat: Tensor, flow: FlowPair
    ) -> Tensor:
        """As :meth:`warp_parts`, of one part."""
        selected = self._select(part, source_feat, pose_feat, *flow)
        return self.hdcs[part](selected) if self.hdcs else selected

    def _select(
        self,
        part: str,
        source_feat: Tensor,
        pose_feat: Tensor,
        flow: Tensor,
        visibility: Tensor,
    ) -> Tensor:
        warped = self.warps[part](source_feat, pose_feat, flow)
        return self.selection(warped, pose_feat, visibility)

    def _select_at_once(
        self,
        source_feats: Mapping[str, Tensor],
        pose_feats: Mapping[str, Tensor],
        flows: Mapping[str, FlowPair],
    ) -> list[Tensor]:
        """Equations 2 and 3; warps that have weights run one after the other."""
        inputs = [(source_feats[p], pose_feats[p], *flows[p]) for p in self.warps]
        if any(True for _ in self.warps.parameters()):
            return [self._select(p, *maps) for p, maps in zip(self.warps, inputs)]
        part = next(iter(self.warps))
        joined = self._select(part, *(torch.cat(maps) for maps in zip(*inputs)))
        return list(joined.chunk(len(inputs)))
