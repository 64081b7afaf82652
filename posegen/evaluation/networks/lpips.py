"""LPIPS of the package ``lpips``, at every input range that was published with."""

from __future__ import annotations

import warnings
from importlib.resources import as_file, files
from pathlib import Path
from typing import Literal

import torch
import torchvision
from torch import Tensor, nn

from posegen.evaluation.networks.pixels import check_size, to_range
from posegen.evaluation.networks.weights import find_file
from posegen.models.feature_nets.weights import (
    init_random,
    load_strictly,
    read_state_dict,
)

InputRange = Literal['[-1,1]', '[0,1]']
Trunk = Literal['alex', 'vgg', 'squeeze']

_RANGES = {'[-1,1]': (-1.0, 1.0), '[0,1]': (0.0, 1.0)}
_TRUNKS = {
    'alex': torchvision.models.AlexNet_Weights.IMAGENET1K_V1,
    'vgg': torchvision.models.VGG16_Weights.IMAGENET1K_V1,
    'squeeze': torchvision.models.SqueezeNet1_1_Weights.IMAGENET1K_V1,
}
_MIN_SIZES = {'alex': 31, 'vgg': 16, 'squeeze': 17}


class LPIPSNet(nn.Module):
    """LPIPS (Zhang et al., CVPR 2018), version 0.1, between batches of images.

    The net and its calibrated linear heads are those of the package lpips, the trunk
    has torchvision's ImageNet weights; both are read without running code and with
    every key checked, which the package itself does not do.

    Args:
        net: Trunk.
        input_range: What black and white are when the net sees them. It was made for
            '[-1,1]'. '[0,1]' is a published mistake, half the contrast, whose numbers
            are on a scale of their own.
        file: State dict of the trunk in torchvision's layout; None takes torchvision's
            from torch hub's cache or downloads it; 'random' is for tests.

    Raises:
        WeightsError: The weights are not there, can't be downloaded, are damaged or
            of another net.
    """

    def __init__(
        self,
        net: Trunk = 'alex',
        input_range: InputRange = '[-1,1]',
        file: str | Path | None = None,
    ) -> None:
        super().__init__()
        if net not in _TRUNKS:
            raise ValueError(f'net must be one of {", ".join(_TRUNKS)}, got {net!r}')
        if input_range not in _RANGES:
            raise ValueError(
                f'input_range must be one of {", ".join(_RANGES)}, got {input_range!r}'
            )
        self.min_size = _MIN_SIZES[net]
        self.range = _RANGES[input_range]
        self.net = _build_empty(net)
        _load_heads(self.net, net)
        _load_trunk(self.net.net, net, file)
        self.net.eval().requires_grad_(False)

    @torch.no_grad()
    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        """Distance of each pair, 0 for equal ones.

        Args:
            pred: (B, 3, H, W), uint8 or floats of 0..255.
            target: The same.

        Returns:
            (B,) float32.
        """
        check_size(pred, self.min_size, 'LPIPS')
        return self.net(to_range(pred, *self.range), to_range(target, *self.range))[
            :, 0, 0, 0
        ]


def trunk_url(net: Trunk) -> str:
    """Address of the published weights of a trunk."""
    return _TRUNKS[net].url


def build_lpips(
    net: Trunk = 'alex',
    input_range: InputRange = '[-1,1]',
    file: str | Path | None = None,
) -> LPIPSNet:
    """Make an :class:`LPIPSNet`; arguments and errors are its own."""
    return LPIPSNet(net, input_range, file)


def _build_empty(net: str) -> nn.Module:
    """The package's module without weights; it would download or unpickle them."""
    import lpips

    # On 'meta' the weights of VGG's classifier, which the package throws away, cost
    # nothing. The package calls torchvision with arguments that it warns about.
    with torch.device('meta'), warnings.catch_warnings():
        warnings.simplefilter('ignore', UserWarning)
        model = lpips.LPIPS(net=net, pretrained=False, pnet_rand=True, verbose=False)
    model.net.to_empty(device='cpu')
    model.lins.to_empty(device='cpu')  # the same modules as lin0, lin1, ...
    return model


def _load_heads(model: nn.Module, net: str) -> None:
    with as_file(files('lpips') / 'weights' / 'v0.1' / f'{net}.pth') as path:
        state = {
            key.removeprefix('lin'): value
            for key, value in read_state_dict(path).items()
        }
        load_strictly(model.lins, state, path)


def _load_trunk(trunk: nn.Module, net: str, file: str | Path | None) -> None:
    if file == 'random':
        return init_random(trunk)
    path = find_file(file, _TRUNKS[net].url)
    state = {
        key.removeprefix('features.'): value
        for key, value in read_state_dict(path).items()
        if key.startswith('features.')
    }
    # The package cuts the trunk into slices and keeps torchvision's numbers in them.
    slices = {key.split('.', 1)[1]: key for key in trunk.state_dict()}
    wanted = {slices.get(key, key): value for key, value in state.items()}
    load_strictly(trunk, wanted, path)
