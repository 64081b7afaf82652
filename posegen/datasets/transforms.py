"""Transforms of a pair, from file names to tensors: plain dict in, plain dict out.

The dataset says what (paths, joints, sizes), the transforms do it, so a pipeline in a
config needs no arguments that the dataset has already.
"""

from __future__ import annotations

import io
import zlib
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch
from mmengine import fileio
from PIL import Image

from posegen.codecs.formats import scale_keypoints
from posegen.registry import TRANSFORMS
from posegen.utils.errors import DataError
from posegen.utils.images import decode_image

SIDES = ('source', 'target')
TRUTH_TYPES = {'flow': np.float32, 'visibility': np.bool_, 'part_labels': np.uint8}
_BROKEN_TRUTH = (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error)


def resize_image(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize uint8 ``(H, W, 3)`` to ``size`` (height, width), aspect not kept.

    Pillow's bilinear filter, which averages when it shrinks: the published way.
    """
    if image.shape[:2] == tuple(size):
        return image
    height, width = size
    resized = Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR)
    return np.array(resized)


@TRANSFORMS.register_module()
class LoadPairImages:
    """Read both images through MMEngine's file backends.

    Needs ``source_path``, ``target_path`` and, for other places than local disks,
    ``backend_args``; adds ``source_image``, ``target_image``: uint8 ``(H, W, 3)`` RGB.
    """

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        for side in SIDES:
            path = results[f'{side}_path']
            data = _read_bytes(path, results.get('backend_args'))
            results[f'{side}_image'] = decode_image(data, path)
        return results


@TRANSFORMS.register_module()
class ResizePair:
    """Bring images and joints to ``image_size``.

    Joints come from the frame ``annotation_size``, or from the stored image's own where
    that is None, and are scaled as ``scaling`` says (see
    :func:`posegen.codecs.scale_keypoints`).
    """

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        size = results['image_size']
        for side in SIDES:
            image = results[f'{side}_image']
            results[f'{side}_keypoints'] = scale_keypoints(
                results[f'{side}_keypoints'],
                results['annotation_size'] or image.shape[:2],
                size,
                results['scaling'],
            )
            results[f'{side}_image'] = resize_image(image, size)
        return results


@TRANSFORMS.register_module()
class LoadTruth:
    """Read the pair's true flow, visibility and part labels from ``truth_path``.

    Adds ``flow`` ``(2, H, W)`` float32, target to source in pixels of ``image_size``;
    ``visibility`` ``(H, W)`` bool; ``part_labels`` ``(H, W)`` uint8: 0 background,
    1 head, 2 torso and arms, 3 leg.
    """

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        path, size = results['truth_path'], tuple(results['image_size'])
        data = _read_bytes(path, results.get('backend_args'))
        try:
            with np.load(io.BytesIO(data)) as file:
                truth = {key: file[key] for key in TRUTH_TYPES}
        except _BROKEN_TRUTH as error:
            raise DataError(
                f'{path} does not hold the arrays {", ".join(TRUTH_TYPES)}: {error}'
            ) from error
        for key, array in truth.items():
            shape = (2, *size) if key == 'flow' else size
            if array.shape != shape or array.dtype != TRUTH_TYPES[key]:
                raise DataError(
                    f'{path}: {key} must be {np.dtype(TRUTH_TYPES[key])} {shape} at '
                    f'image_size {size}, got {array.dtype} {array.shape}'
                )
        return results | truth


@TRANSFORMS.register_module()
class PackPair:
    """Keep what a batch is made of, as tensors ready for ``default_collate``.

    ``*_image`` uint8 ``(3, H, W)``, ``*_keypoints`` float32 ``(18, 3)``, ``*_name``,
    and the truth where it was loaded.
    """

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        packed: dict[str, Any] = {}
        for side in SIDES:
            image = torch.from_numpy(results[f'{side}_image'])
            packed[f'{side}_image'] = image.permute(2, 0, 1).contiguous()
            packed[f'{side}_keypoints'] = torch.from_numpy(results[f'{side}_keypoints'])
            packed[f'{side}_name'] = results[f'{side}_name']
        for key in TRUTH_TYPES:
            if key in results:
                packed[key] = torch.from_numpy(results[key])
        return packed


def _read_bytes(path: str, backend_args: dict | None) -> bytes:
    try:
        return fileio.get(path, backend_args=backend_args)
    except OSError as error:
        raise DataError(f'{path} cannot be read: {error}') from error
