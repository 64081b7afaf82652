"""PATN's generator: an image stream that a pose stream leads step by step."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from posegen.codecs import keypoints_to_heatmaps
from posegen.models.layers.blocks import check_divisible
from posegen.models.patn.blocks import (
    PoseAttentionalBlock,
    down_layers,
    init_normal,
    up_layers,
)
from posegen.registry import MODELS


@MODELS.register_module()
class PATNGenerator(nn.Module):
    """Progressive pose attention transfer (Zhu et al., CVPR 2019).

    Both streams are brought to 1/4 of the resolution, pass the blocks together, and the
    image stream is decoded. The pose stream of the last block is not used.

    Args:
        base_channels: Width at full resolution; four times as many in the blocks.
        num_blocks: Number of pose-attentional blocks.
        norm: ``'batch'`` (published for Market-1501) or ``'instance'`` (published for
            DeepFashion).
        dropout: Probability inside the blocks, in training.
        heatmap: How joints are drawn, see
            :func:`posegen.codecs.keypoints_to_heatmaps`. The published DeepFashion
            script writes maps as bytes, which leaves one pixel a joint (``'delta'``),
            and has discs in a comment; the weights don't say which they were trained
            with.
        heatmap_sigma: Standard deviation of a joint's map, or radius of its disc, in
            pixels.

    Raises:
        ValueError: If ``norm`` is unknown.
    """

    def __init__(
        self,
        base_channels: int = 64,
        num_blocks: int = 9,
        norm: str = 'batch',
        dropout: float = 0.5,
        heatmap: str = 'gaussian',
        heatmap_sigma: float = 6.0,
    ) -> None:
        super().__init__()
        self.heatmap = heatmap
        self.heatmap_sigma = heatmap_sigma
        channels = 4 * base_channels
        self.image_encoder = nn.Sequential(*down_layers(3, base_channels, norm))
        self.pose_encoder = nn.Sequential(*down_layers(36, base_channels, norm))
        self.blocks = nn.ModuleList(
            PoseAttentionalBlock(
                channels, channels if index == 0 else 2 * channels, norm, dropout
            )
            for index in range(num_blocks)
        )
        self.decoder = nn.Sequential(*up_layers(base_channels, norm))
        init_normal(self)

    def heatmaps(self, keypoints: Tensor, size: tuple[int, int]) -> Tensor:
        """Keypoints (B, 18, 3) in pixels -> maps (B, 18, H, W) in [0, 1]."""
        return keypoints_to_heatmaps(
            keypoints, size, self.heatmap_sigma, mode=self.heatmap
        )

    def transfer(self, image: Tensor, poses: Tensor) -> Tensor:
        """The network on maps.

        Args:
            image: (B, 3, H, W) source in [-1, 1]; H and W are multiples of 4.
            poses: (B, 36, H, W) heat maps of the source, then of the target.

        Returns:
            (B, 3, H, W) in [-1, 1].

        Raises:
            ValueError: If a side of the image is no multiple of 4.
        """
        check_divisible(image.shape, 4, type(self).__name__)
        image_feat, pose_feat = self.image_encoder(image), self.pose_encoder(poses)
        for block in self.blocks:
            image_feat, pose_feat = block(image_feat, pose_feat)
        return self.decoder(image_feat)

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
        """
        size = tuple(source_image.shape[-2:])
        poses = [self.heatmaps(k, size) for k in (source_keypoints, target_keypoints)]
        return dict(image=self.transfer(source_image, torch.cat(poses, dim=1)))
