"""Flow and visibility of the parts as a correction of the limbs' own flow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from posegen.codecs import LIMBS, keypoints_to_limb_maps
from posegen.models.layers.blocks import (
    EncoderBlock,
    ResBlock,
    activation,
    check_divisible,
    norm_layer,
)
from posegen.models.ops import flow_warp, limb_flow, resize_keypoints
from posegen.models.ops.precision import at_least_float32, full_precision
from posegen.registry import MODELS

#: Level -> (flow, visibility).
Flows = dict[int, tuple[Tensor, Tensor]]

# Residuals of 1 are this share of the map's height, so that heads start well scaled.
_RESIDUAL_SCALE = 1 / 16


@MODELS.register_module()
class LimbFlowNet(nn.Module):
    """A U-Net that corrects :func:`~posegen.models.ops.limb_flow` part by part.

    It sees the source image, the source moved by the limb flow, maps of both poses'
    joints and limbs, the limb flow and its nearness, all at level 1, and gives for each
    part a residual to the limb flow and a visibility, and the target's parsing: what is
    background and what is which part. The residual starts at zero, the flow so at the
    limb flow. An answer to eq. 1 of the paper that is posegen's own: the paper's nets
    see a part's two sub-poses alone and start from no motion.

    Args:
        parts: Names of the parts.
        num_joints: Joints of each pose; one heat map a joint.
        channels: Widths at level 1 and the coarser ones.
        norm: See :func:`~posegen.models.layers.blocks.norm_layer`.

    Attributes:
        levels: ``(1,)``, the level of flow and visibility.
        channels: Level -> channels of its features.
    """

    levels = (1,)

    def __init__(
        self,
        parts: Sequence[str],
        num_joints: int = 18,
        channels: Sequence[int] = (32, 64, 96, 128, 128),
        norm: str | None = 'group',
    ) -> None:
        super().__init__()
        self.parts = tuple(parts)
        self.channels = dict(enumerate(channels, start=1))
        image_channels = 3 * 4  # a block of 2 x 2 pixels
        poses = num_joints + len(LIMBS)
        self.stem = nn.Sequential(
            nn.Conv2d(2 * (image_channels + poses) + 3, channels[0], 3, 1, 1),
            ResBlock(channels[0], norm),
        )
        self.encoder = nn.ModuleList(
            nn.Sequential(EncoderBlock(i, o, norm), ResBlock(o, norm))
            for i, o in pairwise(channels)
        )
        self.lateral = nn.ModuleList(nn.Conv2d(o, i, 1) for i, o in pairwise(channels))
        self.decoder = nn.ModuleList(ResBlock(i, norm) for i in channels[:-1])
        self.head = nn.Sequential(norm_layer(norm, channels[0]), activation())
        count = len(self.parts)
        self.flow_head = nn.Conv2d(channels[0], 2 * count, 3, padding=1)
        self.visibility_head = nn.Conv2d(channels[0], count, 3, padding=1)
        self.parsing_head = nn.Conv2d(channels[0], 1 + count, 3, padding=1)
        for head in (self.flow_head, self.visibility_head, self.parsing_head):
            nn.init.zeros_(head.weight)
            nn.init.zeros_(head.bias)

    def forward(
        self,
        source_pose: Tensor,
        target_pose: Tensor,
        source_image: Tensor | None = None,
        source_keypoints: Tensor | None = None,
        target_keypoints: Tensor | None = None,
    ) -> dict[str, Flows]:
        """Predict flow and visibility.

        Args:
            source_pose: (B, num_joints, H, W) heat maps in [0, 1].
            target_pose: (B, num_joints, H, W), likewise.
            source_image: (B, 3, H, W) in [-1, 1].
            source_keypoints: (B, 18, 3) in pixels of the image.
            target_keypoints: (B, 18, 3), likewise.

        Returns:
            Part -> level -> (flow (B, 2, h, w): dx, dy in pixels of that level,
            visibility (B, 1, h, w) in [0, 1]).

        Raises:
            ValueError: Image or joints are missing, or a side of the image is no
                multiple of 2^len(channels).
        """
        maps = (source_pose, target_pose, source_image)
        return self.predict(*self.features(*maps, source_keypoints, target_keypoints))

    def features(
        self,
        source_pose: Tensor,
        target_pose: Tensor,
        source_image: Tensor | None,
        source_keypoints: Tensor | None,
        target_keypoints: Tensor | None,
    ) -> tuple[dict[int, Tensor], Tensor]:
        """What flow and visibility are read from; arguments as in :meth:`forward`.

        Returns:
            Level -> (B, channels[level], h, w), and the limb flow (B, 2, H/2, W/2).
        """
        if source_image is None or source_keypoints is None or target_keypoints is None:
            raise ValueError(
                'LimbFlowNet needs source_image, source_keypoints and target_keypoints'
            )
        size = source_image.shape[-2:]
        check_divisible(source_image.shape, 2 ** len(self.channels), 'LimbFlowNet')
        half = (size[0] // 2, size[1] // 2)
        joints = [
            resize_keypoints(k, 0.5) for k in (source_keypoints, target_keypoints)
        ]
        prior, nearness = limb_flow(*joints, half)
        image = F.pixel_unshuffle(source_image, 2)
        poses = F.avg_pool2d(torch.cat([source_pose, target_pose], 1), 2)
        limbs = [keypoints_to_limb_maps(k, half) for k in joints]
        motion = prior / (half[0] * _RESIDUAL_SCALE)
        moved = flow_warp(image, prior)
        x = self.stem(torch.cat([image, moved, poses, *limbs, motion, nearness], 1))
        return self._decode(x), prior

    def _decode(self, x: Tensor) -> dict[int, Tensor]:
        skips = [x]
        for block in self.encoder:
            skips.append(x := block(x))
        feats = {len(skips): x}
        steps = list(zip(self.lateral, self.decoder, skips))
        for level, (lateral, block, skip) in reversed(list(enumerate(steps, 1))):
            up = F.interpolate(lateral(x), size=skip.shape[-2:], mode='bilinear')
            feats[level] = x = block(skip + up)
        return feats

    @full_precision
    def _heads(self, x: Tensor) -> tuple[Tensor, Tensor]:
        # Half precision would round a flow of 20 pixels to eighths of a pixel.
        x = self.head(x)
        return self.flow_head(x), self.visibility_head(x).sigmoid()

    def predict(self, feats: dict[int, Tensor], prior: Tensor) -> dict[str, Flows]:
        """As :meth:`forward`, from what :meth:`features` gives."""
        residual, visibility = self._heads(feats[1])
        residual = residual * (prior.shape[2] * _RESIDUAL_SCALE)
        pairs = [
            (prior + step, seen)
            for step, seen in zip(residual.split(2, 1), visibility.split(1, 1))
        ]
        return {part: {1: pair} for part, pair in zip(self.parts, pairs)}

    def parse(self, feats: dict[int, Tensor]) -> Tensor:
        """Logarithms of the shares of background and parts in the target's pixels.

        Args:
            feats: What :meth:`features` gives.

        Returns:
            (B, 1 + parts, H/2, W/2), in float32 or better.
        """
        logits = self.parsing_head(self.head(feats[1]))
        return at_least_float32(logits).log_softmax(1)

    def visibility_parameters(self, level: int) -> Iterator[nn.Parameter]:
        """Parameters on which nothing but the visibility of a level depends."""
        return self.visibility_head.parameters()
