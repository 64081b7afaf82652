"""Generator of limbwarp: the photo's own pixels, moved, chosen and painted over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from posegen.codecs import (
    NUM_JOINTS,
    keypoints_to_heatmaps,
    ordered_parts,
    part_masks,
)
from posegen.models.layers.blocks import EncoderBlock, ResBlock
from posegen.models.layers.flow_net import (
    parameters_of_flow,
    parameters_of_visibility,
    train_visibility_at,
)
from posegen.models.ops import compose, flow_warp, resize_flow, resize_keypoints
from posegen.registry import MODELS

#: Levels of features that are warped, beside the image itself.
LEVELS = (1, 2)

# Fraction of the height: so near to a limb of the source, it shows its person.
_LIMB_RADIUS = 1 / 32


@MODELS.register_module()
class SourceEncoder(nn.Module):
    """Features of the source at levels 1 and 2, with a linear way for its colors.

    There is no norm: one would take away how strong a color is.

    Args:
        channels: Channels at level 1 and at level 2.

    Attributes:
        channels: Level -> channels.
    """

    def __init__(self, channels: Sequence[int] = (32, 64)) -> None:
        super().__init__()
        first, second = channels
        self.channels = {1: first, 2: second}
        self.stem = nn.Conv2d(3 * 4, first, 3, padding=1)
        self.block = ResBlock(first, norm=None)
        self.down = EncoderBlock(first, second, norm=None)
        self.linear = nn.Conv2d(3 * 16, second, 1)

    def forward(self, image: Tensor) -> dict[int, Tensor]:
        """(B, 3, H, W) in [-1, 1] -> level -> (B, channels[level], h, w)."""
        fine = self.block(self.stem(F.pixel_unshuffle(image, 2)))
        coarse = self.down(fine) + self.linear(F.pixel_unshuffle(image, 4))
        return {1: fine, 2: coarse}


@MODELS.register_module()
class LimbWarpGenerator(nn.Module):
    """Local warping of the paper on top of the limbs' flow, composed from pixels.

    A flow net corrects the limb flow for every part (in place of eq. 1). Features of
    the source at levels 1 and 2 are warped by it (eq. 2), joined with features of the
    pose (in place of eq. 3) and refined by a hybrid dilated block a part (eq. 5), then
    fused (eq. 6) and related by the pyramid non-local block (eq. 7). In place of
    eq. 8 the composer weighs the source as it stands, a painted picture and the source
    warped by each part's flow. The features of the flow net serve as those of the pose.

    The networks may work at a smaller size than the image (``network_level``); flow,
    masks and the painted picture are enlarged then and applied to the image itself.

    Every component is built from its config and can be replaced by one that keeps the
    same call. The generator supplies ``parts`` and ``num_joints`` to the flow net,
    ``channels`` to ``warp``, ``selection``, ``hdc`` and ``pnb``, ``part_channels``,
    ``num_parts`` and ``pose_channels`` to the fusion, ``in_channels``,
    ``fine_channels`` and ``num_parts`` to the composer.

    Args:
        parts: Part name -> joint indices, which say where L_sam and the stage
            ``'flow'`` see a part. One part is the ablation "w/o Part".
        flow: Flow net of all parts, as :class:`LimbFlowNet`; must have ``features``,
            ``predict``, ``parse`` and ``channels``.
        image_encoder: Features of the source, as :class:`SourceEncoder`; as many
            channels at a level as the flow net has.
        warp: Warp operator (eq. 2), one a part and level.
        selection: Joins warped and pose features (eq. 3), one a part and level.
        hdc: Hybrid dilated block (eq. 5), one a part; None leaves it out.
        fusion: Fusion (eq. 6); states ``out_channels``.
        pnb: Pyramid non-local block (eq. 7); None leaves it out.
        composer: Masks and painted picture, as :class:`CandidateComposer`.
        network_level: The networks see the image at 1/2^network_level of its size.
        heatmap_sigma: Standard deviation of a joint's map, in pixels of what the
            networks see.

    Attributes:
        finest_level: Level of the flow.

    Raises:
        ValueError: If encoder and flow net disagree about their channels, a part names
            no or unknown joints, or ``network_level`` is negative.
    """

    def __init__(
        self,
        parts: Mapping[str, Sequence[int]],
        flow: Mapping,
        image_encoder: Mapping,
        warp: Mapping,
        selection: Mapping,
        hdc: Mapping | None,
        fusion: Mapping,
        pnb: Mapping | None,
        composer: Mapping,
        network_level: int = 0,
        heatmap_sigma: float = 6.0,
    ) -> None:
        super().__init__()
        if network_level < 0:
            raise ValueError(f'network_level must be 0 or more, got {network_level}')
        self.parts = ordered_parts(parts)
        self.network_level = network_level
        self.heatmap_sigma = heatmap_sigma
        self.flow_net = _build(flow, num_joints=NUM_JOINTS, parts=tuple(self.parts))
        train_visibility_at(self.flow_net, (1,))
        self.image_encoder = _build(image_encoder)
        channels = {level: self._channels(level) for level in LEVELS}
        self.warps = self._per_part_and_level(warp, channels)
        self.selections = self._per_part_and_level(selection, channels)
        self.hdcs = nn.ModuleDict(
            {part: _build(hdc, channels=channels[2]) for part in self.parts}
            if hdc
            else {}
        )
        self.fusion = _build(
            fusion,
            part_channels=channels[2],
            num_parts=len(self.parts),
            pose_channels=channels[2],
        )
        fused = self.fusion.out_channels
        self.pnb = _build(pnb, channels=fused) if pnb else None
        self.composer = _build(
            composer,
            in_channels=fused,
            fine_channels=channels[1] * (len(self.parts) + 1),
            num_parts=len(self.parts),
        )

    def _channels(self, level: int) -> int:
        found = [net.channels.get(level) for net in (self.image_encoder, self.flow_net)]
        if None in found or found[0] != found[1]:
            raise ValueError(
                'image_encoder and flow must give the same number of channels at level '
                f'{level}, got {found[0]} and {found[1]}'
            )
        return found[0]

    def _per_part_and_level(
        self, cfg: Mapping, channels: Mapping[int, int]
    ) -> nn.ModuleDict:
        return nn.ModuleDict(
            {
                part: nn.ModuleDict(
                    {str(n): _build(cfg, channels=channels[n]) for n in LEVELS}
                )
                for part in self.parts
            }
        )

    @property
    def finest_level(self) -> int:
        return 1 + self.network_level

    def heatmaps(self, keypoints: Tensor, size: tuple[int, int]) -> Tensor:
        """Keypoints (B, 18, 3) in pixels -> maps (B, 18, H, W) in [0, 1]."""
        return keypoints_to_heatmaps(keypoints, size, self.heatmap_sigma)

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
            ``flows``, part -> level -> (flow, visibility), and ``parsing``
            (B, 1 + parts, h, w), logarithms of the shares of background and parts in
            the target; unless ``flow_only``, ``image`` (B, 3, H, W) in [-1, 1] as well,
            and what it was made from at the size that the networks see: ``painted``
            (B, 3, h, w) in [-1, 1], ``masks`` (B, 2 + parts, h, w), the weights of
            source, painted picture and warps, and ``regions`` (B, 1 + parts, h, w),
            those of background and parts in the painted picture.
        """
        image, *joints = self._seen(source_image, source_keypoints, target_keypoints)
        size = tuple(image.shape[-2:])
        poses = [self.heatmaps(keypoints, size) for keypoints in joints]
        feats, prior = self.flow_net.features(*poses, image, *joints)
        flows = self.flow_net.predict(feats, prior)
        moves = {part: levels[1] for part, levels in flows.items()}
        parsing = self.flow_net.parse(feats)
        # Under their level of the image, not of what the networks see.
        flows = {p: {self.finest_level: pair} for p, pair in moves.items()}
        out = dict(flows=flows, parsing=parsing)
        if flow_only:
            return out
        masks, painted, regions = self._decode(image, joints[0], feats, moves, parsing)
        parts = {part: flow for part, (flow, _) in moves.items()}
        picture = compose(source_image, painted, parts, masks)
        return out | dict(image=picture, painted=painted, masks=masks, regions=regions)

    def _seen(
        self, image: Tensor, source: Tensor, target: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Image and joints at the size that the networks work at."""
        if not self.network_level:
            return image, source, target
        factor = 2**self.network_level
        small = F.avg_pool2d(image, factor)
        return small, *(resize_keypoints(k, 1 / factor) for k in (source, target))

    def _decode(
        self,
        image: Tensor,
        joints: Tensor,
        feats: Mapping[int, Tensor],
        moves: Mapping[str, tuple[Tensor, Tensor]],
        parsing: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """What the composer gives; equations 2 to 8. ``joints``: the source's."""
        source = self.image_encoder(image)
        joined = {n: self._join_parts(n, source[n], feats[n], moves) for n in LEVELS}
        parts = [
            self.hdcs[part](feat) if self.hdcs else feat
            for part, feat in zip(self.parts, joined[2])
        ]
        fused = self.fusion(parts, feats[2])
        fused = self.pnb(fused) if self.pnb else fused
        fine = torch.cat([*joined[1], feats[1]], dim=1)
        images = self._candidates(image, moves)
        return self.composer(fused, fine, images, parsing, _shown(joints, moves))

    def _join_parts(
        self,
        level: int,
        source: Tensor,
        pose: Tensor,
        moves: Mapping[str, tuple[Tensor, Tensor]],
    ) -> list[Tensor]:
        """Equations 2 and 3 at one level, for each part."""
        size, key, joined = tuple(source.shape[-2:]), str(level), []
        for part, (flow, visibility) in moves.items():
            flow = resize_flow(flow, size)
            seen = F.interpolate(visibility, size=size, mode='area')
            warped = self.warps[part][key](source, pose, flow)
            joined.append(self.selections[part][key](warped, pose, seen))
        return joined

    def _candidates(
        self, image: Tensor, moves: Mapping[str, tuple[Tensor, Tensor]]
    ) -> Tensor:
        """(B, 3 (1 + parts), H, W): the source and its warps."""
        size = tuple(image.shape[-2:])
        flows = [resize_flow(flow, size) for flow, _ in moves.values()]
        return torch.cat([image, *(flow_warp(image, flow) for flow in flows)], dim=1)

    def flow_parameters(self) -> Iterator[nn.Parameter]:
        """Parameters that stage 1 trains: the flow net without visibility heads."""
        return parameters_of_flow([self.flow_net])

    def visibility_parameters(self) -> Iterator[nn.Parameter]:
        """Parameters that stage 1 trains as well where it knows the visibility."""
        return parameters_of_visibility([self.flow_net])


def _shown(joints: Tensor, moves: Mapping[str, tuple[Tensor, Tensor]]) -> Tensor:
    """(B, 1 + parts, H/2, W/2): what is off the source's limbs, and visibilities."""
    seen = torch.cat([visibility for _, visibility in moves.values()], dim=1)
    size, everywhere = tuple(seen.shape[-2:]), range(joints.shape[1])
    limbs = part_masks(resize_keypoints(joints, 0.5), everywhere, size, _LIMB_RADIUS)
    return torch.cat([1 - limbs.to(seen.dtype), seen], dim=1)


def _build(cfg: Mapping, **supplied: object) -> nn.Module:
    """Build a component; ``supplied`` arguments yield to those of its config."""
    return MODELS.build(dict(cfg), default_args=supplied)
