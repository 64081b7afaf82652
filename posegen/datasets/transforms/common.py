"""What the transforms of a pair have in common.

Beside images, joints and names, ``results`` carries notes that transforms leave for
those after them: ``resized_by``, the name of the one that brought images and joints to
``image_size``, and ``moved_by``, of the last one that moved them there. A transform of
your own that does either sets them too. ``has_truth`` says whether the pair has a true
flow, and ``truth_frame`` whether that still counts in pixels of the images as they are
('image') or in those of ``image_size`` already; without it, the latter. ``same_place``
is whether the background is at the same place in both images.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from posegen.datasets.draws import generator_of
from posegen.utils.errors import ConfigError

SIDES = ('source', 'target')
TRUTH_TYPES = {'flow': np.float32, 'visibility': np.bool_, 'part_labels': np.uint8}


def random_of(results: dict[str, Any]) -> np.random.Generator:
    """The sample's generator, one for all its transforms."""
    if 'generator' not in results:
        results['generator'] = generator_of(results.get('index', 0))
    return results['generator']


def start_resizing(results: dict[str, Any], transform: object) -> None:
    """Note who resizes; a second one would blur.

    Raises:
        ConfigError: another transform did already, or there is no image yet.
    """
    name, other = type(transform).__name__, results.get('resized_by')
    if any(f'{side}_image' not in results for side in SIDES):
        raise ConfigError(f'{name} must come after LoadPairImages in the pipeline')
    if other is not None:
        raise ConfigError(
            f'{other} and {name} both resize images and joints; keep one of them in '
            'the pipeline'
        )
    results['resized_by'] = name


def require_resized(results: dict[str, Any], transform: object) -> None:
    """Check that images and joints share the frame ``image_size``.

    Raises:
        ConfigError: nothing has brought them there yet.
    """
    if 'resized_by' not in results:
        raise ConfigError(
            f'{type(transform).__name__} must come after ResizePair or AffinePair in '
            'the pipeline'
        )


def require_unresized(results: dict[str, Any], transform: object) -> None:
    """Check that images are loaded and as large as they are stored.

    Raises:
        ConfigError: they are not loaded yet, or have been resized.
    """
    name = type(transform).__name__
    if any(f'{side}_image' not in results for side in SIDES):
        raise ConfigError(f'{name} must come after LoadPairImages in the pipeline')
    if other := results.get('resized_by'):
        raise ConfigError(f'{name} must come before {other} in the pipeline')


def truth_of(results: dict[str, Any]) -> dict[str, np.ndarray]:
    """The arrays of the ground truth, where it was loaded and the pair has one."""
    return {key: results[key] for key in TRUTH_TYPES if key in results}


def empty_truth(size: tuple[int, int]) -> dict[str, np.ndarray]:
    """What stands for the truth of a pair that has none: nothing is known anywhere.

    Args:
        size: (height, width) of the images.

    Returns:
        ``flow`` ``(2, H, W)`` of 0, ``visibility`` ``(H, W)`` of False, ``part_labels``
        ``(H, W)`` of 0.
    """
    return {
        key: np.zeros((2, *size) if key == 'flow' else size, dtype)
        for key, dtype in TRUTH_TYPES.items()
    }


def check_sides(sides: Sequence[str]) -> tuple[str, ...]:
    """Sides of a pair, as an argument names them.

    Raises:
        ConfigError: there is none, or one is unknown.
    """
    sides = (sides,) if isinstance(sides, str) else tuple(sides)
    if not sides or not set(sides) <= set(SIDES):
        raise ConfigError(f'sides must be some of {SIDES}, got {sides}')
    return sides


def check_number(name: str, value: float, low: float, high: float = np.inf) -> float:
    """A number of an argument.

    Raises:
        ConfigError: it is not in [low, high].
    """
    if not isinstance(value, (int, float)) or not low <= value <= high:
        limits = f'at least {low}' if high == np.inf else f'in [{low}, {high}]'
        raise ConfigError(f'{name} must be a number {limits}, got {value!r}')
    return value


def check_range(
    name: str, limits: Sequence[float], low: float, high: float = np.inf
) -> tuple[float, float]:
    """The (least, greatest) of what an argument lets be drawn.

    Raises:
        ConfigError: it is no such pair, or not in [low, high].
    """
    if isinstance(limits, str) or not isinstance(limits, Sequence) or len(limits) != 2:
        raise ConfigError(f'{name} must be (least, greatest), got {limits!r}')
    least, greatest = (check_number(name, value, low, high) for value in limits)
    if least > greatest:
        raise ConfigError(f'{name} must be (least, greatest), got {limits!r}')
    return least, greatest
