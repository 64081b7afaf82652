"""A tiny set of real images and results for tests of folder scoring."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor, nn

from tests.evaluation.helpers import random_images

PAIRS = [('a', 'b'), ('b', 'a'), ('a', 'c')]
SIZE = (32, 24)


def save(path: Path, image: Tensor, **options) -> None:
    """Write uint8 (3, H, W)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image.permute(1, 2, 0).numpy()).save(path, **options)


def write_set(root: Path, size: tuple[int, int] = SIZE) -> Path:
    """Real images a, b, c and the results of two methods, the second one poorer."""
    real = dict(zip('abc', random_images(3, size)))
    for stem, image in real.items():
        save(root / 'real' / f'{stem}.png', image)
    for seed, method in enumerate(('good', 'poor'), start=1):
        noise = random_images(3, size, seed)
        for (source, target), other in zip(PAIRS, noise):
            mixed = (real[target].float() * (3 - seed) + other) / (4 - seed)
            save(root / method / f'{source}___{target}.png', mixed.byte())
    return root


def write_joints(file: Path, stems: str = 'abc') -> Path:
    """All joints of every image in a diagonal, a pixel apart from image to image."""
    lines = ['name:keypoints_y:keypoints_x']
    for shift, stem in enumerate(stems):
        joints = json.dumps([4 + shift + joint for joint in range(18)])
        lines.append(f'{stem}.png:{joints}:{joints}')
    file.write_text('\n'.join(lines) + '\n')
    return file


class ToyNetwork(nn.Module):
    """Stands in for Inception and LPIPS alike: random, and gone through in no time."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.weight = torch.randn(3 * 16, 6, generator=generator) / 255
        self.head = torch.randn(6, 5, generator=generator)

    def forward(self, images: Tensor, other: Tensor | None = None) -> Tensor:
        if other is not None:
            return (self(images) - self(other)).square().mean(dim=1)
        pooled = nn.functional.adaptive_avg_pool2d(images.float(), 4)
        return pooled.flatten(1) @ self.weight

    def logits(self, features: Tensor, bias: bool = True) -> Tensor:
        return features @ self.head + bias
