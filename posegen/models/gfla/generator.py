"""GFLA's generator: one flow for the whole body, local attention at several levels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torch import Tensor, nn

from posegen.codecs import NUM_JOINTS, keypoints_to_heatmaps
from posegen.models.layers.flow_net import (
    parameters_of_flow,
    parameters_of_visibility,
    train_visibility_at,
)
from posegen.registry import MODELS

#: What the one flow of the whole body is called among the parts of other methods.
BODY = 'body'


@MODELS.register_module()
class GFLAGenerator(nn.Module):
    """Global flow and local attention (Ren et al., CVPR 2020).

    A flow net sees the source image and both poses and predicts flow and visibility.
    A decoder starts from features of the target pose; at each warped level it takes
    from the source what the flow points at and the visibility lets pass, before its
    residual blocks.

    Every component is built from its config and can be replaced by one that keeps the
    same call. The generator supplies what follows from its place: ``num_joints`` to
    the flow net, ``in_channels`` to encoders and decoder, ``channels`` to ``warp`` and
    ``hdc``.

    Args:
        flow: Flow net (source pose, target pose, source image, source_keypoints=...,
            target_keypoints=...) -> {level: (flow, visibility)}; states its ``levels``
            and has ``visibility_parameters(level)``. The flow of levels that are not
            warped only joins the correctness loss.
        image_encoder: Encoder of the source; has ``pyramid``, ``channels`` and
            ``parameters_beyond``. Nothing reads what is deeper than the coarsest warped
            level: it is neither computed nor trained, but stays part of the weights, as
            in the published Market-1501 model.
        pose_encoder: Encoder of the target pose down to the level that the decoder
            starts from; states ``out_channels``.
        warp: Level -> warp operator there. Published: local attention with blocks of 5
            at level 2 and 3 at level 3 (DeepFashion), or of 3 at level 2 (Market-1501).
        selection: Choice between warped source and decoder features by visibility.
        decoder: Features to image; calls ``refine`` at each level and states its
            ``channels``.
        hdc: Block after the selection, such as the hybrid dilated block of the paper
            that came after; None, as published, leaves it out.
        heatmap_sigma: Standard deviation of a joint's map, in pixels of the image.

    Attributes:
        finest_level: The finest level that is warped.
        coarsest_level: The coarsest one.

    Raises:
        ValueError: If no level is warped, the flow net does not predict at a warped
            level, or encoder and decoder disagree there about their channels.
    """

    def __init__(
        self,
        flow: Mapping,
        image_encoder: Mapping,
        pose_encoder: Mapping,
        warp: Mapping[int, Mapping],
        selection: Mapping,
        decoder: Mapping,
        hdc: Mapping | None = None,
        heatmap_sigma: float = 6.0,
    ) -> None:
        super().__init__()
        self.heatmap_sigma = heatmap_sigma
        # A config that went through a file or the command line has text for its keys.
        warp = {int(level): cfg for level, cfg in warp.items()}
        if not warp:
            raise ValueError('warp must name at least one level, got none')
        self.finest_level, self.coarsest_level = min(warp), max(warp)
        self.flow_net = _build(flow, num_joints=NUM_JOINTS)
        train_visibility_at(self.flow_net, warp)
        self.image_encoder = _build(image_encoder, in_channels=3)
        for parameter in self.image_encoder.parameters_beyond(self.coarsest_level):
            parameter.requires_grad_(False)
        self.pose_encoder = _build(pose_encoder, in_channels=NUM_JOINTS)
        self.decoder = _build(decoder, in_channels=self.pose_encoder.out_channels)
        channels = {level: self._channels(level) for level in warp}
        self.warps = nn.ModuleDict(
            {
                str(level): _build(c, channels=channels[level])
                for level, c in warp.items()
            }
        )
        self.selection = _build(selection)
        self.hdcs = nn.ModuleDict(
            {str(level): _build(hdc, channels=channels[level]) for level in warp}
            if hdc
            else {}
        )

    def _channels(self, level: int) -> int:
        source = self.image_encoder.channels.get(level)
        target = self.decoder.channels.get(level)
        if source is None or source != target:
            raise ValueError(
                f'image_encoder and decoder must give the same number of channels at '
                f'level {level}, which warp names; got {source} and {target}'
            )
        return source

    def heatmaps(self, keypoints: Tensor, size: tuple[int, int]) -> Tensor:
        """Keypoints (B, 18, 3) in pixels -> maps (B, 18, H, W) in [0, 1]."""
        return keypoints_to_heatmaps(keypoints, size, self.heatmap_sigma)

    def paint(
        self,
        source_image: Tensor,
        target_pose: Tensor,
        flows: Mapping[int, tuple[Tensor, Tensor]],
    ) -> Tensor:
        """The image (B, 3, H, W) in [-1, 1].

        Args:
            source_image: (B, 3, H, W) in [-1, 1].
            target_pose: (B, 18, H, W) heat maps.
            flows: Level -> (flow (B, 2, h, w), visibility (B, 1, h, w)).
        """
        source_feats = self.image_encoder.pyramid(source_image, self.coarsest_level)

        def take_from_source(level: int, feat: Tensor) -> Tensor:
            key = str(level)
            if key not in self.warps:
                return feat
            flow, visibility = flows[level]
            warped = self.warps[key](source_feats[level], feat, flow)
            feat = self.selection(warped, feat, visibility)
            return self.hdcs[key](feat) if self.hdcs else feat

        return self.decoder(self.pose_encoder(target_pose), take_from_source)

    def transfer(
        self,
        source_image: Tensor,
        source_pose: Tensor,
        target_pose: Tensor,
        flow_only: bool = False,
        source_keypoints: Tensor | None = None,
        target_keypoints: Tensor | None = None,
    ) -> dict:
        """As :meth:`forward`, from heat maps; a prior needs the joints as well."""
        flows = self.flow_net(
            source_pose,
            target_pose,
            source_image,
            source_keypoints=source_keypoints,
            target_keypoints=target_keypoints,
        )
        out: dict = dict(flows={BODY: flows})
        if not flow_only:
            out['image'] = self.paint(source_image, target_pose, flows)
        return out

    def forward(
        self,
        source_image: Tensor,
        source_keypoints: Tensor,
        target_keypoints: Tensor,
        flow_only: bool = False,
    ) -> dict:
        """Generate the source person in the target pose.

        Args:
            source_image: (B, 3, H, W) in [-1, 1].
            source_keypoints: (B, 18, 3) x, y in pixels and score.
            target_keypoints: (B, 18, 3), same frame size.
            flow_only: Stop after the flow, as training stage 1 does.

        Returns:
            ``flows`` (``'body'`` -> level -> (flow, visibility)) and, unless
            ``flow_only``, ``image`` (B, 3, H, W) in [-1, 1].
        """
        size = tuple(source_image.shape[-2:])
        source_pose = self.heatmaps(source_keypoints, size)
        target_pose = self.heatmaps(target_keypoints, size)
        maps = (source_image, source_pose, target_pose)
        return self.transfer(*maps, flow_only, source_keypoints, target_keypoints)

    def flow_parameters(self) -> Iterator[nn.Parameter]:
        """Parameters that stage 1 trains: the flow net without visibility heads."""
        return parameters_of_flow([self.flow_net])

    def visibility_parameters(self) -> Iterator[nn.Parameter]:
        """Parameters that stage 1 trains as well where it knows the visibility."""
        return parameters_of_visibility([self.flow_net])


def _build(cfg: Mapping, **supplied: int) -> nn.Module:
    """Build a component; ``supplied`` arguments yield to those of its config."""
    return MODELS.build(dict(cfg), default_args=supplied)
