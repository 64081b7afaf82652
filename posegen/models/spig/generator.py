"""The paper's generator: part flows, local warping, fusion (equations 1 to 8)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from posegen.codecs import keypoints_to_heatmaps, ordered_parts, part_images
from posegen.models.layers.flow_net import (
    parameters_of_flow,
    parameters_of_visibility,
    train_visibility_at,
)
from posegen.models.layers.grouped import run_grouped
from posegen.models.spig.fine_level import FineLevel
from posegen.models.spig.local_warping import FlowPair, LocalWarping
from posegen.registry import MODELS

#: Level -> (flow, visibility), and level -> features.
Flows = dict[int, FlowPair]
Features = dict[int, Tensor]


@MODELS.register_module()
class SPIGGenerator(LocalWarping):
    """Structure-aware person image generator (paper, figure 2).

    Every component is built from its config and can be replaced by one that keeps the
    same call. The generator supplies what follows from its place: ``num_joints`` to
    the flow nets, ``in_channels`` to encoders and decoder, ``channels`` to ``warp``,
    ``hdc`` and ``pnb``, ``part_channels``, ``num_parts`` and ``pose_channels`` to
    ``fusion``.

    Args:
        parts: Part name -> joint indices. One part that holds all joints, with
            ``crop=False``, is the paper's ablation "w/o Part".
        flow: Flow net of a part: (source pose, target pose, source image,
            source_keypoints=..., target_keypoints=...) -> {level: (flow, visibility)};
            the poses are maps of the part's joints, the keypoints all 18. States its
            ``levels`` and has ``visibility_parameters(level)``. It must predict at
            ``level`` and ``fine_levels``; the flow of further levels only joins L_sam,
            and their visibility is not trained.
        image_encoder: Encoder of a part image; states ``out_channels``.
        pose_encoder: Encoder of a part's target pose; must give as many channels.
        global_pose_encoder: Encoder of the whole target pose.
        warp: Warp operator (eq. 2).
        selection: Choice between warped source and pose features (eq. 3).
        hdc: Hybrid dilated block (eq. 5); None is the ablation "w/o HDCB".
        fusion: Fusion of all parts with the global pose (eq. 6); states
            ``out_channels``.
        pnb: Pyramid non-local block (eq. 7); None is the ablation "w/o PNB".
        decoder: Features to image (eq. 8).
        level: Level of the features that are warped.
        fine_levels: Finer levels at which parts are warped too and joined to the
            decoder's features. The encoders of the parts then need ``pyramid`` and
            ``channels``, the decoder ``channels`` and a ``refine`` argument.
        heatmap_sigma: Standard deviation of a joint's map, in pixels of the image.
        crop: Whether an encoder sees its part of the source only.
        crop_margin: Margin of the part's box, as a fraction of the image height.
        batched_parts: Run the flow nets, encoders and dilated blocks of all parts in
            one pass each (:mod:`posegen.models.layers.grouped`), and their warps if
            these have no weights. Weights and results are the same; what it brings or
            costs is in docs/speed.md.

    Raises:
        ConfigError: If ``batched_parts`` is set and a network is of a kind that can't
            run so.
        ValueError: If a part names no or unknown joints, the flow net does not predict
            at a level that is warped, a fine level is not finer than ``level``, or the
            encoders of image and pose disagree about their channels.
    """

    def __init__(
        self,
        parts: Mapping[str, Sequence[int]],
        flow: Mapping,
        image_encoder: Mapping,
        pose_encoder: Mapping,
        global_pose_encoder: Mapping,
        warp: Mapping,
        selection: Mapping,
        hdc: Mapping | None,
        fusion: Mapping,
        pnb: Mapping | None,
        decoder: Mapping,
        level: int = 2,
        fine_levels: Sequence[int] = (),
        heatmap_sigma: float = 6.0,
        crop: bool = True,
        crop_margin: float = 0.1,
        batched_parts: bool = False,
    ) -> None:
        super().__init__()
        self.parts = ordered_parts(parts)
        self.level = level
        self.fine_levels = _checked_levels(fine_levels, level)
        self.finest_level = min([level, *self.fine_levels])
        self.heatmap_sigma = heatmap_sigma
        self.crop = crop
        self.crop_margin = crop_margin
        self.flow_nets = nn.ModuleDict(
            {p: _build(flow, num_joints=len(j)) for p, j in self.parts.items()}
        )
        for net in self.flow_nets.values():
            train_visibility_at(net, [level, *self.fine_levels])
        self.image_encoders = self._per_part(image_encoder, in_channels=3)
        self.pose_encoders = nn.ModuleDict(
            {p: _build(pose_encoder, in_channels=len(j)) for p, j in self.parts.items()}
        )
        self.global_pose_encoder = _build(global_pose_encoder, in_channels=18)
        channels = self._part_channels()
        self.warps = self._per_part(warp, channels=channels)
        self.selection = _build(selection)
        self.hdcs = self._per_part(hdc, channels=channels) if hdc else None
        self.fusion = _build(
            fusion,
            part_channels=channels,
            num_parts=len(self.parts),
            pose_channels=self.global_pose_encoder.out_channels,
        )
        fused = self.fusion.out_channels
        self.pnb = _build(pnb, channels=fused) if pnb else None
        self.decoder = _build(decoder, in_channels=fused)
        self.fine = nn.ModuleDict(
            {
                str(fine): FineLevel(
                    list(self.parts),
                    self._part_channels(fine),
                    self.decoder.channels[fine],
                    warp,
                    selection,
                    hdc,
                    fusion,
                    batched_parts,
                )
                for fine in self.fine_levels
            }
        )
        # In a plain dict, so that state dicts and optimizers do not see them.
        names = ('flow_nets', 'image_encoders', 'pose_encoders', 'hdcs')
        self.grouped = self.group(*names) if batched_parts else None

    def _per_part(self, cfg: Mapping, **supplied: int) -> nn.ModuleDict:
        return nn.ModuleDict({part: _build(cfg, **supplied) for part in self.parts})

    def _part_channels(self, fine: int | None = None) -> int:
        """Channels of a part's features at the generator's or at a finer level."""
        part = next(iter(self.parts))
        image, pose = (
            nets[part].out_channels if fine is None else nets[part].channels[fine]
            for nets in (self.image_encoders, self.pose_encoders)
        )
        if image != pose:
            raise ValueError(
                'image_encoder and pose_encoder must give the same number of channels, '
                f'because eq. 3 chooses between them; got {image} and {pose}'
            )
        return image

    def heatmaps(self, keypoints: Tensor, size: tuple[int, int]) -> Tensor:
        """Keypoints (B, 18, 3) in pixels -> maps (B, 18, H, W) in [0, 1]."""
        return keypoints_to_heatmaps(keypoints, size, self.heatmap_sigma)

    def part_flows(
        self,
        image: Tensor,
        keypoints: Tensor,
        target_pose: Tensor,
        target_keypoints: Tensor | None = None,
    ) -> dict[str, Flows]:
        """Eq. 1: each part's flow net on its sub-poses.

        Args:
            image: (B, 3, H, W) source in [-1, 1], for flow nets that look at it.
            keypoints: (B, 18, 3) source keypoints in pixels.
            target_pose: (B, 18, H, W) heat maps.
            target_keypoints: (B, 18, 3) in pixels, for flow nets with a prior.

        Returns:
            Part -> level -> (flow (B, 2, h, w), visibility (B, 1, h, w)). Nothing is
            visible of a part of which the source has no joint.
        """
        source_pose = self.heatmaps(keypoints, tuple(image.shape[-2:]))
        inputs = [
            (source_pose[:, joints], target_pose[:, joints], image)
            for joints in map(list, self.parts.values())
        ]
        nets = self.flow_nets.values()
        if self.grouped:
            joined = [net.join(*maps) for net, maps in zip(nets, inputs)]
            found = run_grouped(self.grouped['flow_nets'].predict, joined)
            found = [
                net.add_prior(flows, keypoints, target_keypoints)
                for net, flows in zip(nets, found)
            ]
        else:
            joints = dict(source_keypoints=keypoints, target_keypoints=target_keypoints)
            found = [net(*maps, **joints) for net, maps in zip(nets, inputs)]
        return {
            part: _seen_of(self.parts[part], keypoints, flows)
            for part, flows in zip(self.parts, found)
        }

    def part_image(self, part: str, image: Tensor, keypoints: Tensor) -> Tensor:
        """The part's crop on the whole canvas.

        Args:
            part: Name of the part.
            image: (B, 3, H, W) source in [-1, 1].
            keypoints: (B, 18, 3) source keypoints in pixels.

        Returns:
            (B, 3, H, W), zero outside the part's box; the image itself without
            cropping.
        """
        if not self.crop:
            return image
        return part_images(image, keypoints, self.parts[part], self.crop_margin)[0]

    def part_features(
        self, part: str, image: Tensor, keypoints: Tensor, pose: Tensor
    ) -> tuple[Features, Features]:
        """Features of a part's image and of its target pose.

        Args:
            part: Name of the part.
            image: (B, 3, H, W) source in [-1, 1].
            keypoints: (B, 18, 3) source keypoints in pixels.
            pose: (B, 18, H, W) target heat maps.

        Returns:
            Twice level -> (B, C, h, w), at all levels that are warped at least.
        """
        part_image, part_pose = self._part_maps(part, image, keypoints, pose)
        return (
            self._encode(self.image_encoders[part], part_image),
            self._encode(self.pose_encoders[part], part_pose),
        )

    def _part_maps(
        self, part: str, image: Tensor, keypoints: Tensor, pose: Tensor
    ) -> tuple[Tensor, Tensor]:
        """What a part's encoders see; arguments as in :meth:`part_features`."""
        part_pose = pose[:, list(self.parts[part])]
        return self.part_image(part, image, keypoints), part_pose

    def _encode(self, encoder: nn.Module, x: Tensor) -> Features:
        return encoder.pyramid(x) if self.fine_levels else {self.level: encoder(x)}

    def warped_part(
        self, part: str, feats: tuple[Features, Features], flows: Flows
    ) -> Tensor:
        """Local warping module of one part, equations 2, 3 and 5.

        Args:
            part: Name of the part.
            feats: What :meth:`part_features` gives.
            flows: The part's flow and visibility by level.

        Returns:
            (B, C, h, w) features at the generator's level.
        """
        source_feat, pose_feat = (levels[self.level] for levels in feats)
        return self.warp_part(part, source_feat, pose_feat, flows[self.level])

    def fuse(
        self,
        feats: Mapping[str, tuple[Features, Features]],
        target_pose: Tensor,
        flows: Mapping[str, Flows],
    ) -> Tensor:
        """F_fusion of eq. 6.

        Args:
            feats: Part -> what :meth:`part_features` gives.
            target_pose: (B, 18, H, W) heat maps.
            flows: Part -> flow and visibility by level.

        Returns:
            (B, C, h, w).
        """
        parts = self.warp_parts(*self._at_level(self.level, feats, flows))
        return self.fusion(parts, self.global_pose_encoder(target_pose))

    def _at_level(
        self,
        level: int,
        feats: Mapping[str, tuple[Features, Features]],
        flows: Mapping[str, Flows],
    ) -> tuple[dict[str, Tensor], dict[str, Tensor], dict[str, FlowPair]]:
        """Of each part the features of image and pose, and the flow, at one level."""
        source, pose = (
            {part: feats[part][side][level] for part in self.parts} for side in (0, 1)
        )
        return source, pose, {part: flows[part][level] for part in self.parts}

    def paint(
        self,
        fused: Tensor,
        feats: Mapping[str, tuple[Features, Features]],
        flows: Mapping[str, Flows],
    ) -> Tensor:
        """Equations 7 and 8, with the fine levels on the way.

        Args:
            fused: (B, C, h, w) of :meth:`fuse`.
            feats: As there.
            flows: As there.

        Returns:
            The image (B, 3, H, W) in [-1, 1].
        """
        start = self.pnb(fused) if self.pnb else fused
        if not self.fine_levels:
            return self.decoder(start)

        def join_parts(level: int, decoded: Tensor) -> Tensor:
            if level not in self.fine_levels:
                return decoded
            inputs = self._at_level(level, feats, flows)
            return self.fine[str(level)](*inputs, decoded)

        return self.decoder(start, join_parts)

    def encode(
        self,
        source_image: Tensor,
        source_keypoints: Tensor,
        target_pose: Tensor,
        target_keypoints: Tensor | None = None,
    ) -> tuple[dict[str, tuple[Features, Features]], dict[str, Flows]]:
        """Part -> features, and part -> flows; arguments as in :meth:`part_flows`."""
        maps = (source_image, source_keypoints, target_pose)
        flows = self.part_flows(*maps, target_keypoints)
        if not self.grouped:
            return {part: self.part_features(part, *maps) for part in self.parts}, flows
        sides = zip(*(self._part_maps(part, *maps) for part in self.parts))
        found = [
            run_grouped(partial(self._encode, self.grouped[name]), inputs)
            for name, inputs in zip(('image_encoders', 'pose_encoders'), sides)
        ]
        return dict(zip(self.parts, zip(*found))), flows

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
            flow_only: Stop after eq. 1, as training stage 1 does.

        Returns:
            ``flows`` (part -> level -> (flow, visibility)) and, unless ``flow_only``,
            ``image`` (B, 3, H, W) in [-1, 1].
        """
        target_pose = self.heatmaps(target_keypoints, tuple(source_image.shape[-2:]))
        inputs = (source_image, source_keypoints, target_pose, target_keypoints)
        if flow_only:
            return dict(flows=self.part_flows(*inputs))
        feats, flows = self.encode(*inputs)
        fused = self.fuse(feats, target_pose, flows)
        return dict(flows=flows, image=self.paint(fused, feats, flows))

    @torch.no_grad()
    def relation_maps(
        self, source_image: Tensor, source_keypoints: Tensor, target_keypoints: Tensor
    ) -> dict[int, Tensor]:
        """Relation maps of figure 7 for a batch; arguments as in :meth:`forward`.

        Returns:
            Pooled size s -> (B, s^2, s^2), rows sum to 1.

        Raises:
            ValueError: If the generator was built without a pyramid non-local block.
        """
        if self.pnb is None:
            raise ValueError(
                'relation maps need a pyramid non-local block; pnb is None'
            )
        target_pose = self.heatmaps(target_keypoints, tuple(source_image.shape[-2:]))
        feats, flows = self.encode(
            source_image, source_keypoints, target_pose, target_keypoints
        )
        return self.pnb.relation_maps(self.fuse(feats, target_pose, flows))

    def flow_parameters(self) -> Iterator[nn.Parameter]:
        """Parameters that stage 1 trains: the flow nets without visibility heads."""
        return parameters_of_flow(self.flow_nets.values())

    def visibility_parameters(self) -> Iterator[nn.Parameter]:
        """Parameters that stage 1 trains as well where it knows the visibility."""
        return parameters_of_visibility(self.flow_nets.values())


def _seen_of(joints: Sequence[int], keypoints: Tensor, flows: Flows) -> Flows:
    """Flows of a part, of which nothing is visible where no joint is present."""
    present = (keypoints[:, list(joints), 2] > 0).any(dim=1).view(-1, 1, 1, 1)
    return {
        level: (flow, visible * present) for level, (flow, visible) in flows.items()
    }


def _checked_levels(fine_levels: Sequence[int], level: int) -> tuple[int, ...]:
    """Fine levels, coarse first."""
    if not all(1 <= fine < level for fine in fine_levels):
        raise ValueError(
            f'fine_levels must lie in 1..{level - 1}, finer than level={level}; got '
            f'{tuple(fine_levels)}'
        )
    return tuple(sorted(set(fine_levels), reverse=True))


def _build(cfg: Mapping, **supplied: int) -> nn.Module:
    """Build a component; ``supplied`` arguments yield to those of its config."""
    return MODELS.build(dict(cfg), default_args=supplied)
