"""Networks of the golden files, and small models with data for them."""

from __future__ import annotations

import json
import zlib
from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict

from posegen.models.patn import PATN
from posegen.registry import MODELS

SIZE = (32, 16)
MODEL = dict(
    type='PATN',
    generator=dict(type='PATNGenerator', base_channels=4, num_blocks=2),
    discriminators=dict(
        pp=dict(
            net=dict(type='PATNDiscriminator', base_channels=4, num_blocks=1),
            condition=('source_image',),
        ),
        pb=dict(
            net=dict(type='PATNDiscriminator', base_channels=4, num_blocks=1),
            condition=('target_pose',),
        ),
    ),
    pool_size=3,
    feature_net=dict(type='EfficientNetLite0Features', weights='random'),
    losses=dict(
        rec=dict(type='L1Loss', weight=10.0),
        adv=dict(type='GANLoss', mode='log', weight=2.5, discriminator_weight=2.5),
        per=dict(type='PerceptualLoss', layers=('expand1',), weight=10.0),
    ),
)


def build(generator: dict | None = None, **changes) -> PATN:
    """The small model, with other settings of the generator or of the model."""
    torch.manual_seed(0)
    cfg = deepcopy(MODEL)
    cfg['generator'].update(generator or {})
    cfg.update(changes)
    return MODELS.build(cfg)


def batch(count: int = 2, seed: int = 1) -> dict:
    """Random images and joints as a data set collates them."""
    generator = torch.Generator().manual_seed(seed)
    image = torch.randint(0, 256, (2, count, 3, *SIZE), generator=generator).byte()
    scale = torch.tensor([SIZE[1] - 1, SIZE[0] - 1], dtype=torch.float32)
    points = torch.rand(2, count, 18, 2, generator=generator) * scale
    joints = torch.cat([points, torch.ones(2, count, 18, 1)], dim=-1)
    return dict(
        source_image=image[0],
        target_image=image[1],
        source_keypoints=joints[0],
        target_keypoints=joints[1],
        source_name=[f's{i}.jpg' for i in range(count)],
        target_name=[f't{i}.jpg' for i in range(count)],
    )


def wrappers(model: PATN, lr: float = 1e-3) -> OptimWrapperDict:
    """Adam for the generator and one for each discriminator."""
    nets = dict(generator=model.generator)
    if model.discriminators is not None:
        nets |= {f'discriminator_{k}': v for k, v in model.discriminators.nets.items()}
    return OptimWrapperDict(
        **{
            name: OptimWrapper(torch.optim.Adam(net.parameters(), lr=lr))
            for name, net in nets.items()
        }
    )


def golden(path: Path) -> dict:
    """A golden file; weights that it leaves out are drawn by the rule beside it."""
    content = torch.load(path, weights_only=True)
    rule = path.with_suffix('.json')
    if rule.exists():
        content['state_dict'] = drawn_weights(json.loads(rule.read_text()))
    return content


def drawn_weights(rule: dict) -> dict[str, torch.Tensor]:
    """Weights from the keys' names and a seed."""
    return {
        key: torch.tensor(0)
        if key.endswith('num_batches_tracked')
        else _draw(key, shape, rule)
        for key, shape in rule['keys'].items()
    }


def _draw(key: str, shape: list[int], rule: dict) -> torch.Tensor:
    seed = (zlib.crc32(key.encode()) + rule['seed']) % 2**32
    # The rule names this generator.
    z = np.random.RandomState(seed).standard_normal(shape)
    if len(shape) == 4:
        z = z * np.sqrt(2 / np.prod(shape[1:]))
    elif key.endswith('running_var'):
        z = np.exp(0.4 * z)
    elif key.endswith('running_mean'):
        z = 0.3 * z
    elif key.endswith('weight'):
        z = 1 + 0.2 * z
    else:
        z = 0.1 * z
    for text, factor in rule['multipliers']:
        z = z * (factor if text in key else 1)
    return torch.from_numpy(np.asarray(z, np.float32))
