"""A small VU-Net with data for it."""

from __future__ import annotations

from copy import deepcopy

import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict

from posegen.models.vunet import VUNet, VUNetGenerator
from posegen.registry import MODELS

SIZE = (64, 32)
GENERATOR = dict(
    type='VUNetGenerator',
    base_channels=4,
    max_channels=8,
    num_levels=5,  # 64x32 to 4x2
    crop_level=1,
    dropout=0.0,
)
MODEL = dict(
    type='VUNet',
    generator=GENERATOR,
    feature_net=dict(type='EfficientNetLite0Features', weights='random'),
    losses=dict(
        rec=dict(type='L1Loss', weight=5.0),
        per=dict(type='PerceptualLoss', layers=('expand1',), weight=2.0),
        kl=dict(type='LatentKLLoss', begin=10, end=20),
    ),
)


def build_generator(**changes) -> VUNetGenerator:
    """The small generator, with other settings."""
    torch.manual_seed(0)
    return MODELS.build(GENERATOR | changes)


def build(generator: dict | None = None, **changes) -> VUNet:
    """The small model, with other settings of the generator or of the model."""
    torch.manual_seed(0)
    cfg = deepcopy(MODEL)
    cfg['generator'].update(generator or {})
    cfg.update(changes)
    return MODELS.build(cfg)


def keypoints(count: int, seed: int, size: tuple[int, int] = SIZE) -> torch.Tensor:
    """Random joints, all present."""
    generator = torch.Generator().manual_seed(seed)
    scale = torch.tensor([size[1] - 1, size[0] - 1], dtype=torch.float32)
    points = torch.rand(count, 18, 2, generator=generator) * scale
    return torch.cat([points, torch.ones(count, 18, 1)], dim=-1)


def smooth_images(count: int, seed: int, size: tuple[int, int] = SIZE) -> torch.Tensor:
    """Random coloured clouds, (count, 3, H, W) in [-1, 1]."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.rand(count, 3, 6, 4, generator=generator) * 2 - 1
    return torch.nn.functional.interpolate(noise, size, mode='bilinear')


def batch(count: int = 2, seed: int = 1, size: tuple[int, int] = SIZE) -> dict:
    """Images and joints as a data set collates them."""
    images = [smooth_images(count, 10 * seed + i, size) for i in range(2)]
    source, target = (((image + 1) * 127.5).round().byte() for image in images)
    return dict(
        source_image=source,
        target_image=target,
        source_keypoints=keypoints(count, 10 * seed + 2, size),
        target_keypoints=keypoints(count, 10 * seed + 3, size),
        source_name=[f's{i}.jpg' for i in range(count)],
        target_name=[f't{i}.jpg' for i in range(count)],
    )


def wrappers(model: VUNet, lr: float = 1e-3) -> OptimWrapperDict:
    """Adam for the generator, and for the discriminators where there are some."""
    nets = dict(generator=model.generator)
    if model.discriminators is not None:
        nets['discriminator'] = model.discriminators
    return OptimWrapperDict(
        **{
            name: OptimWrapper(
                torch.optim.Adam(
                    [p for p in net.parameters() if p.requires_grad], lr=lr
                )
            )
            for name, net in nets.items()
        }
    )
