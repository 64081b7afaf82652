"""Mirrored pairs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np

from posegen.codecs.joints import LEFT_RIGHT_PAIRS, NUM_JOINTS
from posegen.registry import TRANSFORMS

from .common import SIDES, check_number, random_of, require_resized, truth_of

#: Joint that takes the place of each in a mirrored image.
MIRRORED_JOINTS = np.arange(NUM_JOINTS)
MIRRORED_JOINTS[np.array(LEFT_RIGHT_PAIRS)] = np.array(LEFT_RIGHT_PAIRS)[:, ::-1]


def flip_keypoints(keypoints: np.ndarray, width: int) -> np.ndarray:
    """Joints ``(18, 3)`` of the mirrored image: left is right, and x counts back."""
    flipped = keypoints[MIRRORED_JOINTS]
    present = flipped[:, 2] > 0
    flipped[present, 0] = width - 1 - flipped[present, 0]
    return flipped


def flip_truth(truth: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Flow ``(2, H, W)``, visibility and part labels ``(H, W)`` of mirrored images."""
    flipped = {key: array[..., ::-1].copy() for key, array in truth.items()}
    flipped['flow'][0] *= -1
    return flipped


@TRANSFORMS.register_module()
class FlipPair:
    """Mirror both images, with the joints' left and right exchanged, and the truth.

    The published code does not flip. A mirrored person has the watch on the other
    wrist and text reads backward, on both images alike.

    Args:
        prob: chance of a pair to be mirrored.

    Raises:
        ConfigError: it comes before the pair was resized.
    """

    def __init__(self, prob: float = 0.5) -> None:
        self.prob = check_number('prob', prob, 0, 1)

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        require_resized(results, self)
        results['moved_by'] = type(self).__name__
        if random_of(results).random() >= self.prob:
            return results
        width = results['image_size'][1]
        for side in SIDES:
            results[f'{side}_image'] = cv2.flip(results[f'{side}_image'], 1)
            keypoints = results[f'{side}_keypoints']
            results[f'{side}_keypoints'] = flip_keypoints(keypoints, width)
        truth = truth_of(results)
        return results | flip_truth(truth) if truth else results
