"""Published networks' configs, and weights that follow from a rule."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

#: Kernel sizes of local attention by level.
KERNELS = dict(fashion={2: 5, 3: 3}, market={2: 3})
DOWNS = dict(fashion=4, market=3)


def generator_config(data: str, base: int = 64, flow: tuple = (32, 256)) -> dict:
    """The published generator for 'fashion' or 'market', at a width."""
    encoder = dict(type='FeatureEncoder', level=3, base_channels=base)
    kernels = KERNELS[data]
    return dict(
        type='GFLAGenerator',
        flow=dict(
            type='PoseFlowNet',
            levels=tuple(kernels),
            base_channels=flow[0],
            max_channels=flow[1],
            use_image=True,
        ),
        image_encoder=encoder,
        pose_encoder=encoder,
        warp={
            level: dict(type='LocalAttentionWarp', kernel_size=size)
            for level, size in kernels.items()
        },
        selection=dict(type='VisibilitySelection'),
        decoder=dict(type='ResidualDecoder', level=3, num_blocks=1, min_channels=base),
    )


def discriminator_config(data: str, base: int = 32, maximum: int = 128) -> dict:
    """The published discriminator, at a width."""
    return dict(
        type='ResDiscriminator',
        base_channels=base,
        max_channels=maximum,
        num_downs=DOWNS[data],
    )


def weights_by_rule(rule: Mapping) -> dict[str, Tensor]:
    """Weights of any size from a seed, the names and the shapes alone.

    Args:
        rule: ``seed``, ``multipliers`` ([text in the name, factor]) and ``keys``
            (name -> shape).
    """
    return {key: _tensor(key, shape, rule) for key, shape in rule['keys'].items()}


def _tensor(key: str, shape: list[int], rule: Mapping) -> Tensor:
    if key.endswith('num_batches_tracked'):
        return torch.zeros(shape, dtype=torch.long)
    # Doubled convolutions follow from their first name.
    name = key
    if '.jump' in key or '.outconv' in key:
        name = key.replace('.model.2.', '.conv1.')
    seed = (zlib.crc32(name.encode()) + rule['seed']) % 2**32
    z = np.random.RandomState(seed).standard_normal(shape)
    if len(shape) == 4:
        z = z * np.sqrt(2 / np.prod(shape[1:]))
    elif name.endswith('weight'):
        z = 1 + 0.2 * z
    else:
        z = 0.1 * z
    for text, factor in rule['multipliers']:
        if text in name:
            z = z * factor
    return torch.from_numpy(z.astype(np.float32))
