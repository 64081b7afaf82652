"""Def-GAN's generator: two encoders, one decoder, deformable skips between them."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from posegen.codecs import NUM_JOINTS, keypoints_to_heatmaps
from posegen.models.def_gan.blocks import (
    down_block,
    init_glorot,
    up_block,
)
from posegen.models.layers.blocks import check_divisible, widths
from posegen.registry import MODELS


class _Encoder(nn.ModuleList):
    """Features at every level: (B, in_channels, H, W) -> [(B, c, H/2^i, W/2^i), ...].

    A level's features come before their activation.
    """

    def __init__(self, in_channels: int, channels: list[int]) -> None:
        last = len(channels) - 1
        super().__init__([nn.Conv2d(in_channels, channels[0], 3, padding=1)])
        for level in range(1, len(channels)):
            # A bottleneck of few pixels is not normalised.
            self.append(
                down_block(channels[level - 1], channels[level], norm=level < last)
            )

    def forward(self, x: Tensor) -> list[Tensor]:
        feats = []
        for block in self:
            x = block(x)
            feats.append(x)
        return feats


@MODELS.register_module()
class DefGANGenerator(nn.Module):
    """U-Net with deformable skips (Siarohin et al., CVPR 2018).

    One encoder reads the source and its pose, the other the target pose. The first
    levels of the source's features are moved to the target part by part; all levels are
    joined with the pose's features and decoded.

    Args:
        base_channels: Width at full resolution, doubled at every level.
        max_channels: Cap of the widths.
        num_levels: Levels of an encoder, full resolution counted; published are 6 for
            128x64 and 7 for 256x256. Height and width must be multiples of
            2^(num_levels - 1).
        warp: Config of the deformable skip, see
            :class:`~posegen.models.def_gan.PartAffineWarp`; None joins the source's
            features as they are.
        warp_levels: How many levels, from full resolution on, are moved.
        dropout: Probability in the three deepest blocks of the decoder, in training.
        heatmap_sigma: Standard deviation of a joint's map, in pixels.

    Raises:
        ValueError: If ``num_levels`` is below 2, or there are fewer levels than
            ``warp_levels``.
    """

    def __init__(
        self,
        base_channels: int = 64,
        max_channels: int = 512,
        num_levels: int = 7,
        warp: Mapping | None = None,
        warp_levels: int = 4,
        dropout: float = 0.5,
        heatmap_sigma: float = 6.0,
    ) -> None:
        super().__init__()
        if num_levels < 2 or warp_levels > num_levels:
            raise ValueError(
                'num_levels must be at least 2 and warp_levels no more than that, got '
                f'{num_levels} and {warp_levels}'
            )
        self.warp_levels = warp_levels
        self.heatmap_sigma = heatmap_sigma
        channels = widths(base_channels, num_levels, max_channels)
        self.image_encoder = _Encoder(3 + NUM_JOINTS, channels)
        self.pose_encoder = _Encoder(NUM_JOINTS, channels)
        self.warp = MODELS.build(dict(warp)) if warp else None
        self.decoder = nn.ModuleList()
        previous = 0
        for depth, level in enumerate(range(num_levels - 1, 0, -1)):
            self.decoder.append(
                up_block(
                    previous + 2 * channels[level],
                    channels[level],
                    dropout if depth < 3 else 0.0,
                )
            )
            previous = channels[level]
        self.head = nn.Sequential(
            nn.ReLU(),
            nn.Conv2d(previous + 2 * channels[0], 3, 3, padding=1),
            nn.Tanh(),
        )
        init_glorot(self)

    def heatmaps(self, keypoints: Tensor, size: tuple[int, int]) -> Tensor:
        """Keypoints (B, 18, 3) in pixels -> maps (B, 18, H, W) in [0, 1]."""
        return keypoints_to_heatmaps(keypoints, size, self.heatmap_sigma)

    def skips(
        self, source_image: Tensor, source_keypoints: Tensor, target_keypoints: Tensor
    ) -> list[Tensor]:
        """What the decoder gets from each level; arguments as in :meth:`forward`.

        Returns:
            (B, 2c, H/2^i, W/2^i) of level i: features of the source, moved in the first
            levels, then of the target pose.
        """
        size = tuple(source_image.shape[-2:])
        source_pose, target_pose = (
            self.heatmaps(keypoints, size)
            for keypoints in (source_keypoints, target_keypoints)
        )
        image_feats = self.image_encoder(torch.cat([source_image, source_pose], dim=1))
        pose_feats = self.pose_encoder(target_pose)
        if self.warp is not None:
            geometry = self.warp.geometry(source_keypoints, target_keypoints, size)
            for level in range(self.warp_levels):
                image_feats[level] = self.warp(image_feats[level], geometry)
        return [torch.cat(pair, dim=1) for pair in zip(image_feats, pose_feats)]

    def forward(
        self, source_image: Tensor, source_keypoints: Tensor, target_keypoints: Tensor
    ) -> dict[str, Tensor]:
        """Generate the source person in the target pose.

        Args:
            source_image: (B, 3, H, W) in [-1, 1].
            source_keypoints: (B, 18, 3) x, y in pixels and score.
            target_keypoints: (B, 18, 3), same frame size.

        Returns:
            ``image`` (B, 3, H, W) in [-1, 1].

        Raises:
            ValueError: If a side of the image can't be halved often enough.
        """
        check_divisible(source_image.shape, 2 ** len(self.decoder), type(self).__name__)
        skips = self.skips(source_image, source_keypoints, target_keypoints)
        x = skips.pop()
        for block in self.decoder:
            x = torch.cat([block(x), skips.pop()], dim=1)
        return dict(image=self.head(x))
