"""A model with a generator and a discriminator that trains in milliseconds.

Importing this module registers it; a config names it in ``custom_imports``.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import torch
from mmengine.dist import get_rank
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.utils.data import Dataset

from posegen.models.phase import optimize
from posegen.registry import DATASETS, HOOKS, METRICS, MODELS

SIZE = (8, 8)


@MODELS.register_module(force=True)
class ToyBlock(nn.Module):
    """One convolution; ``channels`` comes from the parent."""

    def __init__(self, channels: int, kernel_size: int = 3) -> None:
        super().__init__()
        if kernel_size % 2 == 0:
            raise ValueError(f'kernel_size must be odd, got {kernel_size}')
        self.conv = nn.Conv2d(channels, channels, kernel_size, padding=kernel_size // 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


@MODELS.register_module(force=True)
class ToyGenerator(nn.Module):
    """Two blocks, the second with noise; only the first is trained in stage 'flow'."""

    def __init__(self, block: dict, width: int = 3) -> None:
        super().__init__()
        self.flow = MODELS.build(dict(block, channels=width))
        self.decoder = MODELS.build(dict(block, channels=width))

    def forward(self, image: Tensor) -> Tensor:
        out = self.flow(image)
        if self.training:
            out = out + 0.1 * torch.randn_like(out)
        return torch.tanh(self.decoder(out))


@MODELS.register_module(force=True)
class ToyTransfer(BaseModel):
    """Trains as the models of posegen do.

    ``poison_at`` makes the loss nan at that iteration, in the process of that rank;
    ``seconds`` slows a step down.
    """

    def __init__(
        self,
        generator: dict,
        train_stage: str = 'full',
        poison_at: int = -1,
        poison_rank: int = 0,
        seconds: float = 0.0,
        data_preprocessor: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor)
        self.generator = MODELS.build(generator)
        self.discriminators = nn.Conv2d(3, 1, 3)
        self.train_stage = train_stage
        self.poison_at = poison_at if get_rank() == poison_rank else -1
        self.seconds = seconds
        self.steps = 0
        if train_stage == 'flow':
            self.generator.decoder.requires_grad_(False)

    def train_step(self, data: dict, optim_wrapper) -> dict[str, Tensor]:
        time.sleep(self.seconds)
        self.steps += 1
        data = self.data_preprocessor(data)
        real = data['target_image'] / 127.5 - 1
        fake = self.generator(data['source_image'] / 127.5 - 1)
        losses = {}
        if self.train_stage == 'full':
            logits = self.discriminators(fake.detach()) - self.discriminators(real)
            losses['loss_d'] = logits.mean() + logits.square().mean()
            optim_wrapper['discriminator'].update_params(losses['loss_d'])
        rec = (fake - real).abs().mean()
        if self.steps == self.poison_at:
            rec = rec * float('nan')
        return losses | optimize(
            [(optim_wrapper['generator'], None)],
            self.generator,
            [dict(loss_rec=rec)],
            lambda terms: (terms, {}),
        )

    @torch.no_grad()
    def val_step(self, data: dict) -> list[dict]:
        data = self.data_preprocessor(data)
        fake = self.generator(data['source_image'] / 127.5 - 1)
        images = (fake * 127.5 + 127.5).round().clamp(0, 255).to(torch.uint8)
        keys = ('source_image', 'target_image', 'source_keypoints', 'target_keypoints')
        return [
            dict(
                image=images[i],
                source_name=data['source_name'][i],
                target_name=data['target_name'][i],
                **{key: data[key][i] for key in keys},
            )
            for i in range(len(images))
        ]

    test_step = val_step

    def forward(self, *args, **kwargs):
        raise NotImplementedError


@DATASETS.register_module(force=True)
class ToyPairs(Dataset):
    """Random images; counts how often one is read."""

    reads = 0

    def __init__(self, data_root: str = '', length: int = 10) -> None:
        self.data_root = data_root
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict:
        ToyPairs.reads += 1
        images = torch.randint(
            0,
            256,
            (2, 3, *SIZE),
            dtype=torch.uint8,
            generator=torch.Generator().manual_seed(index),
        )
        joints = torch.full((18, 3), 4.0)
        return dict(
            source_image=images[0],
            target_image=images[1],
            source_keypoints=joints,
            target_keypoints=joints + index,
            source_name=f'people/{index}_a.png',
            target_name=f'people/{index}_b.png',
        )


@HOOKS.register_module(force=True)
class SigtermHook(Hook):
    """Sends SIGTERM to the process of a rank, in an iteration or the validation."""

    def __init__(self, iteration: int, moment: str = 'train', rank: int = 0) -> None:
        self.iteration, self.moment, self.rank = iteration, moment, rank

    def after_train_iter(self, runner: Runner, *args, **kwargs) -> None:
        self._send('train', runner.iter + 1)

    def after_val_iter(self, runner: Runner, *args, **kwargs) -> None:
        self._send('val', runner.iter)

    def _send(self, moment: str, iteration: int) -> None:
        mine = self.moment, self.iteration, self.rank
        if (moment, iteration, get_rank()) == mine:
            os.kill(os.getpid(), signal.SIGTERM)


@METRICS.register_module(force=True)
class ToyError(BaseMetric):
    """Mean absolute difference."""

    default_prefix = None

    def process(self, data_batch: dict, data_samples: list[dict]) -> None:
        for sample in data_samples:
            difference = sample['image'].float() - sample['target_image'].float()
            self.results.append(difference.abs().mean().item())

    def compute_metrics(self, results: list) -> dict[str, float]:
        return {'toy_error': sum(results) / len(results), 'toy_count': len(results)}


def loader(train: bool, batch_size: int = 2, length: int = 10) -> dict:
    """A dataloader's config."""
    return dict(
        batch_size=batch_size,
        num_workers=0,
        dataset=dict(type='ToyPairs', length=length),
        sampler=dict(type='InfiniteSampler', shuffle=True)
        if train
        else dict(type='DefaultSampler', shuffle=False),
        collate_fn=dict(type='default_collate'),
    )


def adam(lr: float = 1e-2) -> dict:
    """An optimizer wrapper's config."""
    return dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=lr))


def toy_config(iters: int = 6, checkpoint: int = 2, **changes) -> dict:
    """A config of two stages, as a plain dict.

    Args:
        iters: Iterations of each stage; validation is at the last.
        checkpoint: Iterations between checkpoints.
        **changes: Top-level keys to set.
    """
    train_cfg = dict(max_iters=iters, val_interval=iters)
    config = dict(
        default_scope='posegen',
        custom_imports=dict(imports=['tests.helpers.toy_training']),
        model=dict(
            type='ToyTransfer',
            generator=dict(type='ToyGenerator', block=dict(type='ToyBlock')),
        ),
        train_dataloader=loader(True),
        val_dataloader=loader(False, length=3),
        val_evaluator=[dict(type='ToyError')],
        test_dataloader=loader(False, length=3),
        test_evaluator=[dict(type='ToyError')],
        default_hooks=dict(
            logger=dict(type='LoggerHook', interval=2),
            checkpoint=dict(
                type='CheckpointHook', interval=checkpoint, max_keep_ckpts=2
            ),
            sample_grid=None,
        ),
        randomness=dict(seed=0),
        stages=[
            dict(
                name='flow',
                model=dict(train_stage='flow'),
                train_cfg=dict(train_cfg),
                optim_wrapper=dict(
                    constructor='MultiOptimWrapperConstructor', generator=adam()
                ),
            ),
            dict(
                name='full',
                model=dict(train_stage='full'),
                train_cfg=dict(train_cfg),
                optim_wrapper=dict(
                    constructor='MultiOptimWrapperConstructor',
                    generator=adam(),
                    discriminator=adam(1e-3),
                ),
            ),
        ],
    )
    return {**config, **changes}


def write_config(path: str | Path, config: dict) -> Path:
    """Write a config file."""
    path = Path(path)
    path.write_text(''.join(f'{key} = {value!r}\n' for key, value in config.items()))
    return path
