"""Inception v3 in the two versions that are called FID, and what it is fed.

FID was defined with a network of 2015 from TensorFlow. The line of GFLA instead takes
the one that PyTorch's people trained, and feeds it [0, 1] through a transform that was
made for ImageNet-normalised input. Values of one can't be compared with the other.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import torch
import torchvision
from torch import Tensor, nn
from torch_fidelity.feature_extractor_inceptionv3 import (
    URL_INCEPTION_V3,
    FeatureExtractorInceptionV3,
)

from posegen.evaluation.networks.pixels import to_range
from posegen.evaluation.networks.weights import find_file
from posegen.models.feature_nets.weights import load_strictly, read_state_dict

InceptionWeights = Literal['tf2015', 'pytorch-fid', 'torchvision']
Normalisation = Literal['tf128', 'half', 'imagenet-misapplied']

# Under two names at two addresses, one file.
_TF2015_SHA256 = '6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2'
_PYTORCH_FID_URL = (
    'https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/'
    'pt_inception-2015-12-05-6726825d.pth'
)
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class InceptionNet(nn.Module):
    """Pooled features of Inception v3, and the logits that follow from them.

    Args:
        weights: 'tf2015': TensorFlow's network of 2015 (1008 classes) as torch-fidelity
            ports it; 'pytorch-fid': the same network and numbers under that package's
            file name; 'torchvision': trained on ImageNet by PyTorch's people (1000
            classes).
        normalisation: What happens to x in [0, 1] at the network's entrance. 'tf128':
            (255 x - 128) / 128; 'half': 2 x - 1; 'imagenet-misapplied': x std / 0.5 +
            (mean - 0.5) / 0.5 per channel, which is right for ImageNet-normalised
            input only, and with which GFLA's line publishes.
        file: State dict in the layout of the published file; None takes that from
            torch hub's cache or downloads it; 'random' is for tests.

    Raises:
        WeightsError: The weights are not there, can't be downloaded, are damaged or
            of another net.
    """

    size = (299, 299)

    def __init__(
        self,
        weights: InceptionWeights = 'tf2015',
        normalisation: Normalisation = 'tf128',
        file: str | Path | None = None,
    ) -> None:
        super().__init__()
        if weights not in _BUILDERS:
            raise ValueError(
                f'weights must be one of {", ".join(_BUILDERS)}, got {weights!r}'
            )
        if normalisation not in _NORMALISATIONS:
            raise ValueError(
                f'normalisation must be one of {", ".join(_NORMALISATIONS)}, got '
                f'{normalisation!r}'
            )
        self.normalise = _NORMALISATIONS[normalisation]
        build, url, sha256 = _BUILDERS[weights]
        net = build()
        if file == 'random':
            _init_random(net)
        else:
            _load(net, find_file(file, url, sha256))
        parts = dict(net.named_children())
        self.classifier = parts.pop('fc')
        self.dim: int = self.classifier.in_features  # 2048
        # Both packages register their layers in the order in which they are used.
        # AuxLogits and dropout only take part in training.
        self.trunk = nn.Sequential(
            *(part for name, part in parts.items() if name not in _TRAINING_ONLY)
        )
        self.eval().requires_grad_(False)

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """Pooled features.

        Args:
            images: (B, 3, 299, 299), uint8 or floats of 0..255. How they got that size
                changes the numbers, so it is not done here.

        Returns:
            (B, 2048) float32.
        """
        if tuple(images.shape[2:]) != self.size:
            raise ValueError(
                'Inception takes images of 299x299, resized as the protocol says, got '
                f'{images.shape[2]}x{images.shape[3]}'
            )
        return self.trunk(self.normalise(to_range(images, 0, 1))).flatten(1)

    @torch.no_grad()
    def logits(self, features: Tensor, bias: bool = True) -> Tensor:
        """Logits of pooled features.

        Args:
            features: (B, 2048).
            bias: Whether the last layer's bias is added; the Inception score of
                TensorFlow's graph leaves it out.

        Returns:
            (B, 1008), or (B, 1000) of torchvision's.
        """
        layer = self.classifier
        return nn.functional.linear(
            features, layer.weight, layer.bias if bias else None
        )


def inception_url(weights: InceptionWeights) -> str:
    """Address of the published file of weights."""
    return _BUILDERS[weights][1]


def build_inception(
    weights: InceptionWeights = 'tf2015',
    normalisation: Normalisation = 'tf128',
    file: str | Path | None = None,
) -> InceptionNet:
    """Make an :class:`InceptionNet`; arguments and errors are its own."""
    return InceptionNet(weights, normalisation, file)


def _tf128(x: Tensor) -> Tensor:
    return (x * 255 - 128) / 128


def _half(x: Tensor) -> Tensor:
    return x * 2 - 1


def _imagenet_misapplied(x: Tensor) -> Tensor:
    mean, std = (x.new_tensor(values).view(3, 1, 1) for values in (_MEAN, _STD))
    return x * (std / 0.5) + (mean - 0.5) / 0.5


_NORMALISATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    'tf128': _tf128,
    'half': _half,
    'imagenet-misapplied': _imagenet_misapplied,
}
_TRAINING_ONLY = ('AuxLogits', 'dropout')


class _TF2015(FeatureExtractorInceptionV3):
    """torch-fidelity's network without its loading, which unpickles what it is given.

    Its constructor downloads or reads a file in any case; here that file is an empty
    dict in memory, and loading it does nothing.
    """

    def __init__(self) -> None:
        nothing = io.BytesIO()
        torch.save({}, nothing)
        nothing.seek(0)
        super().__init__('inception', ['2048'], feature_extractor_weights_path=nothing)

    def load_state_dict(self, state_dict: Mapping[str, Any], **options: Any) -> Any:
        """The usual, unless there is nothing to load."""
        return super().load_state_dict(state_dict, **options) if state_dict else None


def _torchvision() -> nn.Module:
    return torchvision.models.Inception3(init_weights=False)


_BUILDERS: dict[str, tuple[Callable[[], nn.Module], str, str | None]] = {
    'tf2015': (_TF2015, URL_INCEPTION_V3, _TF2015_SHA256),
    'pytorch-fid': (_TF2015, _PYTORCH_FID_URL, _TF2015_SHA256),
    'torchvision': (
        _torchvision,
        torchvision.models.Inception_V3_Weights.IMAGENET1K_V1.url,
        None,
    ),
}


def _load(net: nn.Module, path: Path) -> None:
    # Counts of training batches, which say nothing here; old files have none.
    counts = {
        key: value
        for key, value in net.state_dict().items()
        if key.endswith('num_batches_tracked')
    }
    load_strictly(net, counts | read_state_dict(path), path)


def _init_random(net: nn.Module) -> None:
    """Weights with which activations neither vanish nor explode on the way."""
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity='relu')
        elif isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=layer.in_features**-0.5)
