"""Images and joints to the size that the model works at."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from posegen.codecs.formats import other_frame, scale_keypoints
from posegen.codecs.formats.frames import PUBLISHED
from posegen.registry import TRANSFORMS
from posegen.utils.errors import DataError

from .common import SIDES, start_resizing
from .truth import move_truth_of


def resize_image(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize uint8 ``(H, W, 3)`` to ``size`` (height, width), aspect not kept.

    Pillow's bilinear filter, which averages when it shrinks: the published way.
    """
    if image.shape[:2] == tuple(size):
        return image
    height, width = size
    resized = Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR)
    return np.array(resized)


def resize_keypoints(results: dict[str, Any], side: str) -> np.ndarray:
    """A side's joints ``(18, 3)`` in pixels of ``image_size``.

    They come from the frame ``annotation_size``, or from the stored image's own where
    that is None, and are scaled as ``scaling`` says (see
    :func:`posegen.codecs.scale_keypoints`).

    Raises:
        DataError: more than half of the joints clearly lie outside that frame.
    """
    keypoints = results[f'{side}_keypoints']
    frame = results['annotation_size'] or results[f'{side}_image'].shape[:2]
    if (problem := other_frame(keypoints, frame, **PUBLISHED)) is not None:
        name = results.get(f'{side}_path', side)
        raise DataError(
            f'{name}: {problem}; set annotation_size to the (height, width) of the '
            'pictures that the joints were found in'
        )
    return scale_keypoints(keypoints, frame, results['image_size'], results['scaling'])


@TRANSFORMS.register_module()
class ResizePair:
    """Bring images, joints and the truth to ``image_size``.

    See :func:`resize_image`, :func:`resize_keypoints` and
    :func:`~posegen.datasets.transforms.truth.move_truth`.
    """

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        start_resizing(results, self)
        results |= move_truth_of(results)
        for side in SIDES:
            results[f'{side}_keypoints'] = resize_keypoints(results, side)
            image = results[f'{side}_image']
            results[f'{side}_image'] = resize_image(image, results['image_size'])
        return results
