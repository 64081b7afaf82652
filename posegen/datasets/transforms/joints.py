"""Joints as a worse detector would have them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from posegen.codecs.joints import NUM_JOINTS
from posegen.registry import TRANSFORMS

from .common import SIDES, check_number, check_sides, random_of, require_resized


@TRANSFORMS.register_module()
class DropJoints:
    """Make joints missing at random; the images stay.

    Args:
        prob: chance of each joint to be dropped.
        sides: whose joints: 'source', 'target' or both.

    Raises:
        ConfigError: an argument is not one of its choices.
    """

    def __init__(self, prob: float = 0.05, sides: Sequence[str] = SIDES) -> None:
        self.prob, self.sides = check_number('prob', prob, 0, 1), check_sides(sides)

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        for side in self.sides:
            keypoints = results[f'{side}_keypoints'].copy()
            keypoints[random_of(results).random(NUM_JOINTS) < self.prob] = 0
            results[f'{side}_keypoints'] = keypoints
        return results


@TRANSFORMS.register_module()
class JointNoise:
    """Move the joints that are present by Gaussian noise; the images stay.

    Args:
        sigma: standard deviation along each axis, in pixels of ``image_size``.
        sides: whose joints: 'source', 'target' or both.

    Raises:
        ConfigError: an argument is not one of its choices, or it comes before the pair
            was resized.
    """

    def __init__(self, sigma: float = 1.0, sides: Sequence[str] = SIDES) -> None:
        self.sigma, self.sides = check_number('sigma', sigma, 0), check_sides(sides)

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        require_resized(results, self)
        for side in self.sides:
            keypoints = results[f'{side}_keypoints'].copy()
            noise = random_of(results).normal(0, self.sigma, (NUM_JOINTS, 2))
            keypoints[:, :2] += noise * (keypoints[:, 2:] > 0)
            results[f'{side}_keypoints'] = keypoints
        return results
