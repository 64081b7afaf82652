"""Pairs to move about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

SIZE = (40, 32)


def make_results(
    size: tuple[int, int] = SIZE,
    stored: tuple[int, int] | None = None,
    seed: int = 0,
    **more: Any,
) -> dict[str, Any]:
    """A loaded pair of noise with joints, a third of them missing."""
    rng = np.random.default_rng(seed)
    results: dict[str, Any] = {
        'image_size': size,
        'annotation_size': None,
        'scaling': 'center',
    }
    for side in ('source', 'target'):
        stored_size = stored or size
        image = rng.integers(0, 256, (*stored_size, 3), dtype=np.uint8)
        points = rng.uniform(0, 1, (18, 2)) * [stored_size[1] - 1, stored_size[0] - 1]
        present = np.arange(18)[:, None] % 3 != 1
        results[f'{side}_image'] = image
        results[f'{side}_keypoints'] = np.hstack([points * present, present]).astype(
            np.float32
        )
    return results | more


def resized(**options: Any) -> dict[str, Any]:
    """A pair in the frame of the network."""
    return make_results(resized_by='ResizePair', **options)


def copy_of(results: dict[str, Any]) -> dict[str, Any]:
    """The same, to compare with."""
    return {k: v.copy() if hasattr(v, 'copy') else v for k, v in results.items()}


def put_blob(image: np.ndarray, x: float, y: float, sigma: float = 1.5) -> None:
    """Draw a bright spot around a point of a black image."""
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    spot = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2))
    image[:] = np.rint(255 * spot)[..., None]


def find_blob(image: np.ndarray) -> tuple[float, float]:
    """Centre of mass (x, y) of what is brighter than the fill."""
    weight = np.maximum(image[..., 0].astype(float) - 20, 0)
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    total = weight.sum()
    return float((columns * weight).sum() / total), float((rows * weight).sum() / total)


def follow_blobs(
    transform: Callable[[dict], dict],
    stored: tuple[int, int],
    size: tuple[int, int] = SIZE,
    joint: int = 3,
    **more: Any,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """(spot, joint) of both sides after a transform of a spot at that joint."""
    results = make_results(size, stored, **more)
    for side, place in (('source', (0.4, 0.55)), ('target', (0.6, 0.4))):
        point = np.array(place) * [stored[1], stored[0]]
        put_blob(results[f'{side}_image'], *point, sigma=stored[0] / 25)
        results[f'{side}_keypoints'][:] = 0
        results[f'{side}_keypoints'][joint] = *point, 1
    results = transform(results)
    found = []
    for side in ('source', 'target'):
        keypoints = results[f'{side}_keypoints']
        (present,) = np.flatnonzero(keypoints[:, 2])
        spot = np.array(find_blob(results[f'{side}_image']))
        found.append((spot, keypoints[present, :2]))
    return found


# Flow of a target that was turned and scaled, and of a source that was moved.
FLOW = np.array([[1.1, -0.2], [0.15, 0.9]])


def make_truth(size: tuple[int, int] = SIZE) -> dict[str, np.ndarray]:
    """A flow that takes p to FLOW p + (3, -2), parts in columns, a hidden corner."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    here = np.stack([columns, rows]).astype(float)
    there = np.einsum('ij,jhw->ihw', FLOW, here) + np.array([3, -2])[:, None, None]
    labels = (columns * 4 // size[1]).astype(np.uint8)
    inside = (there > -0.5).all(0) & (there[0] < size[1] - 0.5)
    inside &= there[1] < size[0] - 0.5
    return {
        'flow': (there - here).astype(np.float32),
        'visibility': inside & (columns + rows > 10),
        'part_labels': labels,
    }
