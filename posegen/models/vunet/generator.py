"""VU-Net's generator: a U-Net on the pose, conditioned on latents of the appearance."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from posegen.codecs import keypoints_to_heatmaps, keypoints_to_stickman
from posegen.models.layers.blocks import check_divisible, widths
from posegen.models.vunet.blocks import WeightNormConv2d, calibrating
from posegen.models.vunet.crops import DEFAULT_CROPS, check_parts, part_crops
from posegen.models.vunet.networks import (
    AppearancePosterior,
    ResidualEncoder,
    ShapeDecoder,
)
from posegen.registry import MODELS
from posegen.utils.errors import ConfigError

#: Where the latents of a finished model come from.
LATENTS = ('mean', 'sample', 'prior')


@MODELS.register_module()
class VUNetGenerator(nn.Module):
    """Variational U-Net (Esser, Sutter, Ommer, CVPR 2018).

    The appearance is read from straightened crops of body parts, the pose from a stick
    figure; both are drawn from joints on the fly. Appearance acts through two small
    maps of latents only, which are normal with unit variance.

    Args:
        base_channels: Width at full resolution; doubled at each level.
        max_channels: Cap of the widths.
        num_levels: Levels of the pose's U-Net; the sides of the image are multiples of
            2^num_levels, since the prior halves the coarsest map once more.
        crop_level: Crops have 1/2^crop_level of the image's height and width.
        num_latents: Scales with a latent, from the coarsest.
        parts: Crops, see :func:`~posegen.models.vunet.crops.part_quads`.
        dropout: Probability inside the residual blocks, in training.
        latents: In evaluation mode, ``'mean'``: the posterior's means, the published
            transfer; ``'sample'``: drawn from the posterior; ``'prior'``: drawn from
            the prior, which gives the pose an appearance that the source does not
            have. Random numbers are PyTorch's.
        heatmap_sigma: Of the maps that discriminators may be conditioned on, in pixels.

    Attributes:
        is_calibrated: Whether gains and biases were set from data or from a file,
            a tensor () of bool that is stored with the weights.

    Raises:
        ConfigError: ``latents`` or a part is unknown, or the levels do not hold the
            latents.
    """

    def __init__(
        self,
        base_channels: int = 32,
        max_channels: int = 128,
        num_levels: int = 7,
        crop_level: int = 2,
        num_latents: int = 2,
        parts: Sequence[str] = DEFAULT_CROPS,
        dropout: float = 0.1,
        latents: str = 'mean',
        heatmap_sigma: float = 6.0,
    ) -> None:
        super().__init__()
        if latents not in LATENTS:
            raise ConfigError(f'latents must be one of {LATENTS}, got {latents!r}.')
        if not 1 <= num_latents < num_levels - crop_level:
            raise ConfigError(
                'num_latents must be at least 1 and below the levels of the crops, '
                f'num_levels - crop_level = {num_levels - crop_level}; got '
                f'{num_latents}.'
            )
        self.parts = check_parts(parts)
        self.num_levels, self.crop_level = num_levels, crop_level
        self.latents, self.heatmap_sigma = latents, heatmap_sigma
        shape = widths(base_channels, num_levels, max_channels)
        appearance = shape[crop_level:]
        crops = 3 * len(self.parts)
        self.appearance_encoder = ResidualEncoder(crops, appearance, dropout)
        self.posterior = AppearancePosterior(appearance, num_latents, dropout)
        self.shape_encoder = ResidualEncoder(3, shape, dropout)
        self.decoder = ShapeDecoder(shape, num_latents, dropout)
        self.head = WeightNormConv2d(shape[0], 3)
        self.register_buffer('is_calibrated', torch.tensor(False))

    def heatmaps(self, keypoints: Tensor, size: tuple[int, int]) -> Tensor:
        """Keypoints (B, 18, 3) in pixels -> maps (B, 18, H, W) in [0, 1]."""
        return keypoints_to_heatmaps(keypoints, size, self.heatmap_sigma)

    def crops(self, image: Tensor, keypoints: Tensor) -> Tensor:
        """(B, 3, H, W) and its joints (B, 18, 3) -> (B, 3 * parts, h, w)."""
        height, width = (side >> self.crop_level for side in image.shape[-2:])
        return part_crops(image, keypoints, (height, width), self.parts)

    def transfer(
        self, crops: Tensor | None, stickman: Tensor, sample: bool = False
    ) -> dict[str, Tensor | list[Tensor]]:
        """The networks on maps.

        Args:
            crops: (B, 3 * parts, h, w) in [-1, 1]; None draws the appearance from the
                prior.
            stickman: (B, 3, H, W) in [-1, 1].
            sample: Whether latents of the posterior are drawn; otherwise they are its
                means.

        Returns:
            ``image`` (B, 3, H, W), not cut to [-1, 1]; ``priors`` and, with crops,
            ``posteriors``: means (B, C, h, w) of the latents, coarse first.

        Raises:
            ValueError: A side of the image is no multiple of 2^num_levels.
        """
        check_divisible(stickman.shape, 2**self.num_levels, type(self).__name__)
        out: dict[str, Tensor | list[Tensor]] = {}
        latents = None
        if crops is not None:
            feats = self.appearance_encoder(crops)
            out['posteriors'], latents = self.posterior(feats, sample)
        feat, out['priors'] = self.decoder(self.shape_encoder(stickman), latents)
        return out | dict(image=self.head(feat))

    def forward(
        self, source_image: Tensor, source_keypoints: Tensor, target_keypoints: Tensor
    ) -> dict[str, Tensor | list[Tensor]]:
        """The source person in the target pose.

        In training the latents are drawn from the posterior; in evaluation they are
        what ``latents`` says.

        Args:
            source_image: (B, 3, H, W) in [-1, 1].
            source_keypoints: (B, 18, 3) x, y in pixels and score.
            target_keypoints: (B, 18, 3), same frame size.

        Returns:
            As :meth:`transfer`.
        """
        size = tuple(source_image.shape[-2:])
        stickman = keypoints_to_stickman(target_keypoints, size)
        if not self.training and self.latents == 'prior':
            return self.transfer(None, stickman)
        crops = self.crops(source_image, source_keypoints)
        sample = self.training or self.latents == 'sample'
        return self.transfer(crops, stickman, sample)

    @torch.no_grad()
    def calibrate(self, image: Tensor, keypoints: Tensor) -> None:
        """Set gains and biases so that every layer starts with unit variance.

        With several processes each passes its own batch; all end with the same values.

        Args:
            image: (B, 3, H, W) in [-1, 1], people to reconstruct.
            keypoints: (B, 18, 3) their joints.
        """
        stickman = keypoints_to_stickman(keypoints, tuple(image.shape[-2:]))
        with calibrating(self):
            self.transfer(self.crops(image, keypoints), stickman, sample=True)
        self.is_calibrated.fill_(True)
