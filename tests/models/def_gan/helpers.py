"""A small model, and data for it."""

from __future__ import annotations

from copy import deepcopy

import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import Tensor

from posegen.models.def_gan import DefGAN
from posegen.registry import MODELS

SIZE = (64, 32)
MODEL = dict(
    type='DefGAN',
    generator=dict(
        type='DefGANGenerator',
        base_channels=4,
        max_channels=8,
        num_levels=5,
        warp=dict(type='PartAffineWarp'),
    ),
    discriminators=dict(
        pair=dict(
            net=dict(type='DefGANDiscriminator', base_channels=4, num_downs=3),
            condition=('source_image', 'source_pose', 'target_pose'),
        ),
    ),
    feature_net=dict(type='EfficientNetLite0Features', weights='random'),
    losses=dict(
        adv=dict(type='GANLoss', mode='log', weight=1.0),
        per=dict(type='NearestNeighbourLoss', layers=('expand1',), window=3),
    ),
)


def build(generator: dict | None = None, **changes) -> DefGAN:
    """The small model, with other settings of the generator or of the model."""
    torch.manual_seed(0)
    cfg = deepcopy(MODEL)
    cfg['generator'].update(generator or {})
    cfg.update(changes)
    return MODELS.build(cfg)


def keypoints(
    count: int, size: tuple[int, int] = SIZE, seed: int = 0, missing: float = 0.0
) -> Tensor:
    """Random whole-numbered joints (count, 18, 3); those that miss hold NaN."""
    generator = torch.Generator().manual_seed(seed)
    scale = torch.tensor([size[1], size[0]], dtype=torch.float32)
    points = (torch.rand(count, 18, 2, generator=generator) * scale).floor()
    seen = torch.rand(count, 18, 1, generator=generator) >= missing
    return torch.cat([points.where(seen, torch.nan), seen.float()], dim=-1)


def batch(count: int = 3, seed: int = 1) -> dict:
    """Random images and joints as a data set collates them."""
    generator = torch.Generator().manual_seed(seed)
    image = torch.randint(0, 256, (2, count, 3, *SIZE), generator=generator).byte()
    return dict(
        source_image=image[0],
        target_image=image[1],
        source_keypoints=keypoints(count, seed=seed),
        target_keypoints=keypoints(count, seed=seed + 1),
        source_name=[f's{i}.jpg' for i in range(count)],
        target_name=[f't{i}.jpg' for i in range(count)],
    )


def wrappers(model: DefGAN, lr: float = 1e-3) -> OptimWrapperDict:
    """Adam for the generator and for the discriminators."""
    nets = dict(generator=model.generator)
    if model.discriminators is not None:
        nets['discriminator'] = model.discriminators
    return OptimWrapperDict(
        **{
            name: OptimWrapper(torch.optim.Adam(net.parameters(), lr=lr))
            for name, net in nets.items()
        }
    )
