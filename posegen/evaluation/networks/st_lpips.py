"""Shift-tolerant LPIPS, whose weights come inside a Python package."""

from __future__ import annotations

from importlib.resources import as_file, files

import torch
from torch import Tensor, nn

from posegen.evaluation.networks.pixels import check_size, to_range
from posegen.utils.errors import DependencyError


class STLPIPSNet(nn.Module):
    """Shift-tolerant LPIPS (Ghildyal and Liu, ECCV 2022) between batches of images.

    Trunk and linear heads are those of the package stlpips-pytorch, trained on BAPPS.
    Related to LPIPS but on another scale: never compare one with the other.

    Args:
        net: Trunk, 'alex' or 'vgg'.

    Raises:
        DependencyError: The package is not installed.
    """

    min_size = 21
    """Least height and width in pixels of which the strides leave something."""

    def __init__(self, net: str = 'alex') -> None:
        super().__init__()
        if net not in ('alex', 'vgg'):
            raise ValueError(f"net must be 'alex' or 'vgg', got {net!r}")
        self.net = _build_st_lpips(net).eval().requires_grad_(False)

    @torch.no_grad()
    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        """Distance of each pair: (B, 3, H, W) twice -> (B,), 0 for equal ones."""
        check_size(pred, self.min_size, 'ST-LPIPS')
        return self.net(to_range(pred, -1, 1), to_range(target, -1, 1)).flatten()


def _build_st_lpips(net: str) -> nn.Module:
    try:
        from stlpips_pytorch import stlpips
    except ImportError as error:
        # It imports torchsummary and IPython without declaring them.
        raise DependencyError(
            f"ST-LPIPS needs the package '{error.name}': "
            "pip install 'posegen[offline-features]'"
        ) from error
    variant = 'shift_tolerant'
    model = stlpips.LPIPS(net=net, variant=variant, pretrained=False, verbose=False)
    # Its own loading is neither strict nor restricted to tensors.
    weights = files('stlpips_pytorch') / 'weights' / 'vST0.0' / f'{net}_{variant}.pth'
    with as_file(weights) as path:
        state = torch.load(path, map_location='cpu', weights_only=True)
    state |= {
        key.replace('lin', 'lins.', 1): value
        for key, value in state.items()
        if key.startswith('lin')
    }
    model.load_state_dict(state)
    return model
