"""Joints as an estimator gives them: jittered, missing, left and right exchanged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from posegen.codecs.joints import LEFT_RIGHT_PAIRS, NUM_JOINTS
from posegen.registry import TRANSFORMS
from posegen.utils.errors import ConfigError

from .common import SIDES, check_number, check_sides, random_of, require_resized

_ALL = np.array(LEFT_RIGHT_PAIRS)
#: Pairs of joints that are taken for each other together.
SWAP_GROUPS = {
    'arms': _ALL[np.isin(_ALL[:, 1], (2, 3, 4))],
    'legs': _ALL[np.isin(_ALL[:, 1], (8, 9, 10))],
    'all': _ALL,
}


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


@TRANSFORMS.register_module()
class SwapJoints:
    """Exchange left and right, as estimators do on backs and crossed limbs.

    The images stay.

    Args:
        prob: chance of each side of a pair to be changed.
        groups: what is exchanged, one of these at random: 'arms' (shoulders, elbows,
            wrists), 'legs' (hips, knees, ankles), 'all' (those, eyes and ears).
        sides: whose joints: 'source', 'target' or both.

    Raises:
        ConfigError: an argument is not one of its choices.
    """

    def __init__(
        self,
        prob: float = 0.05,
        groups: Sequence[str] = tuple(SWAP_GROUPS),
        sides: Sequence[str] = SIDES,
    ) -> None:
        self.groups = (groups,) if isinstance(groups, str) else tuple(groups)
        if not self.groups or not set(self.groups) <= set(SWAP_GROUPS):
            raise ConfigError(
                f'groups must be some of {tuple(SWAP_GROUPS)}, got {self.groups}'
            )
        self.prob, self.sides = check_number('prob', prob, 0, 1), check_sides(sides)

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        rng = random_of(results)
        for side in self.sides:
            group = self.groups[rng.integers(len(self.groups))]
            if rng.random() < self.prob:
                keypoints = results[f'{side}_keypoints'].copy()
                pairs = SWAP_GROUPS[group]
                keypoints[pairs] = keypoints[pairs[:, ::-1]]
                results[f'{side}_keypoints'] = keypoints
        return results
