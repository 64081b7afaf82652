"""EfficientNet-Lite0 as the embedding of a Frechet distance that needs no download."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from posegen.evaluation.networks.pixels import to_range
from posegen.models.feature_nets import EfficientNetLite0Features


class Lite0Embedding(nn.Module):
    """Pooled EfficientNet-Lite0 features of images, for Frechet distances.

    Images are resized to the net's own 224x224 (bilinear, anti-aliased), whatever their
    aspect, as FID does with its 299x299. A stand-in: what is measured with it is called
    ``fd_efficientnet_lite0`` and is no FID.

    Raises:
        DependencyError: The package with the weights is not installed.
    """

    dim = 1280
    size = (224, 224)

    def __init__(self) -> None:
        super().__init__()
        self.net = EfficientNetLite0Features(weights='package')

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W), uint8 or floats of 0..255 -> (B, 1280)."""
        images = to_range(images, -1, 1)
        images = interpolate(images, size=self.size, mode='bilinear', antialias=True)
        return self.net.pooled(images)
