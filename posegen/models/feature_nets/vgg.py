"""VGG19, the net that the paper's losses and their weights were set for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
import torchvision
from torch import Tensor, nn

from posegen.models.feature_nets.base import FeatureNet
from posegen.models.feature_nets.weights import (
    hub_file,
    init_random,
    load_strictly,
    named_file,
    read_state_dict,
)
from posegen.registry import MODELS


@MODELS.register_module()
class VGG19Features(FeatureNet):
    """Rectified activations of VGG19: ``relu1_1`` (level 0) to ``relu5_4`` (level 4).

    Args:
        weights: ``'imagenet'``: torchvision's, from torch hub's cache or downloaded;
            ``'random'``; or a file with torchvision's state dict of VGG19.
        normalize: Whether images in [-1, 1] are brought to ImageNet's mean and
            deviation first. The published losses do not (Ren et al. 2020).

    Raises:
        WeightsError: The weights are not there, can't be downloaded, are damaged or
            of another net.
    """

    def __init__(
        self, weights: str | Path = 'imagenet', normalize: bool = False
    ) -> None:
        super().__init__()
        # On 'meta' the 120 million weights of the classifier cost nothing.
        with torch.device('meta'):
            features = torchvision.models.vgg19().features
        self.features = features.to_empty(device='cpu')
        self._load(weights)
        self.normalize = normalize
        self.register_buffer('mean', torch.tensor([0.485, 0.456, 0.406]).view(-1, 1, 1))
        self.register_buffer('std', torch.tensor([0.229, 0.224, 0.225]).view(-1, 1, 1))
        self._names = _relu_names(self.features)
        self.levels = {name: int(name[4]) - 1 for name in self._names if name}
        self.freeze()

    def _load(self, weights: str | Path) -> None:
        if weights == 'random':
            return init_random(self.features)
        if weights == 'imagenet':
            path = hub_file(torchvision.models.VGG19_Weights.IMAGENET1K_V1.url)
        else:
            path = named_file(weights, ('imagenet', 'random'))
        state = {
            key.removeprefix('features.'): value
            for key, value in read_state_dict(path).items()
            if not key.startswith('classifier.')
        }
        load_strictly(self.features, state, path)

    def activations(self, images: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Yield (layer, activation) in order of depth; images in [-1, 1]."""
        x = images
        if self.normalize:
            x = ((x + 1) / 2 - self.mean) / self.std
        for name, layer in zip(self._names, self.features):
            x = layer(x)
            if name:
                yield name, x


def _relu_names(features: nn.Sequential) -> list[str | None]:
    """``relu<block>_<conv>`` for each rectifier, None for the other layers."""
    names: list[str | None] = []
    block, conv = 1, 0
    for layer in features:
        if isinstance(layer, nn.MaxPool2d):
            block, conv = block + 1, 0
        elif isinstance(layer, nn.ReLU):
            conv += 1
        names.append(f'relu{block}_{conv}' if isinstance(layer, nn.ReLU) else None)
    return names
