"""A sample as tensors."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import torch

from posegen.registry import TRANSFORMS

from .common import SIDES, truth_of


@TRANSFORMS.register_module()
class PackPair:
    """Keep what a batch is made of, as tensors ready for ``default_collate``.

    ``*_image`` uint8 ``(3, H, W)``, ``*_keypoints`` float32 ``(18, 3)``, ``*_name``,
    and the truth where it was loaded.
    """

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        packed: dict[str, Any] = {}
        for side in SIDES:
            packed[f'{side}_image'] = torch.from_numpy(
                channels_first(results[f'{side}_image'])
            )
            packed[f'{side}_keypoints'] = torch.from_numpy(results[f'{side}_keypoints'])
            packed[f'{side}_name'] = results[f'{side}_name']
        for key, array in truth_of(results).items():
            packed[key] = torch.from_numpy(np.ascontiguousarray(array))
        return packed


def channels_first(image: np.ndarray) -> np.ndarray:
    """``(H, W, C)`` to ``(C, H, W)``, a contiguous copy.

    OpenCV splits pixels several times as fast as a copy with strides does.
    """
    planes = np.empty((image.shape[2], *image.shape[:2]), image.dtype)
    cv2.split(image, list(planes))
    return planes
