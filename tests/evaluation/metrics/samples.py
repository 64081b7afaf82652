"""Samples as ``val_step`` returns them, and evaluation of them."""

from __future__ import annotations

import torch
from mmengine.evaluator import Evaluator

from posegen.registry import METRICS
from tests.evaluation.helpers import random_images

SIZE = (48, 32)


def make_samples(count, size=SIZE):
    """Samples as ``val_step`` returns them, with the true flow."""
    images, targets = random_images(count, size, 1), random_images(count, size, 2)
    generator = torch.Generator().manual_seed(3)
    samples = []
    scale = torch.tensor([size[1], size[0], 1.0])
    for index in range(count):
        joints = torch.rand(2, 18, 3, generator=generator) * scale
        labels = torch.randint(0, 4, size, generator=generator).byte()
        samples.append(
            dict(
                image=images[index],
                target_image=targets[index],
                source_keypoints=joints[1],
                target_keypoints=joints[0],
                source_name=f's{index}.png',
                target_name=f't{index}.png',
                flow={
                    part: torch.randn(2, 12, 8, generator=generator)
                    for part in ('head', 'torso', 'leg')
                },
                flow_truth=torch.randn(2, *size, generator=generator),
                visibility_truth=torch.rand(size, generator=generator) < 0.5,
                part_labels=labels,
            )
        )
    return samples


def evaluate(metrics, samples, batch_size=2):
    evaluator = Evaluator([METRICS.build(config) for config in metrics])
    for start in range(0, len(samples), batch_size):
        evaluator.process(samples[start : start + batch_size])
    return evaluator.evaluate(len(samples))


def images_of(samples):
    """Results and targets, uint8 (B, 3, H, W) each."""
    return (
        torch.stack([sample['image'] for sample in samples]),
        torch.stack([sample['target_image'] for sample in samples]),
    )
