"""GFLA: "Deep Image Spatial Transformation for Person Image Generation", CVPR 2020.

The paper calls it DIST. Stage 1 trains the flow net with sampling correctness and the
affine regulariser, stage 2 everything together. Departures from the published
training: visibility heads are frozen in stage 1, where nothing reaches them anyway,
and joints may lie between pixels after augmentation.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from posegen.models.flow_based import FlowBasedTransfer
from posegen.models.gfla.generator import BODY
from posegen.models.ops import flow_warp, resize_flow
from posegen.registry import MODELS


@MODELS.register_module()
class GFLA(FlowBasedTransfer):
    """Global flow, local attention; arguments as in the base class.

    ``generator`` is the config of :class:`~posegen.models.gfla.GFLAGenerator`; flow and
    visibility come under the one part ``'body'``.
    """

    def warped_source(
        self, source: Tensor, target_keypoints: Tensor, flows: Mapping[str, Tensor]
    ) -> Tensor:
        return flow_warp(source, resize_flow(flows[BODY], tuple(source.shape[-2:])))
