"""Random batches that look like a data set's, so that none is needed."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

#: A standing person, x and y as fractions of the image, in OpenPose's order.
_STANDING = (
    *((0.50, 0.12), (0.50, 0.22), (0.40, 0.22), (0.35, 0.36), (0.33, 0.48)),
    *((0.60, 0.22), (0.65, 0.36), (0.67, 0.48), (0.44, 0.52), (0.43, 0.72)),
    *((0.42, 0.92), (0.56, 0.52), (0.57, 0.72), (0.58, 0.92), (0.48, 0.10)),
    *((0.52, 0.10), (0.45, 0.11), (0.55, 0.11)),
)
_MOVES = 0.04  # deviation of a joint from there, of the image
_MISSING = 0.05  # share of joints that were not found


def random_keypoints(
    batch_size: int, size: tuple[int, int], generator: torch.Generator
) -> Tensor:
    """People who stand about the middle, each joint moved, a few not found.

    Args:
        batch_size: People.
        size: (height, width).
        generator: Where the randomness comes from.

    Returns:
        (B, 18, 3): x, y in pixels inside the image, score 1, or 0 of a missing joint.
    """
    height, width = size
    shape = (batch_size, len(_STANDING))
    places = torch.tensor(_STANDING)
    places = places + _MOVES * torch.randn(*shape, 2, generator=generator)
    limit = torch.tensor([width - 1.0, height - 1.0])
    points = (places.clamp(0, 1) * limit).round()
    scores = (torch.rand(*shape, 1, generator=generator) >= _MISSING).float()
    return torch.cat([points, scores], dim=-1)


def random_batch(
    batch_size: int, size: tuple[int, int], seed: int = 0
) -> dict[str, Any]:
    """A batch of pairs as the collate function of a training set gives it.

    Args:
        batch_size: Pairs.
        size: (height, width).
        seed: The same seed gives the same batch.

    Returns:
        ``source_image``, ``target_image`` (B, 3, H, W) uint8, of noise;
        ``source_keypoints``, ``target_keypoints`` (B, 18, 3); ``source_name``,
        ``target_name``; ``flow``, ``visibility`` and ``part_labels`` of noise, for
        losses from truth. All on the CPU.
    """
    generator = torch.Generator().manual_seed(seed)
    batch: dict[str, Any] = {}
    for side in ('source', 'target'):
        image = torch.randint(0, 256, (batch_size, 3, *size), generator=generator)
        batch[f'{side}_image'] = image.byte()
        batch[f'{side}_keypoints'] = random_keypoints(batch_size, size, generator)
        batch[f'{side}_name'] = [f'{side}_{i}.png' for i in range(batch_size)]
    shape = (batch_size, *size)
    batch['flow'] = torch.randn(batch_size, 2, *size, generator=generator)
    batch['visibility'] = torch.rand(shape, generator=generator) < 0.5
    batch['part_labels'] = torch.randint(0, 4, shape, generator=generator).byte()
    return batch
