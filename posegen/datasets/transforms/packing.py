"""A sample as tensors."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import torch

from posegen.registry import TRANSFORMS

from .common import SIDES, empty_truth, truth_of


@TRANSFORMS.register_module()
class PackPair:
    """Keep what a batch is made of, as tensors ready for ``default_collate``.

    ``*_image`` uint8 ``(3, H, W)``, ``*_keypoints`` float32 ``(18, 3)``, ``*_name``,
    and, where the truth was loaded, ``flow``, ``visibility``, ``part_labels`` and
    ``has_truth``, a bool scalar. A pair without truth in a set with truth gets zero
    flow, no visible pixel and labels of 0, so that both kinds make one batch.
    ``same_place``, likewise a bool, tells whether the background of the target is that
    of the source.
    """

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        packed: dict[str, Any] = {}
        for side in SIDES:
            packed[f'{side}_image'] = torch.from_numpy(
                channels_first(results[f'{side}_image'])
            )
            packed[f'{side}_keypoints'] = torch.from_numpy(results[f'{side}_keypoints'])
            packed[f'{side}_name'] = results[f'{side}_name']
        truth, has_truth = truth_of(results), results.get('has_truth')
        if has_truth is False:
            truth = empty_truth(results['target_image'].shape[:2])
        for key, array in truth.items():
            packed[key] = torch.from_numpy(np.ascontiguousarray(array))
        if has_truth is not None:
            packed['has_truth'] = torch.tensor(has_truth)
            packed['same_place'] = torch.tensor(results.get('same_place', True))
        return packed


def channels_first(image: np.ndarray) -> np.ndarray:
    """``(H, W, C)`` to ``(C, H, W)``, a contiguous copy.

    OpenCV splits pixels several times as fast as a copy with strides does.
    """
    planes = np.empty((image.shape[2], *image.shape[:2]), image.dtype)
    cv2.split(image, list(planes))
    return planes
